"""Every door of the desk holds a decision about a registration; none acts at once (R19, R54)."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.outbox.models import Message
from kitbag.actions import registrations
from kitbag.enums import HeldState, RefusalReason, RegistrationState
from kitbag.models import HeldDecision, PointsEntry, Registration
from kitbag.queries.versions import version_of
from members.models import Notice
from tests.admin.conftest import SignIn
from tests.factories import submitted, validated, with_receipt
from tests.held import apply_held
from tests.rows import each_row
from tests.world import World

QUEUE = "/admin/kitbag/registrationinreview/"
SHEET = f"{QUEUE}sheet/"


@pytest.fixture
def waiting(world: World) -> Registration:
    """Ben insists on a serial number of an unusual shape."""
    row = submitted(world.ben, world.body, "12345", insisted=True, at=timezone.now() - timedelta(days=1))
    return registrations.check_registration(registration=row, at=timezone.now())


def page(row: Registration, name: str, model: str = "registration") -> str:
    return reverse(f"admin:kitbag_{model}_{name}", args=[row.pk])


def desk(row: Registration) -> str:
    return page(row, "desk", "registrationinreview")


def on_desk(do: str, **data: str) -> Callable[[Client, Registration], object]:
    def press(client: Client, row: Registration) -> object:
        seen = client.get(desk(row)).context["item"]["version"]
        return client.post(desk(row), {"do": do, "seen": seen, **data})

    return press


def by_script(client: Client, row: Registration) -> object:
    """As the browser sends it that shows the next one by itself."""
    seen = client.get(desk(row)).context["item"]["version"]
    return client.post(desk(row), {"do": "approve", "seen": seen, "shown": "", "loaded": "", "passed": ""})


def on_sheet(client: Client, row: Registration) -> object:
    (frame,) = [frame for frame in client.get(SHEET).context["frames"] if frame.row == row]
    return client.post(SHEET, {"chosen": [row.pk], f"seen-{row.pk}": frame.version})


def on_refuse_page(client: Client, row: Registration) -> object:
    seen = client.get(page(row, "refuse")).context["seen"]
    return client.post(page(row, "refuse"), {"seen": seen, "reason": RefusalReason.DETAILS_WRONG})


class Door(NamedTuple):
    """A way to decide a registration: how it is pressed, and the state before and after."""

    press: Callable[[Client, Registration], object]
    before: str
    after: str


DOORS = [
    Door(on_desk("approve"), "submitted", "validated"),
    Door(on_desk("refuse", reason="serial_wrong"), "submitted", "rejected"),
    Door(on_desk("ask", question="receipt"), "submitted", "rejected"),
    Door(by_script, "submitted", "validated"),
    Door(on_sheet, "submitted", "validated"),
    Door(on_refuse_page, "validated", "rejected"),
]


def registration_in(state: str, world: World, waiting: Registration) -> Registration:
    return waiting if state == "submitted" else Registration.objects.get(member=world.ana, product=world.lens)


def change_meanwhile(row: Registration) -> None:
    """What staff had not seen: another receipt, or for one that counts, that it was decided again."""
    if row.state == RegistrationState.SUBMITTED:
        with_receipt(row)
    else:
        Registration.objects.filter(pk=row.pk).update(decided_at=timezone.now())


def told() -> tuple[int, int, int]:
    return Notice.objects.count(), Message.objects.count(), PointsEntry.objects.count()


@each_row("door", DOORS)
def test_every_door_holds_the_decision_and_a_worker_applies_it(
    as_support: Client, world: World, waiting: Registration, door: Door
) -> None:
    row, was = registration_in(door.before, world, waiting), told()
    door.press(as_support, row)
    held = HeldDecision.objects.get()
    assert (held.registration, held.state) == (row, HeldState.HELD)
    assert held.apply_at - held.held_at == timedelta(seconds=settings.HELD_DECISION_SECONDS)
    row.refresh_from_db()
    assert (row.state, told()) == (door.before, was), "nothing has left yet"
    apply_held()
    row.refresh_from_db()
    assert (row.state, row.decided_by) == (door.after, held.by)
    assert told() > was
    assert LogEntry.objects.get().user == held.by


@each_row("door", DOORS)
def test_what_any_door_held_can_be_taken_back(
    as_support: Client, world: World, waiting: Registration, door: Door
) -> None:
    row, was = registration_in(door.before, world, waiting), told()
    door.press(as_support, row)
    undo = reverse("admin:kitbag_helddecision_undo", args=[HeldDecision.objects.get().pk])
    assert as_support.post(undo, follow=True).status_code == 200
    apply_held()
    row.refresh_from_db()
    assert (row.state, told()) == (door.before, was)
    door.press(as_support, row)
    apply_held()
    row.refresh_from_db()
    assert row.state == door.after, "and be made again"


@each_row("door", DOORS)
def test_what_any_door_held_is_dropped_and_said_so_if_the_row_changed_meanwhile(
    as_support: Client, world: World, waiting: Registration, door: Door
) -> None:
    row = registration_in(door.before, world, waiting)
    door.press(as_support, row)
    change_meanwhile(row)
    was = told()
    apply_held()
    row.refresh_from_db()
    assert (row.state, told()) == (door.before, was)
    assert HeldDecision.objects.get().state == HeldState.DROPPED
    shown = page(row, "change") if door.before == "validated" else QUEUE
    assert "was not applied" in as_support.get(shown).content.decode()


@each_row("door", DOORS)
def test_no_door_decides_what_a_colleague_has_just_decided(
    staff: SignIn, world: World, waiting: Registration, door: Door
) -> None:
    row = registration_in(door.before, world, waiting)
    quick, slow = staff("Support"), staff("Support")
    version = version_of(row)
    door.press(quick, row)
    for url, data in [
        (desk(row), {"do": "refuse", "reason": "serial_wrong", "seen": version}),
        (SHEET, {"chosen": [row.pk], f"seen-{row.pk}": version}),
        (page(row, "refuse"), {"reason": "serial_wrong", "seen": version}),
    ]:
        slow.post(url, data)
    assert HeldDecision.objects.count() == 1


def test_no_address_decides_at_once(as_support: Client, waiting: Registration) -> None:
    """The pages that once asked for confirmation and then acted are gone."""
    for model in ("registration", "registrationinreview"):
        for verb in ("approve", "refuse"):
            url = f"/admin/kitbag/{model}/{waiting.pk}/{verb}/"
            as_support.post(url, {"seen": version_of(waiting), "reason": RefusalReason.SERIAL_WRONG})
    as_support.post(QUEUE, {"action": "approve_chosen", "_selected_action": [waiting.pk]})
    waiting.refresh_from_db()
    assert (waiting.state, HeldDecision.objects.count()) == (RegistrationState.SUBMITTED, 0)


def test_a_refusal_needs_a_reason_and_says_what_is_missing(as_support: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.lens)
    assert "Refuse, it failed a check…" in as_support.get(page(row, "change")).content.decode()
    answer = as_support.post(page(row, "refuse"), {"seen": version_of(row)})
    assert answer.context["form"].errors["reason"]
    answer = as_support.post(page(row, "refuse"), {"seen": "old", "reason": "details_wrong"})
    assert "has changed since you opened it" in answer.content.decode()
    assert not HeldDecision.objects.exists()


def test_a_waiting_one_leads_to_its_page_of_the_queue(as_support: Client, waiting: Registration) -> None:
    assert desk(waiting) in as_support.get(page(waiting, "change")).content.decode()
    assert as_support.get(page(waiting, "refuse"))["Location"] == page(waiting, "change")


def test_refusing_one_that_counts_takes_its_points(as_support: Client, world: World) -> None:
    row = Registration.objects.get(member=world.ana, product=world.lens)
    on_refuse_page(as_support, row)
    assert "Undo" in as_support.get(page(row, "change")).content.decode()
    row.refresh_from_db()
    assert row.taken_by is None
    apply_held()
    world.ana.refresh_from_db()
    assert world.ana.points == 800


@each_row("method", ["get", "post"])
def test_the_doors_need_the_permission(staff: SignIn, world: World, waiting: Registration, method: str) -> None:
    client = staff("Programme")
    counting = Registration.objects.get(member=world.ana, product=world.lens)
    for url in (SHEET, desk(waiting), page(counting, "refuse")):
        assert getattr(client, method)(url).status_code == 403
    assert not HeldDecision.objects.exists()


def test_a_missing_registration_is_not_found(as_support: Client, world: World) -> None:
    assert as_support.get(reverse("admin:kitbag_registration_refuse", args=[999_999])).status_code == 404


def test_no_page_of_the_desk_edits_a_state(as_root: Client, waiting: Registration) -> None:
    for model in ("registration", "registrationinreview"):
        answer = as_root.post(page(waiting, "change", model), {"state": "validated", "serial": "1"})
        assert answer.status_code == 403
    waiting.refresh_from_db()
    assert (waiting.state, waiting.serial) == (RegistrationState.SUBMITTED, "12345")


# The queue


def test_the_queue_shows_the_longest_waiting_first_with_reason_and_same_serials(
    as_support: Client, world: World, waiting: Registration
) -> None:
    other = submitted(world.chloe, world.lens, "1000003", at=timezone.now() - timedelta(days=3))
    registrations.check_registration(registration=other, at=timezone.now())
    answer = as_support.get(QUEUE)
    assert [row.pk for row in answer.context["cl"].result_list] == [other.pk, waiting.pk]
    text = answer.content.decode()
    assert "Another member holds this serial number" in text
    assert world.ana.number in text
    assert page(waiting, "desk", "registrationinreview") in text


def test_a_counting_registration_is_not_in_the_queue(as_support: Client, world: World) -> None:
    validated(world.ben, world.lens, "7000001")
    assert as_support.get(QUEUE).context["cl"].result_count == 0
