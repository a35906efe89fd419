"""Webhooks to the fulfilment partner, rendered when sent (R38). docs/fulfilment.md describes them."""

from typing import Any

from django.conf import settings

from cps_portal.core.outbox.renderers import renderer
from members.enums import Level
from members.models import Member
from members.offers.enums import PackState
from members.offers.models import Card, CardRequest, WelcomePack
from members.offers.rules import UNPACKED_STATES
from members.queries import membership_of


@renderer("offers.pack_requested")
def pack_requested(*, pack: int, sending: int) -> dict[str, Any] | None:
    """All that the partner needs to send the pack. None if this sending is no longer needed: then nothing is sent."""
    row = WelcomePack.objects.filter(pk=pack, sending=sending).select_related("member").first()
    if row is None or row.state in (PackState.CANCELLED, PackState.RECEIVED) or row.blanked_at:
        return None
    member = row.person
    if row.state in UNPACKED_STATES and not membership_of(member).is_active:  # it is cancelled in a moment (R65)
        return None
    card = Card.objects.live().filter(member=member).first()
    return {
        **_identify(row),
        "asked_at": row.sending_since.isoformat(),
        "language": row.language,
        "contents": row.contents,
        "member": _member(member),
        "card": _card(card) if card else None,
        "address": row.address.partner_fields,
    }


@renderer("offers.pack_cancelled")
def pack_cancelled(*, pack: int, sending: int) -> dict[str, Any] | None:
    """Cancels a sending."""
    row = WelcomePack.objects.filter(pk=pack).first()
    return {**_identify(row), "sending": sending, "key": f"{row.reference}-{sending}"} if row else None


@renderer("offers.card_requested")
def card_requested(*, card: int) -> dict[str, Any] | None:
    """A replacement card to print and post, by its newest request (R40).

    None if the card is no longer valid or there is no address.
    """
    row = Card.objects.live().filter(pk=card, member__closed_at=None).select_related("member").first()
    request = CardRequest.objects.filter(card=row, blanked_at=None).order_by("-pk").first() if row else None
    if row is None or request is None or not membership_of(row.member).is_active:
        return None
    return {
        "reference": request.reference,
        "key": request.key,
        "asked_at": (request.asked_at if request.repeats and request.asked_at else row.issued_at).isoformat(),
        "language": row.member.language,
        "member": _member(row.member),
        "card": _card(row),
        "address": request.address.partner_fields,
    }


def _identify(pack: WelcomePack) -> dict[str, Any]:
    return {"reference": pack.reference, "sending": pack.sending, "key": pack.key}


def _member(member: Member) -> dict[str, str]:
    return {"number": member.number, "name": member.full_name, "level": Level(member.level).value}


def _card(card: Card) -> dict[str, str]:
    """The card, with the URL for its QR code."""
    return {"number": card.number, "url": f"{settings.SITE_URL}{card.check_path}"}
