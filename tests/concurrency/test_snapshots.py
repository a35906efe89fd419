"""What a page shows is read from one snapshot, whatever is committed between its queries; the order is forced.

After each query of the page another connection commits a change. The page must be what it was before the first of them;
opened once more, it must show the change.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import InternalError, connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from cps_portal.core.lib.snapshot import BEGIN_SNAPSHOT_SQL, after_snapshot, read_snapshot
from cps_portal.site.presenters.my_data import archive
from kitbag.actions import removals
from kitbag.models import PointsEntry, Registration
from members.models import LevelThreshold, Member
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from servicing.models import Ticket
from tests.admin.conftest import signed_in
from tests.api.machines import Machine, machine
from tests.concurrency.threads import Background
from tests.factories import UserFactory, draft, submitted, validated
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)
MAX_COMMITS = 8  # a page; each takes some 40 ms
TOKENS = re.compile(r"""(csrfmiddlewaretoken"\s+value=|X-CSRFToken"\s*:\s*|form_token"\s+value=)"[^"]*\"""")

Change = Callable[[], object]


class Interference:
    """Commits `change` from a connection of its own after each query of the snapshot, the first included."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.commits = 0
        self._is_open = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        result = execute(sql, params, many, context)
        if self._is_open and self.commits < MAX_COMMITS:
            self._commit()
        self._is_open = self._is_open or sql == BEGIN_SNAPSHOT_SQL
        return result

    def _commit(self) -> None:
        self.commits += 1
        job = Background(self.change)
        outcome = job.finish()
        assert not isinstance(outcome, Exception), repr(outcome)


@contextmanager
def interfering(change: Change) -> Iterator[None]:
    interference = Interference(change)
    with connection.execute_wrapper(interference):
        yield
    assert interference.commits > 0


def assert_one_moment(read: Callable[[], str], change: Change) -> None:
    read()  # the first time, terms and language are noted in the session
    before = read()
    with interfering(change):
        during = read()
    assert during == before
    assert read() != before


def text_of(answer: HttpResponse) -> str:
    assert answer.status_code == 200, answer.status_code
    content: bytes = answer.content
    if answer["Content-Type"] == "application/pdf":
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return TOKENS.sub("", content.decode())


@pytest.fixture
def ana(committed_world: World) -> Client:
    client = Client()
    client.force_login(committed_world.ana.user)
    return client


@pytest.fixture
def grow(committed_world: World) -> Change:
    """Registers one more lens of 200 points for Ana, which is checked at once. Her level rises with the third."""
    world = committed_world
    serials = iter(range(2000001, 2000999))
    draft(world.ana, world.grip)
    return lambda: validated(Member.objects.get(pk=world.ana.pk), world.lens, str(next(serials)))


@pytest.mark.parametrize(
    "url",
    [
        "/dashboard/",
        "/kitbag/",
        "/kitbag/?view=table",
        "/kitbag/points/",
        "/kitbag/add/",
        "/kitbag/what-if/",
        "/kitbag/what-if/?buy={body}&sold={lens}&waiting=1",
        "/kitbag/upcoming/",
        "/kitbag/list.csv",
        "/kitbag/list.pdf",
        "/kitbag/points/statement.pdf",
        "/kitbag/{own}/remove/",
        "/kitbag/{own}/release/",
    ],
)
def test_a_page_of_the_kitbag_shows_one_moment(committed_world: World, ana: Client, grow: Change, url: str) -> None:
    world = committed_world
    own = Registration.objects.get(member=world.ana, product=world.pro_body)
    path = url.format(own=own.pk, body=world.body.pk, lens=world.lens.pk)
    assert_one_moment(lambda: text_of(ana.get(path)), grow)


def test_the_page_of_a_product_that_is_validated_meanwhile_shows_one_moment(
    committed_world: World, grow: Change
) -> None:
    """Its points are removed and added by each commit: 0 points and an entry of 300 must never meet (R26)."""
    world = committed_world
    own = validated(world.ben, world.body)
    client = Client()
    client.force_login(world.ben.user)

    def toggle() -> None:
        row = Registration.objects.get(pk=own.pk)
        if row.is_live:
            removals.remove_registration(registration=row, reason="sold", by=None, at=timezone.now())  # type: ignore[arg-type]
        else:
            removals.undo_removal(registration=row, by=None, at=timezone.now())  # type: ignore[arg-type]

    assert_one_moment(lambda: text_of(client.get(own.get_absolute_url())), toggle)


def test_the_dashboard_of_a_new_member_shows_one_moment(committed_world: World) -> None:
    world = committed_world
    client = Client()
    client.force_login(world.ben.user)
    serials = iter(range(100000000100, 100000000999))
    assert_one_moment(
        lambda: text_of(client.get("/dashboard/", headers={"HX-Request": "true"})),
        lambda: validated(Member.objects.get(pk=world.ben.pk), world.body, str(next(serials))),
    )


def test_the_member_page_of_the_admin_shows_one_moment(committed_world: World, grow: Change) -> None:
    """Read without the trail, which every reading makes longer."""
    user = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name="Programme"))
    staff = signed_in(user)
    page = reverse("admin:members_member_change", args=[committed_world.ana.pk])
    assert_one_moment(lambda: text_of(staff.get(page)), grow)


@pytest.fixture
def workshop(committed_world: World) -> Machine:
    partner_machine = machine()
    a_request(committed_world, a_centre(partner=partner_machine.partner), at=timezone.now())
    partner_machine.fetch()
    return partner_machine


def write(committed_world: World) -> Change:
    texts = iter(range(1000))

    def change() -> None:
        actor = Actor(user=committed_world.staff)
        write_message(ticket=Ticket.objects.get(), text=f"Message {next(texts)}", actor=actor, at=timezone.now())

    return change


def test_the_page_of_a_ticket_shows_one_moment(committed_world: World, workshop: Machine, ana: Client) -> None:
    page = Ticket.objects.get().get_absolute_url()
    assert_one_moment(lambda: text_of(ana.get(page)), write(committed_world))


def test_an_answer_of_the_api_shows_one_moment(committed_world: World, workshop: Machine) -> None:
    ticket = Ticket.objects.get().reference
    assert_one_moment(lambda: text_of(workshop.get(f"tickets/{ticket}")), write(committed_world))


def test_a_list_of_the_api_shows_one_moment(committed_world: World, workshop: Machine) -> None:
    world, serials = committed_world, iter(range(200000000100, 200000000999))
    centre = workshop.partner.centres.get()
    assert_one_moment(
        lambda: text_of(workshop.get("tickets")),
        lambda: a_request(world, centre, str(next(serials)), at=timezone.now(), member=world.ben),
    )


def test_the_download_of_my_data_shows_one_moment(committed_world: World, grow: Change) -> None:
    member = committed_world.ana

    def read() -> str:
        bundle = zipfile.ZipFile(io.BytesIO(b"".join(archive(member, at=timezone.now()))))
        return "\n".join(bundle.read(name).decode() for name in bundle.namelist() if name != "README.txt")

    assert_one_moment(read, grow)


def test_what_a_removal_costs_is_right_when_a_form_is_shown_again_while_it_is_validated(
    committed_world: World,
) -> None:
    """A POST reads no snapshot: points and entries come from one statement, and no total is below the lowest level."""
    world = committed_world
    row = submitted(world.ben, world.body)
    stale = Registration.objects.select_related("member").get(pk=row.pk)
    validated(world.ben, world.pro_body, "200000000001")
    cost = removals.removal_cost(stale)
    assert (cost.points, cost.total_before, cost.total_after) == (0, 500, 500)


def test_a_snapshot_refuses_writes_and_sees_no_later_commit(committed_world: World) -> None:
    with read_snapshot():
        before = PointsEntry.objects.count()
        assert not isinstance(
            Background(lambda: validated(committed_world.ben, committed_world.body)).finish(), Exception
        )
        assert PointsEntry.objects.count() == before
        with pytest.raises(InternalError, match="read-only"), transaction.atomic():
            LevelThreshold.objects.update(points_from=1)
    assert PointsEntry.objects.count() == before + 1
    assert LevelThreshold.objects.filter(points_from=1).update(points_from=1) == 0  # and writing works again


def test_what_is_written_after_a_snapshot_is_committed(committed_world: World) -> None:
    staff = committed_world.staff
    with read_snapshot():
        after_snapshot(lambda: type(staff).objects.filter(pk=staff.pk).update(is_active=False))
        assert type(staff).objects.get(pk=staff.pk).is_active
    staff.refresh_from_db()
    assert not staff.is_active
