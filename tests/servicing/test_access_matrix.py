"""Who opens which address of servicing: every address has a row here, and a new one without a row fails (R54, R55).

People: the member whose job it is (`owner`), another one (`stranger`), nobody (`visitor`); the staff of its centre
(`own`) and of another one (`other`), Support, Programme and an administrator (`admin`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from members.models import User
from servicing import urls
from servicing.admin.ticket_forms import ALL_BUTTONS
from servicing.models import ServiceCentre, Shipment, Ticket, TicketEvent, VisitingMember
from tests.admin.conftest import signed_in
from tests.admin.crowd import add_jobs
from tests.factories import UserFactory
from tests.servicing.test_desk import works_at
from tests.servicing.test_desk_access import GLOBAL, OURS, of_ana
from tests.world import World

# Address of the members' pages -> (method, owner, stranger). Staff are sent to the desk and visitors to signing in,
# but for the pages that everybody may read.
MEMBERS: dict[str, tuple[str, int, int]] = {
    "centres": ("get", 200, 200),
    "centre": ("get", 200, 200),
    "list": ("get", 200, 200),
    "of_registration": ("get", 302, 302),  # a stranger comes to the own list
    "new": ("get", 200, 200),
    "check": ("get", 200, 200),
    "entitlement_summary": ("get", 200, 404),
    "history": ("get", 200, 404),
    "parcel": ("get", 200, 404),
    "parcel_sent": ("post", 422, 404),
    "parcel_shipping": ("post", 422, 404),
    "parcel_cancel": ("post", 302, 404),
    "label": ("get", 200, 404),
    "parcel_calendar": ("get", 404, 404),  # nothing is collected
    "packing_list": ("get", 200, 404),
    "ticket": ("get", 200, 404),
    "live": ("get", 200, 404),
    "write": ("post", 422, 404),
    "estimate": ("post", 302, 404),
    "estimate_pdf": ("get", 200, 404),
    "delivered": ("post", 302, 404),
    "cancel": ("post", 302, 404),
    "same_fault": ("post", 302, 404),
    "report": ("get", 404, 404),  # shown once the product is ready
    "standard": ("post", 302, 404),
    "loan": ("get", 200, 404),
}
PUBLIC = {"centres", "centre"}
# Address of the desk -> (method, own, other, Support, Programme). An administrator gets what Support gets, and nobody
# else enters it.
DESK: dict[str, tuple[str, int, int, int, int]] = {
    "servicing_loan_operate": ("post", 200, 404, 200, 403),
    "servicing_loan_desk": ("get", 200, 200, 200, 200),
    "servicing_ticket_intake": ("get", 200, 200, 200, 403),
    "servicing_ticket_open": ("get", 200, 200, 200, 403),
    "servicing_ticket_estimate": ("get", 200, 404, 200, 403),
    "servicing_ticket_board": ("get", 200, 200, 200, 200),
    "servicing_ticket_by_file": ("get", 200, 200, 200, 403),
    "servicing_ticket_file_template": ("get", 200, 200, 200, 403),
    "servicing_ticket_numbers": ("get", 200, 200, 200, 200),
    "servicing_ticket_print": ("get", 200, 404, 200, 200),
    "servicing_ticket_parcel": ("get", 200, 404, 200, 403),
    "servicing_ticket_return": ("get", 200, 404, 200, 403),
    "servicing_ticket_shipment": ("get", 200, 404, 200, 403),
    "servicing_ticket_ship": ("get", 200, 200, 200, 403),
    "servicing_ticket_stopped": ("get", 302, 302, 302, 403),
    "servicing_visitingmember_check": ("get", 200, 200, 200, 403),
    "servicing_visitingmember_checked": ("get", 200, 404, 200, 403),
}
STANDARD = ("changelist", "add", "change", "delete", "history")  # of Django's admin, checked for every model
OUTSIDE = ("owner", "stranger", "visitor")
STAFF = ("own", "other", "Support", "Programme", "admin")


@dataclass(frozen=True)
class Stage:
    ticket: Ticket
    people: dict[str, Client]

    def ask(self, who: str, method: str, url: str, data: dict[str, object] | None = None) -> HttpResponse:
        """The answer, and nothing that it wrote."""
        client = self.people[who]
        with transaction.atomic():
            answer = client.post(url, data or {}) if method == "post" else client.get(url, data or {})
            transaction.set_rollback(True)
        return answer

    def status(self, who: str, method: str, url: str, data: dict[str, object] | None = None) -> int:
        return self.ask(who, method, url, data).status_code


@pytest.fixture
def stage(world: World, groups: dict[str, Group]) -> Stage:
    """Two members have jobs with everything that a job can have, at two centres; somebody of each kind is signed in."""
    add_jobs([world.ana, world.ben], UserFactory(is_staff=True, is_superuser=True))
    first, second = (ServiceCentre.objects.get(slug=f"of-{member.pk}") for member in (world.ana, world.ben))
    staff: dict[str, User] = {"own": works_at(first, groups), "other": works_at(second, groups)}
    for name in ("Support", "Programme"):
        staff[name] = UserFactory(is_staff=True)
        staff[name].groups.add(groups[name])
    staff["admin"] = UserFactory(is_staff=True, is_superuser=True)
    people = {name: signed_in(user) for name, user in staff.items()}
    people |= {name: Client() for name in OUTSIDE}
    people["owner"].force_login(world.ana.user)
    people["stranger"].force_login(world.ben.user)
    return Stage(Ticket.objects.get(member=world.ana), people)


def _patterns(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(name, path) of every address below."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, path)
        else:
            yield pattern.name or "", path


def desk_addresses() -> set[str]:
    """Our own addresses of servicing's admin, from the table of addresses."""
    names = {name for name, path in _patterns(get_resolver().url_patterns) if path.startswith("admin/servicing/")}
    return {name for name in names if name and name.rpartition("_")[2] not in STANDARD}


