"""The two columns of a member's job end together, whatever its state and however much was written (R52, R54)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from playwright.sync_api import Page, expect

from servicing.actions import loans, shipping, targets
from servicing.actions.estimates import Line, approve_estimate, decline_estimate, send_estimate
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import write_message
from servicing.actions.parts import order_part
from servicing.actions.reports import write_report
from servicing.actions.shipping import ReturnTo, Tracking
from servicing.actions.tickets import cancel, close
from servicing.enums import EventKind, LineKind
from servicing.models import LoanUnit, ServiceCentre, Ticket
from tests.browser.looks import faults
from tests.browser.test_languages import reading
from tests.factories import counting
from tests.servicing.jobs import a_centre, a_request, at_the_centre, without_charge
from tests.servicing.test_packing import HOME
from tests.world import World, join

DESKTOP = {"width": 1440, "height": 900}
MAX_HOLE_PX = 100
MAX_FIELD_PX = 450  # a field for a message that is higher is a hole, too
DAY = timedelta(days=1)
TRACKING = Tracking("Post", "AB1", "https://post.example/t/AB1")
RETURNS = ReturnTo(address=HOME, phone="+27100000000")

# The highest strip of each column in which there is nothing to read, to see or to press, from its top to the end of the
# columns. What is read are lines of text and not boxes, so that a panel which grows to hide a hole is found out.
HOLES = """() => {
  const job = document.querySelector(".duo"), end = job.getBoundingClientRect().bottom;
  const holes = {};
  for (const [name, parts] of [["clock", ".duo__top, .duo__rest"], ["timeline", ".duo__main"]]) {
    const spans = [];
    for (const part of job.querySelectorAll(parts)) {
      for (const each of part.querySelectorAll("svg, img, input, textarea, select, .btn")) {
        const box = each.getBoundingClientRect();
        if (box.height > 1) spans.push([box.top, box.bottom]);
      }
      const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        if (!texts.currentNode.data.trim() || !texts.currentNode.parentElement.checkVisibility()) continue;
        const range = document.createRange();
        range.selectNodeContents(texts.currentNode);
        for (const box of range.getClientRects()) {
          if (box.height > 1 && box.bottom <= end) spans.push([box.top, box.bottom]);
        }
      }
    }
    spans.sort((a, b) => a[0] - b[0]);
    let seen = job.getBoundingClientRect().top, highest = 0;
    for (const [top, bottom] of spans) {
      highest = Math.max(highest, top - seen);
      seen = Math.max(seen, bottom);
    }
    holes[name] = Math.round(Math.max(highest, end - seen));
  }
  holes.field = Math.round(document.querySelector(".job__write textarea")?.getBoundingClientRect().height || 0);
  return holes;
}"""


def _write(ticket: Ticket, desk: Actor, at: datetime, times: int) -> None:
    owner = Actor(user=ticket.member.user) if ticket.member else desk
    for n in range(times):
        text = "Could you look at the mode dial, too? Since the desert it turns by itself. " * (1 + n % 3)
        write_message(ticket=ticket, text=text, actor=desk if n % 2 else owner, at=at + timedelta(minutes=n))


class Jobs:
    """Jobs in the states of which each has a page of its own, each of another member and at a centre of its own."""

    def __init__(self, world: World) -> None:
        self.world, self.now, self.serial = world, timezone.now(), 12345678901
        self.desk = Actor(user=world.staff)

    def make(self, state: str) -> Ticket:
        self.serial += 1
        self.member = join(f"Member{self.serial}", "ZA", self.world.terms)
        for more in (1000, 2000):  # Gold
            counting(self.member, self.world.pro_body, f"0{self.serial + more}")
        self.centre: ServiceCentre = a_centre(
            f"centre-{self.serial}", street="12 Long Street", postal_code="2000", phone="+27100000000", tax_percent=15
        )
        return getattr(self, state)()

    def requested(self) -> Ticket:
        return a_request(
            self.world, self.centre, f"0{self.serial}", self.now - DAY, member=self.member, returns=RETURNS
        )

    def in_transit(self) -> Ticket:
        ticket = self.requested()
        owner = Actor(user=self.member.user)
        shipping.mark_sent(parcel=ticket.parcel, member=self.member, tracking=TRACKING, actor=owner, at=self.now)
        return ticket

    def cancelled(self) -> Ticket:
        ticket = self.requested()
        cancel(ticket=ticket, actor=self.desk, at=self.now)
        return ticket

    def assessed(self, days: int = 1) -> Ticket:
        return at_the_centre(
            self.world,
            self.centre,
            f"0{self.serial}",
            self.now - days * DAY,
            member=self.member,
            returns=RETURNS,
        )

    def asked(self) -> Ticket:
        ticket = self.assessed()
        write_message(ticket=ticket, text="With which lens does it happen?", asks=True, actor=self.desk, at=self.now)
        return ticket

    def estimate(self, days: int = 1) -> Ticket:
        ticket = self.assessed(days)
        send_estimate(
            ticket=ticket,
            lines=[
                Line("Shutter unit", Decimal(1), Decimal("3200.00"), Decimal(16), kind=LineKind.PART),
                Line(
                    "Fitting and adjustment", Decimal("1.5"), Decimal("900.00"), Decimal(16), kind=LineKind.MAINTENANCE
                ),
            ],
            currency="ZAR",
            valid_until=(self.now + 7 * DAY).date(),
            note="The second curtain sticks. We replace the unit and adjust it.",
            actor=self.desk,
            at=self.now - days * DAY + timedelta(hours=3),
        )
        return Ticket.objects.get(pk=ticket.pk)

    def declined(self) -> Ticket:
        ticket = self.estimate()
        decline_estimate(estimate=ticket.estimates.get(), actor=Actor(user=self.member.user), at=self.now)
        return ticket

    def late(self) -> Ticket:
        """Waiting for a part after an estimate; a loan is offered if the centre has one."""
        ticket = self.estimate(12)
        owner = Actor(user=self.member.user)
        approve_estimate(estimate=ticket.estimates.get(), actor=owner, at=self.now - 11 * DAY)
        order_part(
            ticket=ticket,
            name="Shutter unit",
            expected_on=(self.now + 5 * DAY).date(),
            actor=self.desk,
            at=self.now - 10 * DAY,
        )
        targets.flag_missed_target(ticket=ticket, at=self.now)
        return Ticket.objects.get(pk=ticket.pk)

    def late_with_offer(self) -> Ticket:
        LoanUnit.objects.create(
            centre=self.centre, product=self.world.pro_body, serial=f"L{self.serial}", condition="Like new"
        )
        return self.late()

    def late_with_loan(self) -> Ticket:
        ticket = self.late_with_offer()
        unit = LoanUnit.objects.get(centre=self.centre)
        loan = loans.reserve(ticket=ticket, unit=unit, by=self.member.user, at=self.now)
        loan = loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=self.now)
        loans.hand_out(loan=loan, condition="Like new", actor=self.desk, at=self.now)
        return ticket

    def ready(self) -> Ticket:
        ticket = without_charge(self.assessed(2), self.now - DAY)
        record_event(ticket=ticket, kind=EventKind.REPAIR_STARTED, actor=self.desk, at=self.now - timedelta(hours=5))
        return record_event(
            ticket=ticket, kind=EventKind.READY, actor=self.desk, at=self.now - timedelta(hours=2)
        ).ticket

    def shipped(self) -> Ticket:
        ticket = self.ready()
        write_report(
            ticket=ticket, done="Shutter adjusted.\nSensor cleaned.", technician="Lerato", actor=self.desk, at=self.now
        )
        shipping.ship(ticket=ticket, tracking=TRACKING, actor=self.desk, at=self.now - timedelta(hours=1))
        return Ticket.objects.get(pk=ticket.pk)

    def done(self) -> Ticket:
        ticket = self.shipped()
        shipping.record_delivery(ticket=ticket, actor=self.desk, at=self.now - timedelta(minutes=30))
        close(ticket=ticket, loan_stays_out=False, actor=self.desk, at=self.now - timedelta(minutes=20))
        return ticket

    def done_long_ago(self) -> Ticket:
        """Nobody can write any more."""
        ticket = self.done()
        Ticket.objects.filter(pk=ticket.pk).update(ended_at=self.now - 40 * DAY)
        return ticket


STATES = [
    "requested",
    "in_transit",
    "cancelled",
    "assessed",
    "asked",
    "estimate",
    "declined",
    "late",
    "late_with_offer",
    "late_with_loan",
    "ready",
    "shipped",
    "done",
    "done_long_ago",
]

OFTEN = ("assessed", "estimate", "late_with_offer", "done")  # looked at more closely
LANGUAGES = ("en", "ru", "ar")  # shorter and longer words, and from right to left


def test_no_column_of_a_job_has_a_hole(committed_world: World, visit: Callable[..., Page]) -> None:
    jobs = Jobs(committed_world)
    limits = {"clock": MAX_HOLE_PX, "timeline": MAX_HOLE_PX, "field": MAX_FIELD_PX}
    too_high, problems = [], []
    for state in STATES:
        ticket = jobs.make(state)
        pages = {}
        for language in LANGUAGES:
            pages[language] = visit(reading(jobs.member, language).user, viewport=DESKTOP)
            pages[language].goto(ticket.get_absolute_url())  # the session takes the language of the account here
        for messages in (0,) if state == "done_long_ago" else (0, 2, 12) if state in OFTEN else (0, 12):
            _write(ticket, jobs.desk, timezone.now(), messages)
            for language, page in pages.items():
                page.goto(ticket.get_absolute_url())
                expect(page.locator(f"html[lang={language}] #timeline-title")).to_be_visible()
                holes = page.evaluate(HOLES)
                if any(holes[name] > limit for name, limit in limits.items()):
                    too_high.append((state, messages, language, holes))
        if state in OFTEN:
            problems += faults(pages["en"])
        for page in pages.values():
            page.context.close()
    assert too_high == []
    assert problems == []
