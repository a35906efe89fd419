"""What a member was told about a job holds until it does not (R56, R70)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cps_portal.core.outbox.models import Message
from members.models import Notice
from servicing.actions import estimates, parts, targets
from servicing.actions.estimates import Line, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import record_answer, write_message
from servicing.actions.places import lapse_place
from servicing.actions.shipping import Tracking, ship
from servicing.actions.tickets import book_in, cancel
from servicing.actions.warranty import decide_warranty
from servicing.enums import EventKind
from servicing.models import ServiceCentre, Ticket
from servicing.presenters import events
from servicing.presenters.news import IS_CURRENT
from tests.mails import mails_to
from tests.notices import archive, shown
from tests.rows import each_row
from tests.servicing.jobs import HOUR, MONDAY, a_centre, a_request, at_the_centre, without_charge
from tests.world import World

pytestmark = pytest.mark.django_db
E = EventKind
AT = MONDAY + 2 * HOUR
LATER = AT + HOUR
LINES = [Line("Shutter", Decimal(1), Decimal(100), Decimal(15))]
Story = Iterator[str]


def test_every_sentence_has_a_rule_for_how_long_it_holds() -> None:
    assert set(IS_CURRENT) == set(events.SENTENCES)


@dataclass
class Job:
    """A job with the actions of its centre."""

    world: World
    centre: ServiceCentre
    desk: Actor
    ticket: Ticket

    def record(self, kind: EventKind) -> None:
        self.ticket = record_event(ticket=self.ticket, kind=kind, actor=self.desk, at=LATER).ticket

    def estimate(self) -> estimates.Estimate:
        day = (AT + timedelta(days=5)).date()
        return send_estimate(ticket=self.ticket, lines=LINES, currency="ZAR", valid_until=day, actor=self.desk, at=AT)


@pytest.fixture
def job(world: World) -> Job:
    """Booked in and assessed."""
    centre = a_centre()
    return Job(world, centre, Actor(user=world.staff), at_the_centre(world, centre))


def on_the_way(job: Job) -> Job:
    """Another job, not booked in yet."""
    return replace(job, ticket=a_request(job.world, job.centre, "012345678902"))


def accepted(job: Job) -> Story:
    job = on_the_way(job)
    job.record(E.ACCEPTED)
    yield E.ACCEPTED
    book_in(ticket=job.ticket, actor=job.desk, at=LATER)


def place_lapsed(job: Job) -> Story:
    job = on_the_way(job)
    lapse_place(ticket=job.ticket, at=MONDAY + timedelta(days=15))
    yield E.PLACE_LAPSED
    cancel(ticket=job.ticket, actor=job.desk, at=MONDAY + timedelta(days=15))


def booked_in(job: Job) -> Story:
    yield E.BOOKED_IN
    job.record(E.READY)


def warranty_decided(job: Job) -> Story:
    decide_warranty(ticket=job.ticket, in_warranty=False, why="not_covered", actor=job.desk, at=AT)
    yield E.WARRANTY_DECIDED
    job.record(E.READY)
    job.record(E.CLOSED)


def no_charge(job: Job) -> Story:
    estimates.record_no_charge(ticket=job.ticket, why="goodwill", actor=job.desk, at=AT)
    yield E.NO_CHARGE
    job.record(E.READY)
    job.record(E.CLOSED)


def question_asked(job: Job) -> Story:
    write_message(ticket=job.ticket, text="Which lens?", actor=job.desk, at=AT, asks=True)
    yield E.QUESTION_ASKED
    record_answer(ticket=job.ticket, actor=job.desk, at=LATER)


def estimate_sent(job: Job) -> Story:
    estimate = job.estimate()
    yield E.ESTIMATE_SENT
    estimates.approve_estimate(estimate=estimate, actor=job.desk, at=LATER)


def estimate_withdrawn(job: Job) -> Story:
    job.estimate()
    estimates.withdraw_estimate(ticket=job.ticket, actor=job.desk, at=AT)
    yield E.ESTIMATE_WITHDRAWN
    job.estimate()


def estimate_declined(job: Job) -> Story:
    estimates.decline_estimate(estimate=job.estimate(), actor=job.desk, at=LATER)
    yield E.ESTIMATE_DECLINED
    job.ticket.refresh_from_db()
    job.record(E.READY)


def estimate_expired(job: Job) -> Story:
    job.estimate()
    assert estimates.expire_estimates(at=AT + timedelta(days=7)) == 1
    yield events.EXPIRED
    job.ticket.refresh_from_db()
    job.record(E.READY)


def part_ordered(job: Job) -> Story:
    without_charge(job.ticket, AT)
    part = parts.order_part(ticket=job.ticket, name="Shutter", actor=job.desk, at=AT)
    yield E.PART_ORDERED
    parts.receive_part(part=part, actor=job.desk, at=LATER)


def part_late(job: Job) -> Story:
    without_charge(job.ticket, AT)
    day = (AT + timedelta(days=30)).date()
    part = parts.order_part(ticket=job.ticket, name="Shutter", expected_on=day, actor=job.desk, at=AT)
    yield events.PART_LATE
    parts.receive_part(part=part, actor=job.desk, at=LATER)


def target_missed(job: Job) -> Story:
    assert targets.flag_overdue(at=MONDAY + timedelta(days=7)) == 1
    yield E.TARGET_MISSED
    job.ticket.refresh_from_db()
    job.record(E.READY)


def loan_offered(job: Job) -> Story:
    assert targets.flag_overdue(at=MONDAY + timedelta(days=7)) == 1
    yield E.LOAN_OFFERED
    job.ticket.refresh_from_db()
    job.record(E.READY)


def ready(job: Job) -> Story:
    job.record(E.READY)
    yield E.READY
    ship(ticket=job.ticket, tracking=Tracking("Sample Post"), actor=job.desk, at=LATER)


def shipped(job: Job) -> Story:
    job.record(E.READY)
    ship(ticket=job.ticket, tracking=Tracking("Sample Post"), actor=job.desk, at=LATER)
    yield E.SHIPPED
    job.record(E.CLOSED)


STORIES = [
    accepted,
    place_lapsed,
    booked_in,
    warranty_decided,
    no_charge,
    question_asked,
    estimate_sent,
    estimate_withdrawn,
    estimate_declined,
    estimate_expired,
    part_ordered,
    part_late,
    target_missed,
    loan_offered,
    ready,
    shipped,
]


@each_row("story", STORIES)
def test_news_of_a_job_is_shown_and_sent_while_it_holds(world: World, job: Job, story: Callable[[Job], Story]) -> None:
    steps = story(job)
    kind = next(steps)
    (notice,) = Notice.objects.filter(member=world.ana, code="ticket", params__kind=kind)
    now = MONDAY + timedelta(days=8)
    assert notice.pk in {line.key for line in shown(world.ana, now)}
    assert Message.objects.filter(key=notice.key).exists() and mails_to(world.ana, notice.key)
    with pytest.raises(StopIteration):
        next(steps)
    assert notice.pk not in {line.key for line in shown(world.ana, now)}
    assert [line.is_current for line in archive(world.ana, now) if line.key == notice.pk] == [False]
    assert not mails_to(world.ana, notice.key), "a mail that was late is not sent any more"


def test_news_of_many_jobs_costs_the_same_queries(world: World, job: Job) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert len(shown(world.ana)) >= 1
        return len(queries)

    write_message(ticket=job.ticket, text="Hello", actor=job.desk, at=AT)
    few = count()
    for number in range(2):
        other = at_the_centre(world, job.centre, f"01234567880{number}")
        write_message(ticket=other, text="Hello", actor=job.desk, at=AT + HOUR)
    assert count() == few
