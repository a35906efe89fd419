"""What a partner is shown of its sample data."""

from typing import Any

from cps_portal.core.partners.models import Partner
from cps_portal.sandbox.queries import sample_members
from cps_portal.sandbox.rules import MAGIC_SERIALS, PREFIX_DIGITS, PRODUCT, magic_number
from kitbag.models import Registration, Sale
from members.models import Member
from members.offers.models import Card, CardRequest, WelcomePack
from servicing.models import Loan, Ticket


def describe_samples(partner: Partner) -> dict[str, Any]:
    """The partner's sample data as it is now: references and numbers to go on with. All empty if there is none."""
    members = list(sample_members(partner))
    keys = [member.pk for member in members]
    kit = list(Registration.objects.filter(member__in=keys).select_related("product").order_by("pk"))
    cards = dict(Card.objects.live().filter(member__in=keys).values_list("member", "number"))
    centre = partner.centres.order_by("pk").first()
    tickets = Ticket.objects.visible_to_partner(partner).filter(member__in=keys)
    return {
        "centre": centre.slug if centre else None,
        "members": [_member(member, cards.get(member.pk, "")) for member in members],
        "registrations": [_registration(row) for row in kit],
        "serials": _serials(kit),
        "tickets": list(tickets.order_by("pk").values_list("reference", flat=True)),
        "loans": list(Loan.objects.filter(ticket__in=tickets).order_by("pk").values_list("pk", flat=True)),
        "packs": _references(WelcomePack, partner, keys),
        "cards": _references(CardRequest, partner, keys),
        "sales": list(Sale.objects.visible_to_partner(partner).order_by("pk").values_list("external_id", flat=True)),
    }


def _member(member: Member, card: str) -> dict[str, Any]:
    return {
        "name": member.full_name,
        "number": member.number,
        "level": member.level,
        "country": member.country.code,
        "card": card,
    }


def _registration(row: Registration) -> dict[str, Any]:
    return {
        "product": row.product.slug,
        "serial": row.serial,
        "country": row.country.code,
        "purchased_on": row.purchased_on,
        "state": row.state,
    }


def _serials(kit: list[Registration]) -> list[dict[str, str]]:
    """The magic serial numbers: those of the samples, found by one that is always there, and those for everybody."""
    marker = next(serial.number for serial in MAGIC_SERIALS if serial.name == "registered")
    own = next((row.serial for row in kit if row.serial.endswith(marker)), "")
    return [
        {
            "name": serial.name,
            "product": PRODUCT,
            "serial": magic_number(serial.name, own[:PREFIX_DIGITS]) if serial.is_made else serial.number,
            "what": serial.what,
        }
        for serial in MAGIC_SERIALS
        if own or not serial.is_made
    ]


def _references(model: type[WelcomePack] | type[CardRequest], partner: Partner, members: list[int]) -> list[str]:
    rows = model._default_manager.filter(partner=partner, member__in=members)
    return list(rows.order_by("pk").values_list("reference", flat=True))
