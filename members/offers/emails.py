"""Mails about Welcome Packs, cards and offers."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from members.enums import NoticeCode
from members.models import Member
from members.offers.enums import OfferState, PackState, PackStep, PlaceState, ReturnReason
from members.offers.models import Card, CardRequest, Offer, SignUp, WelcomePack
from members.queries import confirmed_first_name, membership_of


def is_step_current(pack: WelcomePack, sending: int, step: PackStep) -> bool:
    """Whether the last thing that the member should know of this sending is still this step (R70)."""
    states = {
        PackStep.DISPATCHED: {PackState.DISPATCHED},
        PackStep.RETURNED: {PackState.RETURNED},
        PackStep.SENT_AGAIN: {PackState.REQUESTED, PackState.ACCEPTED, PackState.PACKED},
        PackStep.CANCELLED: {PackState.CANCELLED},
    }
    return pack.sending == sending and pack.state in states[step]


def time_and_venue(offer: Offer) -> list[str]:
    """When and where an event is, as it is kept to find out whether that has changed."""
    return [*(moment.isoformat() if moment else "" for moment in (offer.starts_at, offer.ends_at)), offer.venue]


def is_sign_up_news_current(sign_up: SignUp, what: str, at: datetime, known: Sequence[str] = ()) -> bool:
    """Whether a place at an event, its change or its withdrawal is still so, and the event ahead (R70).

    `known` is the time and venue that the member knew before a change: changed and changed back is no change.
    """
    is_withdrawn = sign_up.offer.state == OfferState.WITHDRAWN
    is_ahead = sign_up.offer.starts_at is None or sign_up.offer.starts_at > at
    if sign_up.state == PlaceState.GIVEN_BACK or not is_ahead:
        return False
    if what == NoticeCode.PLACE_FREE and sign_up.state != PlaceState.HELD:
        return False
    if what == NoticeCode.OFFER_CHANGED and list(known) == time_and_venue(sign_up.offer):
        return False
    return is_withdrawn == (what == NoticeCode.OFFER_WITHDRAWN)


@renderer("offers.pack_step")
def pack_step(*, pack: int, sending: int, step: str) -> dict[str, str] | None:
    """A step of the pack that the member did not take (R56). None if it is outdated."""
    row = WelcomePack.objects.select_related("member").get(pk=pack)
    member = row.person
    if member.closed_at or not is_step_current(row, sending, PackStep(step)):
        return None
    with translation.override(member.language):
        context = {
            "first_name": confirmed_first_name(member),
            "step": PackStep(step).value,
            "is_resting": row.can_be_requested_again,
            "waits": row.state == PackState.RETURNED and not membership_of(member).is_active,
            "country": member.country.name,
            "reference": row.reference_in_groups,
            "carrier": row.carrier,
            "tracking": row.tracking,
            "tracking_url": row.tracking_url,
            "reason": ReturnReason(row.return_reason).label if row.return_reason else "",
            "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
        }
    return render_mail("pack_step", context, language=member.language)


@renderer("offers.card_replaced")
def card_replaced(*, card: int, posted: bool) -> dict[str, str] | None:
    """The member has a new card (R40, R56). None if it is no longer valid."""
    row = Card.objects.live().filter(pk=card, member__closed_at=None).select_related("member").first()
    if row is None:
        return None
    context = {
        "first_name": confirmed_first_name(row.member),
        "number": row.number_in_groups,
        "posted": posted,
        "rests": not membership_of(row.member).is_active,
        "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
    }
    return render_mail("card_replaced", context, language=row.member.language)


@renderer("offers.card_returned")
def card_returned(*, request: int) -> dict[str, str] | None:
    """The printed card came back (R40, R56). None if it is sent again already, or no longer valid."""
    back = CardRequest.objects.returned().filter(pk=request, member__closed_at=None)
    row = back.select_related("member").first()
    if row is None or not membership_of(row.member).is_active:
        return None
    with translation.override(row.member.language):
        context = {
            "first_name": confirmed_first_name(row.member),
            "reason": ReturnReason(row.return_reason).label if row.return_reason else "",
            "url": f"{settings.SITE_URL}{reverse('offers:card_again')}",
        }
    return render_mail("card_returned", context, language=row.member.language)


@renderer("offers.sign_up")
def sign_up(*, sign_up: int, what: str, known: Sequence[str] = ()) -> dict[str, str] | None:
    """A place became free, or the event was changed or withdrawn (R56, R59). None if that is outdated."""
    row = SignUp.objects.filter(pk=sign_up, member__closed_at=None).select_related("member", "offer").first()
    if row is None or not is_sign_up_news_current(row, what, timezone.now(), known):
        return None
    if row.state == PlaceState.WAITING and not membership_of(row.member).is_active:  # they are passed over (R65)
        return None
    return _about_offer("offer_notice", row.offer, row.member, what=what)


@renderer("offers.news")
def news(*, offer: int, member: int) -> dict[str, str] | None:
    """A new event or special offer, for members who want news. None if it is no longer open to them."""
    reader = Member.objects.open().filter(pk=member, wants_news=True).first()
    row = reader and Offer.objects.open_to(membership_of(reader), timezone.now()).filter(pk=offer).first()
    return _about_offer("offer_news", row, reader) if row and reader else None


def _about_offer(name: str, offer: Offer, member: Member, what: str = "") -> dict[str, str]:
    context = {
        "first_name": confirmed_first_name(member),
        "offer": offer,
        "what": what,
        "url": f"{settings.SITE_URL}{offer.get_absolute_url()}",
        "unsubscribe_url": "" if what else member.unsubscribe_url("wants_news"),
    }
    return render_mail(name, context, language=member.language)
