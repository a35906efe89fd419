"""A centre replaces a product or its main board: the new number counts, the old one stays known (R34, R64)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import claims, registrations, stolen_reports
from kitbag.actions.serial_changes import claim_serial
from kitbag.enums import ClaimOutcome, RegistrationState, ReviewReason, SerialChangeState
from kitbag.models import Claim, PointsEntry, Registration, SerialChange
from kitbag.queries.serial_changes import known_keys
from members.models import Member, Notice
from servicing.actions.events import Actor, record_event
from servicing.actions.intake import find_theft, look_up_serial
from servicing.actions.reports import write_report
from servicing.actions.serials import change_serial
from servicing.enums import EventKind, TicketState
from servicing.models import Ticket
from servicing.queries.history import history_of
from tests.factories import submitted, validated, with_receipt
from tests.servicing.jobs import HOUR, MONDAY, a_centre, at_the_centre, without_charge
from tests.world import World

OLD, NEW = "012345678901", "012345678955"
AT = MONDAY + 2 * HOUR


@pytest.fixture
def ticket(world: World) -> Ticket:
    return at_the_centre(world, a_centre(), OLD)


@pytest.fixture
def desk(world: World) -> Actor:
    return Actor(user=world.staff)


def change(ticket: Ticket, serial: str, desk: Actor, **more: bool) -> SerialChange:
    event = change_serial(ticket=ticket, serial=serial, actor=desk, at=AT, **more)
    return SerialChange.objects.get(pk=event.data["serial_change"])


@pytest.mark.django_db
def test_the_registration_keeps_date_points_and_history(ticket: Ticket, desk: Actor, world: World) -> None:
    row = ticket.registration
    assert row
    ledger, points = list(PointsEntry.objects.values()), Member.objects.get(pk=world.ana.pk).points
    made = change(ticket, NEW, desk)
    changed = Registration.objects.get(pk=row.pk)
    ticket.refresh_from_db()
    assert (changed.serial, ticket.serial, made.state) == (NEW, NEW, SerialChangeState.APPLIED)
    assert (changed.purchased_on, changed.state, changed.added_at) == (row.purchased_on, row.state, row.added_at)
    assert list(PointsEntry.objects.values()) == ledger
    assert Member.objects.get(pk=world.ana.pk).points == points
    assert (made.by, made.serial) == (world.staff, OLD)
    assert Notice.objects.filter(member=world.ana, params__kind="serial_changed").count() == 1


@pytest.mark.django_db
def test_numbers_that_a_centre_cannot_record(ticket: Ticket, desk: Actor, world: World) -> None:
    """The same checks as for members, and nothing is written."""
    validated(world.ana, ticket.product, "012345678902")
    stolen_reports.report_by_staff(
        product=ticket.product,
        serial="012345678903",
        police_reference="P-1",
        stolen_on=None,
        note="",
        by=world.staff,
        at=MONDAY,
    )
    other = at_the_centre(world, ticket.centre, "012345678904", wish="standard")
    change(other, "012345678905", desk)
    table = [
        ("", "serial_empty"),
        (OLD, "same"),
        (f"S/N {OLD}", "same"),
        ("4549292119404", "serial_ean"),
        ("+27 10 000 0020", "serial_phone"),
        ("3.3216E+11", "serial_shortened"),
        ("EOS R1", "serial_model"),
        ("?!", "serial_signs"),
        ("x" * 60, "serial_long"),
        ("012345678902", "own_duplicate"),
        ("012345678903", "stolen"),
        ("012345678904", "replaced"),
        ("012345678905", "own_duplicate"),
    ]
    before = SerialChange.objects.count()
    wrong = []
    for serial, code in table:
        try:
            with transaction.atomic():
                change(ticket, serial, desk)
            got = ""
        except Refusal as refusal:
            got = refusal.code
            if refusal.field != "serial":
                got += f" beside {refusal.field}"
        if got != code and not (code == "own_duplicate" and got == "replaced"):
            wrong.append((serial, got))
    assert not wrong
    ticket.refresh_from_db()
    assert (ticket.serial, SerialChange.objects.count()) == (OLD, before)


@pytest.mark.django_db
def test_a_number_is_changed_while_the_product_is_at_the_centre(ticket: Ticket, desk: Actor) -> None:
    """Twice on one job, and a repeated report counts once (R55)."""
    change_serial(ticket=ticket, serial=NEW, actor=desk, at=AT, external_id="1")
    change_serial(ticket=ticket, serial=NEW, actor=desk, at=AT, external_id="1")
    ticket.refresh_from_db()
    change(ticket, "012345678956", desk)
    assert SerialChange.objects.count() == 2
    assert known_keys(ticket.product_id, "12345678956") == {"12345678901", "12345678955", "12345678956"}
    ticket.refresh_from_db()
    Ticket.objects.filter(pk=ticket.pk).update(place=None, place_since=None)
    record_event(ticket=without_charge(ticket, AT), kind=EventKind.READY, actor=desk, at=AT)
    record_event(ticket=ticket, kind=EventKind.SHIPPED, actor=desk, at=AT)
    with pytest.raises(Refusal) as refusal, transaction.atomic():
        change(ticket, "012345678957", desk)
    assert refusal.value.code == "move"


@pytest.mark.django_db
def test_the_old_number_finds_the_product_at_intake(ticket: Ticket, desk: Actor) -> None:
    change(ticket, NEW, desk)
    for number, is_old in ((OLD, True), (NEW, False), (f"SN {OLD}", True), ("012345678999", False)):
        result = look_up_serial(number, Ticket.objects.all())
        assert bool(result.replaced) is is_old, number
        serials = [row.serial for row in result.registrations]
        assert serials == ([] if number.endswith("999") else [NEW]), number
        assert len(result.tickets) == len(serials), number


@pytest.mark.django_db
def test_a_report_of_one_number_stops_all_numbers_of_the_product(ticket: Ticket, desk: Actor, world: World) -> None:
    """R34: the police knows the old one, or the owner reports the new one."""
    change(ticket, NEW, desk)
    for reported in (OLD, NEW):
        with transaction.atomic():
            stolen_reports.report_by_staff(
                product=ticket.product,
                serial=reported,
                police_reference="P-1",
                stolen_on=None,
                note="",
                by=world.staff,
                at=AT,
            )
            for presented in (OLD, NEW):
                result = look_up_serial(presented, Ticket.objects.all())
                assert find_theft(result, at=AT), (reported, presented)
                key = presented.lstrip("0")
                assert stolen_reports.find_report(ticket.product, key)
                assert stolen_reports.find_reported([(ticket.product_id, key)])
            with pytest.raises(Refusal) as refusal:
                stolen_reports.report_by_staff(
                    product=ticket.product,
                    serial=OLD,
                    police_reference="P-2",
                    stolen_on=None,
                    note="",
                    by=world.staff,
                    at=AT,
                )
            assert refusal.value.code == "standing"
            transaction.set_rollback(True)
    result = look_up_serial(OLD, Ticket.objects.all())
    assert find_theft(result, at=AT) is None


@pytest.mark.django_db
def test_whoever_registers_the_old_number_waits_for_a_person(ticket: Ticket, desk: Actor, world: World) -> None:
    change(ticket, NEW, desk)
    row = submitted(world.ben, ticket.product, OLD)
    checked = registrations.check_registration(registration=row, at=AT)
    assert (checked.state, checked.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.REPLACED)


@pytest.mark.django_db
def test_the_history_goes_on_under_the_new_number(ticket: Ticket, desk: Actor, world: World) -> None:
    write_report(ticket=ticket, done="Cleaned", actor=desk, at=AT)
    record_event(ticket=without_charge(ticket, AT), kind=EventKind.READY, actor=desk, at=AT)
    for kind in (EventKind.SHIPPED, EventKind.CLOSED):
        record_event(ticket=ticket, kind=kind, actor=desk, at=AT)
    ticket.refresh_from_db()
    row = Registration.objects.get(pk=ticket.registration_id)
    Ticket.objects.filter(pk=ticket.pk).update(serial=OLD)
    later = at_the_centre(world, a_centre("durban"), "012345678933", AT, wish="standard")
    Ticket.objects.filter(pk=later.pk).update(
        registration=None, ended_at=AT, state=TicketState.CANCELLED, place=None, place_since=None
    )
    SerialChange.objects.create(
        product=row.product,
        registration=row,
        serial=OLD,
        serial_key="12345678901",
        new_serial=NEW,
        new_key="12345678955",
        state=SerialChangeState.APPLIED,
        at=AT,
    )
    Registration.objects.filter(pk=row.pk).update(serial=NEW, serial_key="12345678955")
    row.refresh_from_db()
    assert [job.done for job in history_of(row)] == ["Cleaned"]


# --- A number that somebody else holds (R32) ---


@pytest.fixture
def held(ticket: Ticket, desk: Actor, world: World) -> SerialChange:
    validated(world.ben, ticket.product, NEW)
    made = change(ticket, NEW, desk)
    assert made.state == SerialChangeState.CLAIMED
    return claim_serial(change=made, at=AT)


def decide(claim: Claim, outcome: ClaimOutcome, world: World) -> None:
    claims.decide_claim(
        claim=claim, outcome=outcome, why="We looked at both.", by=world.staff, at=AT + timedelta(days=20)
    )


@pytest.mark.django_db
def test_a_number_that_somebody_holds_opens_a_claim_and_the_job_goes_on(
    held: SerialChange, ticket: Ticket, world: World
) -> None:
    claim = held.claim
    assert claim and (claim.claimant.member, claim.holder.member) == (world.ana, world.ben)
    assert claim_serial(change=held, at=AT).claim == claim
    ticket.refresh_from_db()
    registration = Registration.objects.get(pk=ticket.registration_id)
    assert (ticket.serial, ticket.state) == (NEW, TicketState.ASSESSED)
    assert (registration.serial, registration.state) == (OLD, RegistrationState.VALIDATED)
    assert Notice.objects.filter(member=world.ana, params__kind="serial_claimed").exists()
    for case in (claim.claimant_case, claim.holder_case):
        assert NEW in case.messages.get().text


@pytest.mark.django_db
def test_what_becomes_of_the_number_by_the_outcome_of_the_claim(
    held: SerialChange, ticket: Ticket, world: World
) -> None:
    """The owner of the repaired product keeps its points in any case."""
    claim = held.claim
    assert claim
    with_receipt(claim.holder)
    points = Member.objects.get(pk=world.ana.pk).points
    table = [
        (ClaimOutcome.CLAIMANT, NEW, "rejected", SerialChangeState.APPLIED),
        (ClaimOutcome.HOLDER, OLD, "validated", SerialChangeState.DROPPED),
        (ClaimOutcome.NEITHER, OLD, "rejected", SerialChangeState.DROPPED),
    ]
    for outcome, serial, holder_state, state in table:
        with transaction.atomic():
            decide(claim, outcome, world)
            claimant = Registration.objects.get(pk=claim.claimant_id)
            assert (claimant.serial, claimant.state) == (serial, "validated"), outcome
            assert Registration.objects.get(pk=claim.holder_id).state == holder_state, outcome
            assert SerialChange.objects.get(pk=held.pk).state == state, outcome
            assert Member.objects.get(pk=world.ana.pk).points == points, outcome
            transaction.set_rollback(True)


@pytest.mark.django_db
def test_a_number_that_became_free_is_applied(held: SerialChange, world: World) -> None:
    """The holder removes it: the claim lapses, and the task applies the number."""
    claim = held.claim
    assert claim
    holder = claim.holder
    Registration.objects.filter(pk=holder.pk).update(state="removed", ended_at=AT, removal_reason="sold")
    claims.close_claims(row=holder, at=AT)
    assert SerialChange.objects.waiting().get() == held
    claim_serial(change=held, at=AT)
    held.refresh_from_db()
    assert held.state == SerialChangeState.APPLIED
    assert held.registration and held.registration.serial == NEW


@pytest.mark.django_db
def test_the_database_knows_each_number_once(ticket: Ticket, desk: Actor) -> None:
    made = change(ticket, NEW, desk)
    facts = {"product": made.product, "serial": "1", "new_serial": "2", "state": "applied", "at": AT}
    with pytest.raises(IntegrityError, match="serial_change_old_once"), transaction.atomic():
        SerialChange.objects.create(**facts, serial_key=made.serial_key, new_key="9")
    with pytest.raises(IntegrityError, match="serial_change_new_once"), transaction.atomic():
        SerialChange.objects.create(**facts, serial_key="8", new_key=made.new_key)
    with pytest.raises(IntegrityError, match="serial_change_differs"), transaction.atomic():
        SerialChange.objects.create(**facts, serial_key="8", new_key="8")
