"""Somebody brings something: who and what it is, and whether it may be taken in (R34, R43). For desk and API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.db.models import Q

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import read_reference
from kitbag.models import Product, Registration, StolenReport
from kitbag.rules import serial_key
from members.models import Member
from members.offers.models import Card
from members.rules import is_member_number
from servicing.actions import counter, requesting
from servicing.actions.recording import Who
from servicing.models import Ticket, TicketQuerySet
from servicing.queries.entitlement import Item

MAX_SHOWN = 60
MAX_SERIAL_LENGTH = 40
SALT, A_DAY = "servicing.actions.intake", timedelta(days=1)


@dataclass(frozen=True)
class Found:
    """What stands behind something that was typed or scanned."""

    tickets: Sequence[Ticket] = ()
    member: Member | None = None
    kit: Sequence[Registration] = ()
    serial: str = ""
    card: Card | None = None
    reports: Sequence[StolenReport] = ()

    @property
    def is_nothing(self) -> bool:
        return not (self.tickets or self.member or self.kit or self.serial)

    @property
    def card_stopped(self) -> bool:
        return self.card is not None and self.card.revoked_at is not None


def look_up(text: str, tickets: TicketQuerySet) -> Found:
    """A reference, a card, a member number or a serial number, in this order. `tickets`: the jobs that may be seen."""
    term = text.strip()
    if reference := read_reference(term):
        rows = _readable(tickets).filter(Q(reference=reference) | Q(parcel__reference=reference))
        if mine := list(rows):
            return Found(tickets=mine)
    found = of_card(term, tickets)
    if found.is_nothing:
        found = of_member_number(term, tickets)
    return of_serial(term, tickets) if found.is_nothing else found


def of_card(text: str, tickets: TicketQuerySet) -> Found:
    """By what is printed on a membership card, or in its QR code."""
    cards = Card.objects.presented(text.strip()).filter(member__closed_at=None)
    card = cards.select_related("member").first()
    return _of_member(card.member, tickets, card) if card else Found()


def of_member_number(text: str, tickets: TicketQuerySet) -> Found:
    digits = "".join(text.split())
    member = Member.objects.filter(number=digits, closed_at=None).first() if is_member_number(digits) else None
    return _of_member(member, tickets) if member else Found()


def of_serial(text: str, tickets: TicketQuerySet, product: Product | None = None) -> Found:
    """What has this serial number; of one product if it is known which."""
    term = text.strip()
    key = serial_key(term)
    if not key or len(term) > MAX_SERIAL_LENGTH or not any(sign.isdecimal() for sign in term):
        return Found()
    kit = Registration.objects.live().filter(serial_key=key).select_related("product", "member").order_by("pk")
    reports = StolenReport.objects.standing().filter(serial_key=key).select_related("product")
    jobs = _readable(tickets).open().filter(serial_key=key)
    if product:
        kit, reports, jobs = kit.filter(product=product), reports.filter(product=product), jobs.filter(product=product)
    holders = list(kit[:MAX_SHOWN])
    products = {row.product_id for row in holders}
    return Found(
        tickets=list(jobs[:MAX_SHOWN]),
        kit=holders,
        serial=term,
        # the same number on another product says nothing
        reports=[row for row in reports if not products or row.product_id in products],
    )


def why_stopped(found: Found, *, at: datetime) -> Refusal | None:
    """If it is stolen: what to say. That it was presented is kept, so this goes before anything is shown (R34)."""
    for report in found.reports:
        try:
            counter.require_not_stolen(product=report.product, serial_key=report.serial_key, registration=None, at=at)
        except Refusal as refusal:
            return refusal
    return None


def require_clean(item: Item, *, at: datetime) -> None:
    """Raises Refusal `stolen`. Not inside a transaction: what is kept of it has to stay (R34)."""
    counter.require_not_stolen(product=item.product, serial_key=item.serial_key, registration=item.registration, at=at)


def book_in_if_possible(ticket: Ticket, *, who: Who, at: datetime) -> Ticket:
    """As it comes over the counter. One that waits for a place stays open, and its page says what may be done (R49)."""
    try:
        return requesting.book_in(ticket=ticket, who=who, at=at)
    except Refusal:
        ticket.refresh_from_db()
        return ticket


# --- Keys ------------------------------------------------------------------------------------------


def key_of(**named: int) -> str:
    """Only who was looked up can be served: nobody goes through members by their keys."""
    return signing.dumps(named, salt=SALT)


def read_key(key: str) -> dict[str, int]:
    """What a key names; nothing if it is not ours or too old."""
    try:
        named: dict[str, int] = signing.loads(key, salt=SALT, max_age=A_DAY)
    except signing.BadSignature:
        return {}
    return named


def behind(named: dict[str, int]) -> tuple[Registration | None, Member | None]:
    """The product and the member behind a key, if they are still there."""
    if "registration" in named:
        rows = Registration.objects.live().filter(member__closed_at=None).select_related("product", "member__user")
        row = rows.filter(pk=named["registration"]).first()
        return row, row.member if row else None
    return None, Member.objects.filter(pk=named.get("member", 0), closed_at=None).first()


# --- Steps -----------------------------------------------------------------------------------------


def _of_member(member: Member, tickets: TicketQuerySet, card: Card | None = None) -> Found:
    kit = Registration.objects.of(member).live().select_related("product", "member").order_by("product__name", "pk")
    jobs = _readable(tickets).of(member).open()
    return Found(tickets=list(jobs[:MAX_SHOWN]), member=member, kit=list(kit[:MAX_SHOWN]), card=card)


def _readable(tickets: TicketQuerySet) -> TicketQuerySet:
    return tickets.select_related("product", "member", "visitor", "centre")
