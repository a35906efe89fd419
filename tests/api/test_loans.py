"""A centre's system lends by the API what its counter lends (R48, R53, R55)."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from cps_portal.core.outbox.models import Message
from kitbag.models import Hold
from members.models import Notice
from servicing.actions import loans, targets
from servicing.enums import EventKind, LoanState
from servicing.models import Loan, LoanUnit, TicketEvent
from tests.api.machines import Machine
from tests.rows import each_row
from tests.servicing.jobs import at_the_centre
from tests.world import World

SERIAL = "900000000001"
FACE = {
    "state": "reserved",
    "serial": SERIAL,
    "out_at": None,
    "condition_out": "",
    "due_back": None,
    "returned_at": None,
    "condition_in": "",
    "cancelled_at": None,
}


@pytest.fixture
def loan(workshop: Machine, world: World) -> Loan:
    """Reserved while a job is late; the member has not accepted the agreement yet."""
    now, centre = timezone.now(), workshop.partner.centres.get()
    job = at_the_centre(world, centre, at=now - timedelta(days=30))
    targets.flag_overdue(at=now)
    unit = LoanUnit.objects.create(centre=centre, product=world.pro_body, serial=SERIAL, condition="As new")
    return loans.reserve(ticket=job, unit=unit, by=world.ana.user, at=now)


def agree(loan: Loan, world: World) -> None:
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=timezone.now())


def day(days: int) -> str:
    return (timezone.now() + timedelta(days=days)).date().isoformat()


def ends(answer: HttpResponse) -> tuple[int, str, str]:
    """Its status, its code, and where the fault is."""
    said: dict[str, Any] = answer.json()
    return answer.status_code, said["code"], said.get("errors", [{"pointer": ""}])[0]["pointer"]


def told(world: World) -> list[str]:
    return [row.params["kind"] for row in Notice.objects.filter(member=world.ana, code="ticket").order_by("pk")]


def test_from_the_reservation_to_the_shelf_again(workshop: Machine, loan: Loan, world: World) -> None:
    path = f"loans/{loan.pk}"
    (listed,) = workshop.get("loans?state=reserved").json()["results"]
    assert listed == workshop.get(path).json()
    assert {name: listed[name] for name in FACE} == FACE
    assert (listed["ticket"], listed["product"]["slug"]) == (loan.ticket.reference, world.pro_body.slug)
    agree(loan, world)
    out = workshop.post(f"{path}/hand-out", {"condition": " One scratch "})
    assert (out.status_code, out.json()["state"], out.json()["condition_out"]) == (200, "out", "One scratch")
    assert out.json()["due_back"] is None, "it follows the repair"
    assert workshop.get(f"tickets/{loan.ticket.reference}").json()["loan_out"] is True
    longer = workshop.post(f"{path}/extend", {"due_back": day(60)})
    assert longer.json()["due_back"] == day(60)
    assert workshop.get(f"loans?due_before={day(61)}").json()["results"] == [longer.json()]
    assert workshop.get(f"loans?due_before={day(60)}").json()["results"] == []
    assert Hold.objects.filter(registration=loan.ticket.registration, why="loan").exists()
    back = workshop.post(f"{path}/take-back", {"condition": "Two"}).json()
    assert (back["state"], back["condition_in"], back["agreed_at"]) == ("returned", "Two", out.json()["agreed_at"])
    assert not Hold.objects.filter(registration=loan.ticket.registration, why="loan").exists()


def test_what_the_pool_has_says_who_has_it(workshop: Machine, loan: Loan, world: World) -> None:
    other = LoanUnit.objects.create(centre=loan.unit.centre, product=world.pro_body, serial="900000000002")
    found = {row["id"]: row["lent"] for row in workshop.get("loan-units").json()["results"]}
    assert found == {loan.unit_id: True, other.pk: False}
    free, lent = (workshop.get(f"loan-units?free={said}").json()["results"] for said in ("true", "false"))
    assert ([row["id"] for row in free], [row["id"] for row in lent]) == ([other.pk], [loan.unit_id])
    assert workshop.post(f"loans/{loan.pk}/cancel", {}).json()["state"] == "cancelled"
    assert len(workshop.get("loan-units?free=true").json()["results"]) == 2


def test_the_member_is_notified_and_history_names_the_partner(workshop: Machine, loan: Loan, world: World) -> None:
    agree(loan, world)
    path = f"loans/{loan.pk}"
    workshop.post(f"{path}/hand-out", {"condition": "As new"})
    workshop.post(f"{path}/extend", {"due_back": day(50)})
    workshop.post(f"{path}/take-back", {"condition": "As it was"})
    assert told(world)[-3:] == ["loan_out", "loan_extended", "loan_returned"]
    mails = Message.objects.filter(to=world.ana.user.email, payload__context__has_key="what")
    assert [row.payload["context"]["what"] for row in mails] == ["extended"]
    events = TicketEvent.objects.filter(ticket=loan.ticket, kind__in=[EventKind.LOAN_OUT, EventKind.LOAN_RETURNED])
    assert [(row.partner, row.by) for row in events] == [(workshop.partner, None)] * 2
    history = Loan.pgh_event_model.objects.filter(pgh_obj=loan).order_by("pgh_id")  # type: ignore[attr-defined]
    assert [(row.state, row.pgh_context and row.pgh_context.metadata["partner"]) for row in history] == [
        ("reserved", None),
        ("out", "joburg"),
        ("out", "joburg"),
        ("returned", "joburg"),
    ]


def test_only_what_may_happen_next_is_done_and_the_code_says_why(workshop: Machine, loan: Loan, world: World) -> None:
    def post(what: str, **said: object) -> tuple[int, str, str]:
        return ends(workshop.post(f"loans/{loan.pk}/{what}", said))

    state = (409, "state", "")
    assert post("hand-out", condition="As new") == (409, "agreement", "")
    assert [post("extend", due_back=day(9)), post("take-back", condition="x")] == [state] * 2
    agree(loan, world)
    assert post("hand-out", condition="As new", due_back=day(-1)) == (409, "due_back", "/due_back")
    assert workshop.post(f"loans/{loan.pk}/hand-out", {"condition": "As new", "due_back": day(3)}).status_code == 200
    assert [post("hand-out", condition="x"), post("cancel")] == [state] * 2
    assert [post("extend", due_back=day(one)) for one in (0, 122)] == [(409, "due_back", "/due_back")] * 2
    loan.refresh_from_db()
    assert (loan.state, str(loan.due_back), loan.condition_out) == (LoanState.OUT, day(3), "As new")


@each_row(
    ("what", "said", "pointer"),
    [
        ("hand-out", {}, "/condition"),
        ("hand-out", {"condition": "  "}, "/condition"),
        ("hand-out", {"condition": "x" * 501}, "/condition"),
        ("hand-out", {"condition": "x", "state": "returned"}, "/state"),
        ("extend", {"due_back": "soon"}, "/due_back"),
        ("extend", {"due_back": None}, "/due_back"),
        ("take-back", {"condition": 5}, "/condition"),
        ("cancel", {"why": "x"}, "/why"),
    ],
)
def test_what_cannot_be_read_is_refused_beside_its_field(
    workshop: Machine, loan: Loan, what: str, said: dict[str, Any], pointer: str
) -> None:
    assert ends(workshop.post(f"loans/{loan.pk}/{what}", said)) == (400, "invalid", pointer)


def test_a_version_that_is_known_is_not_sent_again_and_an_old_one_changes_nothing(
    workshop: Machine, loan: Loan, world: World
) -> None:
    path = f"loans/{loan.pk}"
    old = workshop.get(path)["ETag"]
    assert workshop.get(path, **{"If-None-Match": old}).status_code == 304
    agree(loan, world)
    assert workshop.get(path, **{"If-None-Match": old}).status_code == 200
    out = {"condition": "As new"}
    assert ends(workshop.post(f"{path}/hand-out", out, **{"If-Match": old})) == (412, "changed", "")
    loan.refresh_from_db()
    assert loan.state == LoanState.RESERVED
    known = {"If-Match": workshop.get(path)["ETag"]}
    assert workshop.post(f"{path}/hand-out", out, **known).status_code == 200
    for what, said in (("extend", {"due_back": day(9)}), ("take-back", out), ("cancel", {})):
        assert workshop.post(f"{path}/{what}", said, **known).status_code == 412


def test_the_same_key_lends_once(workshop: Machine, loan: Loan, world: World) -> None:
    agree(loan, world)
    path = f"loans/{loan.pk}/hand-out"
    first, again = (workshop.post(path, {"condition": "As new"}, key="one") for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert TicketEvent.objects.filter(ticket=loan.ticket, kind=EventKind.LOAN_OUT).count() == 1
    assert ends(workshop.post(path, {"condition": "As new"}, key="two")) == (409, "state", "")


def test_a_job_whose_loan_is_out_is_closed_only_with_a_confirmation(
    workshop: Machine, loan: Loan, world: World
) -> None:
    # R53
    agree(loan, world)
    workshop.post(f"loans/{loan.pk}/hand-out", {"condition": "As new"})
    path = f"tickets/{loan.ticket.reference}/events"
    at = timezone.now().isoformat()
    assert workshop.post(path, {"kind": "ready", "external_id": "1", "occurred_at": at}).status_code == 201
    closed = {"kind": "closed", "external_id": "2", "occurred_at": at}
    refused = workshop.post(path, closed)
    assert ends(refused) == (409, "loan_out", "/loan_stays_out")
    assert "Take it back first" in refused.json()["detail"]
    batch = workshop.post("tickets/events", {"events": [{**closed, "reference": loan.ticket.reference}]})
    assert batch.json()["results"][0]["problem"]["code"] == "loan_out"
    confirmed = workshop.post(path, {**closed, "loan_stays_out": True})
    assert (confirmed.status_code, confirmed.json()["state"]) == (201, "closed")
    assert workshop.post(path, closed).status_code == 200, "the same event again"