def test_every_address_has_a_row() -> None:
    """A new address fails here until somebody has said who may open it."""
    assert {name for name, _path in _patterns(urls.urlpatterns)} == set(MEMBERS)
    assert desk_addresses() == set(DESK)
    nameless = {path for name, path in _patterns(get_resolver().url_patterns) if not name and "servicing" in path}
    assert {path.rpartition("/<")[2] for path in nameless} == {"path:object_id>/"}  # Django's redirects to a row


def _member_url(name: str, path: str, ticket: Ticket) -> str:
    keys: dict[str, list[object]] = {
        "centre": [ticket.centre.slug],
        "estimate": [ticket.reference, 1],
        "estimate_pdf": [ticket.reference, 1],
    }
    if "<int:pk>" in path:
        return reverse(f"servicing:{name}", args=[ticket.registration_id])
    reference = ticket.parcel.reference if "parcels/" in path else ticket.reference
    return reverse(f"servicing:{name}", args=keys.get(name, [reference] if "<" in path else []))


def _desk_url(name: str, ticket: Ticket) -> str:
    keys: dict[str, list[object]] = {
        "servicing_loan_operate": [ticket.loans.get().pk],
        "servicing_ticket_estimate": [ticket.pk],
        "servicing_ticket_parcel": [ticket.parcel_id],
        "servicing_ticket_return": [ticket.pk],
        "servicing_visitingmember_checked": [VisitingMember.objects.filter(centre=ticket.centre).latest("pk").pk],
        "servicing_ticket_shipment": [ticket.pk, Shipment.objects.get(tickets=ticket).pk],
    }
    url = reverse(f"admin:{name}", args=keys.get(name, []))
    return f"{url}?t={ticket.pk}" if name == "servicing_ticket_print" else url


@pytest.mark.wide
@pytest.mark.django_db
def test_a_job_of_a_member_opens_to_that_member_only(stage: Stage) -> None:
    wrong = []
    for name, path in _patterns(urls.urlpatterns):
        method, owner, stranger = MEMBERS[name]
        url = _member_url(name, path, stage.ticket)
        others = 200 if name in PUBLIC else 302
        expected = {"owner": owner, "stranger": stranger, "visitor": others, **dict.fromkeys(STAFF, others)}
        if (answers := {who: stage.status(who, method, url) for who in expected}) != expected:
            wrong.append((name, answers))
    assert wrong == []
    own = reverse("servicing:of_registration", args=[stage.ticket.registration_id])
    assert stage.ask("stranger", "get", own)["Location"] == reverse("servicing:list")


@pytest.mark.wide
@pytest.mark.django_db
def test_an_address_of_the_desk_opens_to_those_it_concerns_only(stage: Stage) -> None:
    wrong = []
    for name in sorted(desk_addresses() & set(DESK)):
        method, *statuses = DESK[name]
        url = _desk_url(name, stage.ticket)
        expected = dict(zip(STAFF, (*statuses, statuses[2]), strict=True))
        answers = {who: stage.status(who, method, url) for who in expected}
        outside = {who: stage.ask(who, method, url) for who in OUTSIDE}
        kept_out = all(row.status_code == 302 and "login" in row["Location"] for row in outside.values())
        if answers != expected or not kept_out:
            wrong.append((name, answers, {who: (row.status_code, row.get("Location")) for who, row in outside.items()}))
    assert wrong == []


@pytest.mark.wide
@pytest.mark.django_db
def test_no_button_of_a_job_can_be_pressed_by_those_it_does_not_concern(stage: Stage) -> None:
    """Each button with an empty form: nobody else gets as far as the form."""
    url, before, wrong = (
        reverse("admin:servicing_ticket_change", args=[stage.ticket.pk]),
        TicketEvent.objects.count(),
        [],
    )
    expected = {"other": 404, "Programme": 403, "owner": 302, "stranger": 302, "visitor": 302}
    for name in ALL_BUTTONS:
        answers = {who: stage.people[who].post(url, {"do": name}).status_code for who in expected}
        if answers != expected:
            wrong.append((name, answers))
    assert wrong == []
    assert TicketEvent.objects.count() == before and len(ALL_BUTTONS) > 20


@pytest.mark.wide
@pytest.mark.django_db
def test_no_row_of_a_centre_opens_to_another_one_in_any_way(stage: Stage, world: World) -> None:
    """Over all that servicing registers, and all that Django's admin does with a row."""
    opened, checked = [], 0
    for model in OURS:
        name = model._meta.model_name or ""
        row = of_ana(model, world)
        for what in STANDARD:
            needs_row = what in ("change", "delete", "history")
            if needs_row and row is None:
                continue
            url = reverse(f"admin:servicing_{name}_{what}", args=[row.pk] if needs_row and row else [])
            outsiders = [*OUTSIDE, *(["other"] if needs_row and name not in GLOBAL else [])]
            opened += [(url, who) for who in outsiders if stage.status(who, "get", url) == 200]
            opened += [(url, who, "post") for who in outsiders if stage.status(who, "post", url) == 200]
            checked += len(outsiders)
    assert opened == []
    assert checked > 200
    assert admin.site.is_registered(Ticket)
