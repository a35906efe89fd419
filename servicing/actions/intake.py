"""Intake at the counter: look up who brings what, and whether it may be taken in (R34, R43). For admin and API."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.text import clean_digits
from kitbag.actions import stolen_reports
from kitbag.models import Product, Registration, SerialChange, Sighting, StolenReport
from kitbag.queries.serial_changes import SerialOf, find_changes, presented_as, relatives_of
from kitbag.rules import look_alike_key, look_up_keys, look_up_problem, serial_key
from members.models import Member
from members.offers.models import Card
from members.rules import is_member_number
from servicing.actions.events import Actor
from servicing.actions.tickets import book_in
from servicing.models import Shipment, Ticket, TicketQuerySet
from servicing.queries.entitlement import Item

MAX_SHOWN = 60
MAX_SERIAL_LENGTH = 40
KEY_SALT, KEY_MAX_AGE = "servicing.actions.intake", timedelta(days=1)
SIGHTING_PLACE = "centre"
CALL_SUPPORT = _(
    "Do not take it in. Say only “Please contact us”, and call support now: they know what to do. Nothing was booked."
)


class Stopped(Refusal):
    """What was brought is reported stolen. Whoever reads the sentence learns only that support has to be called."""

    def __init__(self, sighting: Sighting) -> None:
        super().__init__("stolen", CALL_SUPPORT)
        self.sighting = sighting


@dataclass(frozen=True)
class LookupResult:
    """What was found for something that was typed or scanned."""

    tickets: Sequence[Ticket] = ()
    member: Member | None = None
    registrations: Sequence[Registration] = ()
    serial: str = ""
    card: Card | None = None
    reports: Sequence[StolenReport] = ()
    replaced: Sequence[SerialChange] = ()  # the number was replaced by a centre (R64)
    problem: str = ""  # why it could not be looked up: a code of `look_up_problem`, "card" or "member_number"

    @property
    def is_unknown(self) -> bool:
        return not (self.tickets or self.member or self.registrations)

    @property
    def is_card_revoked(self) -> bool:
        return self.card is not None and self.card.revoked_at is not None


def look_up(text: str, tickets: TicketQuerySet) -> LookupResult:
    """Look up a reference, a card, a member number, a serial or a tracking number, in this order.

    Only among the visible `tickets`. A tracking number finds the jobs in that parcel that are not over (R61).
    """
    term = text.strip()
    if reference := parse_reference(term):
        matching = _for_display(tickets).filter(Q(reference=reference) | Q(parcel__reference=reference))
        if rows := list(matching):
            return LookupResult(tickets=rows)
    result = look_up_card(term, tickets)
    if result.is_unknown:
        result = look_up_member_number(term, tickets)
    if result.is_unknown:
        result = look_up_serial(term, tickets)
    # Last, because members type tracking numbers: one must not hide what is known of a serial number, such as a theft.
    if result.is_unknown and not result.reports:
        rows = list(_for_display(tickets).open().filter(is_tracked_as(term))[:MAX_SHOWN])
        return LookupResult(tickets=rows) if rows else result
    return result


def is_tracked_as(number: str) -> Q:
    """Tickets with a shipment of this tracking number, in any spelling."""
    shipments = Shipment.objects.tracked_as(number)
    return Q(pk__in=Shipment.tickets.through.objects.filter(shipment__in=shipments).values("ticket"))


def look_up_card(text: str, tickets: TicketQuerySet) -> LookupResult:
    """By what is printed on a membership card, or in its QR code."""
    cards = Card.objects.presented(text.strip()).filter(member__closed_at=None)
    card = cards.select_related("member").first()
    if card is None:
        return LookupResult(problem="" if Card.objects.can_be(text.strip()) else "card")
    return _result_for_member(card.member, tickets, card)


def look_up_member_number(text: str, tickets: TicketQuerySet) -> LookupResult:
    digits = clean_digits(text)
    if not is_member_number(digits):
        return LookupResult(problem="member_number")
    member = Member.objects.filter(number=digits, closed_at=None).first()
    return _result_for_member(member, tickets) if member else LookupResult()


def look_up_serial(text: str, tickets: TicketQuerySet, product: Product | None = None) -> LookupResult:
    """Everything with this serial number; of one product only, if the caller knows which."""
    term = text.strip()
    keys = look_up_keys(term)
    if not keys or len(term) > MAX_SERIAL_LENGTH or not any(sign.isdecimal() for sign in "".join(keys)):
        return LookupResult(problem=look_up_problem(term) or "long")
    relatives = relatives_of(term)
    is_it = presented_as(term, relatives)
    registrations = Registration.objects.live().filter(is_it).select_related("product", "member")
    reports = StolenReport.objects.active().presented(term, *(key for _product, key in relatives))
    matching = _for_display(tickets).open().filter(is_it)
    if product:
        registrations = registrations.filter(product=product)
        reports, matching = reports.filter(product=product), matching.filter(product=product)
    shown = list(registrations.order_by("pk")[:MAX_SHOWN])
    products = {registration.product_id for registration in shown}
    tickets_shown = list(matching[:MAX_SHOWN])
    is_known = bool(tickets_shown or shown or reports)
    return LookupResult(
        tickets=tickets_shown,
        registrations=shown,
        serial=term,
        replaced=find_changes(term) if relatives else (),
        problem="" if is_known else look_up_problem(term),
        # A report counts for its own product only: other products may have the same number.
        reports=[
            report
            for report in reports.select_related("product")
            if (not products or report.product_id in products) and _is_presented(report, term, relatives)
        ],
    )


def read_as(result: LookupResult) -> str:
    """The serial number that was found, if letters of what was typed had to be read as digits; "" otherwise."""
    found = [*(row.serial for row in result.registrations), *(ticket.serial for ticket in result.tickets)]
    typed = serial_key(result.serial)
    numbers = [number for number in found if serial_key(number) != typed]
    is_spelling = bool(numbers) and look_alike_key(numbers[0]) == look_alike_key(result.serial)
    return numbers[0] if is_spelling and len(numbers) == len(found) else ""


def require_not_stolen(
    *, product: Product, serial_key: str | None, registration: Registration | None, at: datetime
) -> None:
    """Raises Stopped (a Refusal `stolen`), for the desk, and records a sighting; the owner is notified (R34).

    Do not let the refusal roll the sighting back: call it outside a transaction, or catch the refusal inside.
    """
    if report := stolen_reports.find_report(product, serial_key):
        sighting = stolen_reports.record_sighting(report=report, registration=registration, where=SIGHTING_PLACE, at=at)
        raise Stopped(sighting)


def require_item_not_stolen(item: Item, *, at: datetime) -> None:
    """The same for a product that is brought to the counter."""
    require_not_stolen(product=item.product, serial_key=item.serial_key, registration=item.registration, at=at)


def find_theft(result: LookupResult, *, at: datetime) -> Stopped | None:
    """The refusal if something in the result is stolen; to be asked before anything is shown (R34)."""
    for report in result.reports:
        try:
            require_not_stolen(product=report.product, serial_key=report.serial_key, registration=None, at=at)
        except Stopped as stopped:
            return stopped
    return None


def book_in_if_possible(ticket: Ticket, *, actor: Actor, at: datetime) -> Ticket:
    """Book in a ticket that was opened at the counter; one that has to wait for a place stays open (R49)."""
    try:
        return book_in(ticket=ticket, actor=actor, at=at).ticket
    except Refusal:
        ticket.refresh_from_db()
        return ticket


# --- Keys ------------------------------------------------------------------------------------------


def make_key(**pks: int) -> str:
    """A signed key for what was looked up. Without one nobody can open a job, or try member after member."""
    return signing.dumps(pks, salt=KEY_SALT)


def read_key(key: str) -> dict[str, int]:
    """The content of a key; empty if it was not made here or is too old."""
    try:
        pks: dict[str, int] = signing.loads(key, salt=KEY_SALT, max_age=KEY_MAX_AGE)
    except signing.BadSignature:
        return {}
    return pks


def resolve_key(pks: dict[str, int]) -> tuple[Registration | None, Member | None]:
    """The registration and the member of a key, if they still exist."""
    if "registration" in pks:
        registrations = Registration.objects.live().filter(member__closed_at=None)
        registration = registrations.select_related("product", "member__user").filter(pk=pks["registration"]).first()
        return registration, registration.member if registration else None
    return None, Member.objects.filter(pk=pks.get("member", 0), closed_at=None).first()


# --- Steps -----------------------------------------------------------------------------------------


def _is_presented(report: StolenReport, term: str, relatives: Collection[SerialOf]) -> bool:
    """Whether the report is of this number, or of another one of the same product (R64)."""
    number = look_alike_key(report.serial_key)
    others = {(product, look_alike_key(key)) for product, key in relatives}
    return number == look_alike_key(term) or (report.product_id, number) in others


def _result_for_member(member: Member, tickets: TicketQuerySet, card: Card | None = None) -> LookupResult:
    registrations = Registration.objects.of(member).live().select_related("product", "member")
    return LookupResult(
        tickets=list(_for_display(tickets).of(member).open()[:MAX_SHOWN]),
        member=member,
        registrations=list(registrations.order_by("product__name", "pk")[:MAX_SHOWN]),
        card=card,
    )


def _for_display(tickets: TicketQuerySet) -> TicketQuerySet:
    return tickets.select_related("product", "member", "visitor", "centre")
