"""The page of loans: who has what on a bar of two weeks, handed out and taken back by scan (R53)."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from members.models import User
from servicing.enums import LoanState
from servicing.models import Loan, LoanUnit, ServiceCentre, Ticket
from servicing.presenters.loan_desk import loan_row
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.servicing.jobs import a_centre, at_the_centre
from tests.servicing.test_desk import works_at
from tests.world import World

DESK = "/admin/servicing/loan/desk/"
AT = datetime.fromisoformat("2026-03-02T09:00:00+02:00")  # a Monday


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def desk(centre: ServiceCentre, groups: dict[str, Group]) -> Client:
    return signed_in(works_at(centre, groups))


def a_loan(
    world: World, centre: ServiceCentre, number: int = 1, *, state: str = "reserved", agreed: bool = True, **facts: Any
) -> Loan:
    ticket = at_the_centre(
        world, centre, f"0123456789{number:02}", member=[world.ana, world.ben, world.chloe][number % 3], wish="standard"
    )
    unit = LoanUnit.objects.create(centre=centre, product=world.pro_body, serial=f"LN-{number:04}")
    times = {"agreed_at": AT} if agreed else {}
    times |= {"out_at": AT} if state == "out" else {}
    if state == "out":
        Ticket.objects.filter(pk=ticket.pk).update(loan_out=True)
    return Loan.objects.create(
        unit=unit, ticket=ticket, member=ticket.member, state=state, reserved_at=AT, **{**times, **facts}
    )


def left(loan: Loan) -> None:
    """The member’s own product is on its way back."""
    Ticket.objects.filter(pk=loan.ticket_id).update(state="shipped", place=None, place_since=None)


def test_a_scan_of_the_unit_or_of_the_job_opens_its_loan(world: World, centre: ServiceCentre, desk: Client) -> None:
    loan, other = a_loan(world, centre), a_loan(world, a_centre("cape"), 2)
    LoanUnit.objects.create(centre=centre, product=world.body, serial="LN-0009")
    opened = f"{DESK}?loan={loan.pk}"
    scans = {
        "LN-0001": opened,
        " ln-0001 ": opened,
        loan.ticket.reference_in_groups: opened,
        "LN-0009": "free",
        other.unit.serial: "No loan",
        other.ticket.reference: "No loan",
        "nothing": "No loan",
        "\x00": None,
        "": None,
    }
    for text, expected in scans.items():
        answer = desk.post(DESK, {"do": "scan", "scan": text})
        if expected == opened:
            assert answer.headers["Location"] == opened, text
        else:
            assert answer.status_code == 200, text
            assert not expected or expected in answer.content.decode(), text


def test_a_unit_is_handed_out_and_taken_back(world: World, centre: ServiceCentre, desk: Client) -> None:
    loan = a_loan(world, centre)
    page = f"{DESK}?loan={loan.pk}"
    wrong = desk.post(page, {"do": "hand_out", "scanned": "LN-0002", "condition": "Light marks"})
    assert "another unit" in wrong.content.decode()
    assert "Light marks" in wrong.content.decode(), "nothing typed is lost"
    lacking = desk.post(page, {"do": "hand_out", "scanned": "LN-0001"})
    assert list(lacking.context["form"].errors) == ["condition"]
    facts = {"scanned": "ln-0001", "condition": "Light marks", "goes_with": ["battery", "charger"]}
    assert desk.post(page, {"do": "hand_out", **facts}).status_code == 302
    loan.refresh_from_db()
    assert (loan.state, loan.condition_out) == (LoanState.OUT, "Light marks\nBattery, Charger")
    assert "When it went out:" in desk.get(page).content.decode()
    assert desk.post(page, {"do": "take_back", "condition": "As it went"}).status_code == 302
    loan.refresh_from_db()
    assert (loan.state, loan.condition_in) == (LoanState.RETURNED, "As it went")
    assert desk.get(page).status_code == 404, "a loan that is over is in no hand"


@each_row("do", ["hand_out", "take_back", "cancel", "", "nothing"])
def test_what_is_not_possible_now_is_refused_in_words(
    world: World, centre: ServiceCentre, desk: Client, do: str
) -> None:
    loan = a_loan(world, centre, agreed=False)
    answer = desk.post(f"{DESK}?loan={loan.pk}", {"do": do, "condition": "Fine"})
    loan.refresh_from_db()
    assert (answer.status_code, loan.state) == ((302, "cancelled") if do == "cancel" else (200, "reserved"))


ROWS: list[tuple[str, dict[str, Any], tuple[str, str, int, int]]] = [
    # state, facts, (kind, how it is due, begin, width); the bar is 140 wide, today at 70
    ("reserved", {}, ("promised", "on", 70, 70)),
    ("out", {}, ("out", "on", 70, 70)),  # follows the repair
    ("out", {"due_back": date(2026, 3, 2)}, ("out", "soon", 70, 10)),
    ("out", {"due_back": date(2026, 3, 4)}, ("out", "soon", 70, 30)),
    ("out", {"due_back": date(2026, 3, 5)}, ("out", "on", 70, 40)),
    ("out", {"due_back": date(2026, 5, 1)}, ("out", "on", 70, 70)),
    ("out", {"out_at": AT - timedelta(days=30), "due_back": date(2026, 3, 6)}, ("out", "on", 0, 120)),
    ("out", {"out_at": AT - timedelta(days=3), "due_back": date(2026, 3, 3)}, ("out", "soon", 40, 50)),
    ("out", {"out_at": AT - timedelta(days=9), "due_back": date(2026, 2, 27)}, ("late", "late", 0, 70)),
    ("out", {"out_at": AT - timedelta(days=5), "due_back": date(2026, 2, 27)}, ("late", "late", 20, 50)),
]


@each_row("state, facts, expected", ROWS)
def test_the_bar_of_two_weeks(
    world: World, centre: ServiceCentre, state: str, facts: dict[str, Any], expected: tuple[str, str, int, int]
) -> None:
    loan = a_loan(world, centre, state=state, **facts)
    left(loan)
    row = loan_row(Loan.objects.select_related("ticket__parcel", "unit__centre").get(pk=loan.pk), date(2026, 3, 2))
    assert (row.kind, row.due.state, row.begin, row.width) == expected
    assert 0 <= row.begin < row.begin + row.width <= 140


def test_a_loan_is_not_overdue_while_the_own_product_is_here(world: World, centre: ServiceCentre) -> None:
    # R53
    loan = a_loan(world, centre, state="out", due_back=date(2026, 2, 27))
    row = loan_row(loan, date(2026, 3, 2))
    assert (row.kind, row.due.text) == ("out", "After their own is back")


def test_filters_list_what_they_say(world: World, centre: ServiceCentre, desk: Client) -> None:
    today = timezone.localdate()
    late = a_loan(world, centre, 1, state="out", due_back=today - timedelta(days=4))
    left(late)
    promised = a_loan(world, centre, 2)
    waiting = a_loan(world, centre, 3, agreed=False)
    LoanUnit.objects.create(centre=centre, product=world.body, serial="LN-0009", in_pool=False)
    listed = {
        show: {row.loan for row in desk.get(DESK, {"show": show}).context["rows"]}
        for show in ("", "late", "today", "free", "odd")
    }
    everything = {late, promised, waiting}
    assert listed == {"": everything, "late": {late}, "today": {promised}, "free": set(), "odd": everything}
    page = desk.get(DESK)
    assert page.context["counts"] == {"out": 1, "promised": 2, "free": 0, "resting": 1}


def test_the_page_needs_no_more_queries_for_many_loans(world: World, centre: ServiceCentre, desk: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(DESK).status_code == 200
        return len(captured)

    a_loan(world, centre, 1, state="out")
    desk.get(DESK)
    few = queries()
    for number in range(2, 5):
        a_loan(world, centre, number, state="out" if number % 2 else "reserved")
    assert queries() == few <= 12 + SNAPSHOT_QUERIES


def test_only_those_who_work_at_the_centre_reach_its_loans(
    world: World, centre: ServiceCentre, groups: dict[str, Group]
) -> None:
    # R54, R55
    loan = a_loan(world, centre, 3)
    people: dict[str, User] = {"own": works_at(centre, groups), "other": works_at(a_centre("cape"), groups)}
    for name in ("Support", "Programme"):
        people[name] = UserFactory(is_staff=True)
        people[name].groups.add(groups[name])
    people["none"] = UserFactory(is_staff=True)
    User.objects.filter(pk=world.ana.user_id).update(is_staff=True)
    people["owner"] = User.objects.get(pk=world.ana.user_id)
    people["owner"].groups.add(groups["Support"])
    clients = {name: signed_in(user) for name, user in people.items()}
    page = f"{DESK}?loan={loan.pk}"
    lists = {name: client.get(DESK).status_code for name, client in clients.items()}
    assert lists == {"own": 200, "other": 200, "Support": 200, "Programme": 200, "none": 403, "owner": 200}
    hands = {name: client.get(page).status_code for name, client in clients.items()}
    assert hands["own"] == hands["Support"] == 200
    assert (hands["other"], hands["none"], hands["owner"]) == (404, 403, 404)
    for name in ("other", "Programme", "none", "owner"):
        assert clients[name].post(page, {"do": "hand_out", "condition": "Fine"}).status_code in (403, 404)
        clients[name].post(DESK, {"do": "scan", "scan": loan.unit.serial})
    loan.refresh_from_db()
    assert loan.state == LoanState.RESERVED
    assert [len(clients[name].get(DESK).context["rows"]) for name in ("own", "other", "owner")] == [1, 0, 0]
