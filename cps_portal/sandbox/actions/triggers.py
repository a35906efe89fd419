"""Make an event happen, so that its webhook is sent: by what really causes it, or else as an example (R38, R55)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Partner, WebhookEndpoint
from cps_portal.sandbox.actions.guard import require_sandbox
from cps_portal.sandbox.actions.jobs import open_job, sample_centre
from cps_portal.sandbox.actions.people import (
    BOUGHT_AGO,
    address_of,
    home_of,
    join_member,
    new_prefix,
    register,
    sample_product,
)
from cps_portal.sandbox.actions.samples import JOB_SERIALS
from cps_portal.sandbox.queries import sample_members
from cps_portal.sandbox.rules import magic_number
from cps_portal.sandbox.webhooks import example_of
from kitbag.actions import registrations, sales
from kitbag.enums import SaleWithdrawal
from kitbag.models import Registration, Sale
from members.models import Member
from members.offers.actions.cards import get_or_issue_card, replace_card
from members.offers.actions.packs import cancel_pack, request_pack
from members.offers.enums import CardEnd
from members.offers.models import WelcomePack
from members.offers.rules import CANCELLABLE_STATES
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from servicing.actions.shipping import Tracking, mark_sent
from servicing.enums import TicketState
from servicing.models import Ticket

TEST_EVENT = "endpoint.test"


@dataclass(frozen=True)
class Triggered:
    """What was done, in a sentence, and the webhook-ids that are on their way. `real`: it is no example."""

    type: str
    real: bool
    did: str
    messages: list[str]


@transaction.atomic
def trigger_event(*, partner: Partner, type: str, at: datetime) -> Triggered:  # noqa: A002
    """Make this event happen to the partner's sample data.

    Raises Refusal `real_people`; `endpoint` if none of the partner's endpoints would get it.
    """
    require_sandbox()
    endpoints = WebhookEndpoint.objects.live().filter(partner=partner)
    listening = endpoints if type == TEST_EVENT else WebhookEndpoint.objects.subscribed_to(type).filter(partner=partner)
    if not listening.exists():
        raise Refusal("endpoint", _("None of your endpoints gets this event. Add one first: POST /webhook-endpoints."))
    keys = [endpoint.ordering_key for endpoint in endpoints]
    before = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    real = REAL.get((partner.kind, type)) or REAL_FOR_ALL.get(type)
    did = real(partner, at) if real else _send_example(partner, type, at)
    theirs = Message.objects.filter(payload__type=type, ordering_key__in=keys)
    # A test message that still waits is sent again, and no second one is written.
    sent = theirs.filter(Q(pk__gt=before) | Q(state=State.QUEUED) if type == TEST_EVENT else Q(pk__gt=before))
    names = dict.fromkeys(message.payload["id"] for message in sent.order_by("pk"))  # one for all endpoints
    return Triggered(type, real is not None, did, list(names))


def _send_example(partner: Partner, type: str, at: datetime) -> str:  # noqa: A002
    told = example_of(type)
    partners.enqueue_webhook(
        partner=partner,
        type=type,
        key=f"sandbox-{uuid4().hex}",
        subject=told["subject"],
        sequence=int(at.timestamp() * 1000),
        renderer="sandbox.example",
        at=at,
        event=type,
    )
    return "We sent the example of the contract: nothing of yours causes this event."


# --- What really causes it ---------------------------------------------------------------------------


def _member(partner: Partner, at: datetime) -> Member:
    """A sample member; the first one if there is none yet."""
    member = sample_members(partner).first()
    if member is None:
        raise Refusal("samples", _("There is no sample data yet. Make it with POST /sandbox/data first."))
    return member


def _new_registration(partner: Partner, at: datetime) -> Registration:
    return register(member=_member(partner, at), serial=magic_number("new", new_prefix()), at=at)


def _open(partner: Partner, at: datetime) -> Ticket:
    return open_job(registration=_new_registration(partner, at), centre=sample_centre(partner=partner), at=at)


def _open_ticket(partner: Partner, at: datetime) -> str:
    ticket = _open(partner, at)
    return f"A customer asked for a repair on the website: {ticket.reference}."


def _send_in(partner: Partner, at: datetime) -> str:
    ticket = _latest(partner, at, TicketState.REQUESTED)
    if ticket.member is None:
        raise ValueError("a sample ticket has a member")
    actor = Actor(user=ticket.member.user)
    mark_sent(parcel=ticket.parcel, member=ticket.member, tracking=Tracking("dhl", "SAMPLE1"), actor=actor, at=at)
    return f"The customer has sent {ticket.reference}."


def _write(partner: Partner, at: datetime) -> str:
    ticket = _latest(partner, at)
    if ticket.member is None:
        raise ValueError("a sample ticket has a member")
    write_message(ticket=ticket, text="How far is it?", actor=Actor(user=ticket.member.user), at=at)
    return f"The customer wrote about {ticket.reference}."


def _latest(partner: Partner, at: datetime, *states: TicketState) -> Ticket:
    """The latest open job of a sample member in one of these states, or a new one."""
    tickets = Ticket.objects.visible_to_partner(partner).open().filter(member__in=sample_members(partner))
    found = (tickets.filter(state__in=states) if states else tickets).order_by("-pk").first()
    pk = (found or _open(partner, at)).pk
    return Ticket.objects.select_related("parcel", "member__user").get(pk=pk)


def _match(partner: Partner, at: datetime) -> str:
    registration = _new_registration(partner, at)
    sale = _confirm(partner, registration.serial, registration.country.code or "", at)
    registrations.match_sale(sale=sale, at=at)
    return f"You confirmed a sale that a member's registration says the same of: {sale.external_id}."


def _withdraw(partner: Partner, at: datetime) -> str:
    sale = Sale.objects.active().filter(partner=partner).order_by("-pk").first()
    if sale is None:
        sale = _confirm(partner, magic_number("new", new_prefix()), _member(partner, at).country.code, at)
    sales.withdraw_sale(sale=sale, why=SaleWithdrawal.RETURNED, at=at)
    return f"Your sale {sale.external_id} was withdrawn."


def _confirm(partner: Partner, serial: str, country: str, at: datetime) -> Sale:
    number = f"sandbox-{uuid4().hex[:12]}"
    sale, _new = sales.confirm_sale(
        partner=partner,
        external_id=number,
        product=sample_product(),
        serial=serial,
        country=country,
        sold_on=(at - BOUGHT_AGO).date(),
        receipt=number,
        at=at,
    )
    return sale


def _request(partner: Partner, at: datetime) -> str:
    pack = _new_pack(partner, at)
    return f"A member asked for the Welcome Pack: {pack.reference}."


def _new_pack(partner: Partner, at: datetime) -> WelcomePack:
    """Of a new sample member, because there is one pack a person, ever (R37)."""
    member = join_member(partner=partner, name=f"dora-{uuid4().hex[:8]}", country=home_of(None, at), at=at)
    prefix = new_prefix()
    for suffix in JOB_SERIALS:
        register(member=member, serial=f"{prefix}{suffix}", at=at)
    member.refresh_from_db()
    return request_pack(member=member, address=address_of(member), by=member.user, at=at, partner=partner)


def _cancel(partner: Partner, at: datetime) -> str:
    packs = WelcomePack.objects.visible_to_partner(partner).filter(member__in=sample_members(partner))
    pack = packs.filter(state__in=CANCELLABLE_STATES).order_by("-pk").first() or _new_pack(partner, at)
    cancel_pack(pack=pack, by=pack.member.user, at=at)
    return f"The Welcome Pack {pack.reference} was cancelled."


def _replace_card(partner: Partner, at: datetime) -> str:
    packs = WelcomePack.objects.visible_to_partner(partner).filter(member__in=sample_members(partner), blanked_at=None)
    member = (packs.order_by("pk").first() or _new_pack(partner, at)).member
    card = get_or_issue_card(member=member, at=at)
    new = replace_card(card=card, reason=CardEnd.LOST, by=member.user, at=at, post=True, partner=partner)
    return f"A member has lost their card, and {new.number} is to be printed."


def _ping(partner: Partner, at: datetime) -> str:
    for endpoint in WebhookEndpoint.objects.live().filter(partner=partner).order_by("pk"):
        partners.ping_endpoint(endpoint=endpoint, by=None, at=at)
    return "We sent a test message to each of your endpoints."


REAL: Mapping[tuple[str, str], Callable[[Partner, datetime], str]] = {
    (PartnerKind.CENTRE, "ticket.opened"): _open_ticket,
    (PartnerKind.CENTRE, "ticket.event"): _send_in,
    (PartnerKind.CENTRE, "ticket.message"): _write,
    (PartnerKind.RETAILER, "sale.matched"): _match,
    (PartnerKind.RETAILER, "sale.withdrawn"): _withdraw,
    (PartnerKind.FULFILMENT, "welcome_pack.requested"): _request,
    (PartnerKind.FULFILMENT, "welcome_pack.cancelled"): _cancel,
    (PartnerKind.FULFILMENT, "membership_card.requested"): _replace_card,
}
REAL_FOR_ALL: Mapping[str, Callable[[Partner, datetime], str]] = {TEST_EVENT: _ping}
