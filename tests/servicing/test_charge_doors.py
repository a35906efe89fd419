"""The estimate is a gate at every door: over state, charge, approval and door (R62)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from servicing.actions import estimates
from servicing.actions.events import Actor, record_event
from servicing.actions.parts import order_part
from servicing.actions.warranty import decide_warranty
from servicing.enums import EventKind, TicketState, WhyNoCharge, WhyNoWarranty
from servicing.models import Ticket
from tests.admin.conftest import signed_in
from tests.api.machines import Machine, machine
from tests.servicing.jobs import HOUR, a_centre, at_the_centre
from tests.servicing.test_desk import press, works_at
from tests.world import World

E, S = EventKind, TicketState
LINE = estimates.Line("Shutter unit", Decimal(1), Decimal(100))


class Job:
    """A job that was assessed some hours ago, for one row of the table."""

    def __init__(self, ticket: Ticket, world: World, at: datetime) -> None:
        self.ticket, self.desk, self.customer, self.at = ticket, Actor(user=world.staff), Actor(user=world.ana.user), at

    def estimate(self, answer: Callable[..., object] | None = None) -> None:
        until = (self.at + timedelta(days=5)).date()
        bill = estimates.send_estimate(
            ticket=self.ticket, lines=[LINE], currency="ZAR", valid_until=until, actor=self.desk, at=self.at
        )
        if answer:
            answer(estimate=bill, actor=self.customer, at=self.at)

    def free(self) -> None:
        estimates.record_no_charge(ticket=self.ticket, why=WhyNoCharge.GOODWILL, actor=self.desk, at=self.at)

    def warranty(self, *, accepted: bool) -> None:
        why = "" if accepted else WhyNoWarranty.NOT_COVERED
        decide_warranty(
            ticket=self.ticket, in_warranty=accepted, why=why, proof_seen=accepted, actor=self.desk, at=self.at
        )

    def withdraw(self) -> None:
        self.estimate()
        estimates.withdraw_estimate(ticket=self.ticket, actor=self.desk, at=self.at)

    def approve(self) -> None:
        self.estimate(estimates.approve_estimate)

    def decline(self) -> None:
        self.estimate(estimates.decline_estimate)

    def work(self) -> None:
        record_event(ticket=self.ticket, kind=E.REPAIR_STARTED, actor=self.desk, at=self.at)

    def wait(self) -> None:
        order_part(ticket=self.ticket, name="Shutter", actor=self.desk, at=self.at)


# What happened -> the state it leads to, and whether work and orders may begin.
STORIES: dict[str, tuple[list[Callable[[Job], None]], TicketState, bool]] = {
    "nothing was said": ([], S.ASSESSED, False),
    "warranty refused": ([lambda job: job.warranty(accepted=False)], S.ASSESSED, False),
    "an estimate waits": ([lambda job: job.estimate()], S.ESTIMATE_SENT, False),
    "withdrawn": ([Job.withdraw], S.ASSESSED, False),
    "declined": ([Job.decline], S.DECLINED, False),
    "declined after an approval": ([Job.approve, Job.decline], S.DECLINED, False),
    "warranty, then refused": (
        [lambda job: job.warranty(accepted=True), lambda job: job.warranty(accepted=False)],
        S.ASSESSED,
        False,
    ),
    "in warranty": ([lambda job: job.warranty(accepted=True)], S.ASSESSED, True),
    "no charge": ([Job.free], S.ASSESSED, True),
    "approved": ([Job.approve], S.APPROVED, True),
    "approved, a second one waits": ([Job.approve, Job.work, lambda job: job.estimate()], S.ESTIMATE_SENT, False),
    "in repair": ([Job.approve, Job.work], S.IN_REPAIR, True),
    "waiting for a part": ([Job.approve, Job.wait], S.WAITING_PARTS, True),
}


def doors(job: Job, desk: Client, shop: Machine) -> dict[str, Callable[[], bool]]:
    """Every way to begin: (door, what) -> whether it was accepted."""
    path = f"tickets/{job.ticket.reference}"
    event = {"kind": "repair_started", "external_id": "1", "occurred_at": timezone.now().isoformat()}
    accepted, refused = 201, 409

    def action(begin: Callable[[Job], None]) -> bool:
        try:
            begin(job)
        except Refusal as refusal:
            if refusal.code not in ("charge", "move") or refusal.field != "kind":
                raise
            return False
        return True

    def api(answer: object) -> bool:
        status = getattr(answer, "status_code", 0)
        assert status in (accepted, refused), answer
        return status == accepted

    return {
        "action, work": lambda: action(Job.work),
        "action, order": lambda: action(Job.wait),
        "desk, work": lambda: press(desk, job.ticket, "start_repair").status_code == 302,
        "desk, order": lambda: press(desk, job.ticket, "order_part", name="Shutter").status_code == 302,
        "API, work": lambda: api(shop.post(f"{path}/events", event)),
        "API, order": lambda: api(shop.post(f"{path}/parts", {"name": "Shutter"})),
        "database": lambda: _write(job.ticket),
    }


def _write(ticket: Ticket) -> bool:
    """Past every action: only the constraint is left, and it knows the charge but not the state."""
    try:
        with transaction.atomic():
            Ticket.objects.filter(pk=ticket.pk).update(state=S.IN_REPAIR)
    except IntegrityError as error:
        if "ticket_work_is_settled" not in str(error):
            raise
        return False
    return True


@pytest.mark.wide
@pytest.mark.django_db
def test_chargeable_work_begins_at_no_door_before_somebody_pays(world: World, groups: dict[str, Group]) -> None:
    """R62: what one door refuses, every door refuses. What waits for an answer is held up by its state."""
    shop = machine()
    assert shop.fetch().status_code == 200
    centre = a_centre(partner=shop.partner)
    desk = signed_in(works_at(centre, groups))
    at = timezone.now() - timedelta(days=1)
    ticket = at_the_centre(world, centre, at=at - HOUR)
    wrong, checked = [], 0
    for story, (happenings, state, is_open) in STORIES.items():
        for door in doors(Job(ticket, world, at), desk, shop):
            with transaction.atomic():
                job = Job(Ticket.objects.get(pk=ticket.pk), world, at)
                for happen in happenings:
                    happen(job)
                    job.at += HOUR
                job.ticket.refresh_from_db()
                assert job.ticket.state == state, story
                # A further estimate leaves the approval of the first: to the database the work is paid for.
                expected = is_open or (door == "database" and story == "approved, a second one waits")
                if "work" in door and state == S.IN_REPAIR:
                    expected = False  # it has begun
                if doors(job, desk, shop)[door]() is not expected:
                    wrong.append((story, door, expected))
                checked += 1
                transaction.set_rollback(True)
    assert wrong == []
    assert checked == 7 * len(STORIES)
