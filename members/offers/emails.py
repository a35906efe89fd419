"""Mails about Welcome Packs, cards and offers."""

from django.conf import settings
from django.utils import timezone, translation

from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from members.enums import NoticeCode
from members.models import Member
from members.offers.enums import OfferState, PackState, PackStep, PlaceState, ReturnReason
from members.offers.models import Card, Offer, SignUp, WelcomePack
from members.queries import membership_of


@renderer("offers.pack_step")
def pack_step(*, pack: int, sending: int, step: str) -> dict[str, str] | None:
    """A step of the pack that the member did not take (R56). None if it is outdated."""
    row = WelcomePack.objects.filter(pk=pack, sending=sending).select_related("member").first()
    if row is None or row.member.closed_at:
        return None
    if step == PackStep.DISPATCHED and row.state != PackState.DISPATCHED:  # received or returned meanwhile
        return None
    with translation.override(row.member.language):
        context = {
            "first_name": row.member.first_name,
            "step": PackStep(step).value,
            "reference": row.reference_in_groups,
            "carrier": row.carrier,
            "tracking": row.tracking,
            "tracking_url": row.tracking_url,
            "reason": ReturnReason(row.return_reason).label if row.return_reason else "",
            "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
        }
    return render_mail("pack_step", context, language=row.member.language)


@renderer("offers.card_replaced")
def card_replaced(*, card: int, posted: bool) -> dict[str, str] | None:
    """The member has a new card (R40, R56). None if it is no longer valid."""
    row = Card.objects.live().filter(pk=card, member__closed_at=None).select_related("member").first()
    if row is None:
        return None
    context = {
        "first_name": row.member.first_name,
        "number": row.number_in_groups,
        "posted": posted,
        "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
    }
    return render_mail("card_replaced", context, language=row.member.language)


@renderer("offers.sign_up")
def sign_up(*, sign_up: int, what: str) -> dict[str, str] | None:
    """A place became free, or the event was changed or withdrawn (R56, R59). None if that is outdated."""
    row = SignUp.objects.filter(pk=sign_up, member__closed_at=None).select_related("member", "offer").first()
    if row is None or row.state == PlaceState.GIVEN_BACK:
        return None
    if row.state == PlaceState.WAITING and not membership_of(row.member).is_active:  # they are passed over (R65)
        return None
    if (what == NoticeCode.OFFER_WITHDRAWN) != (row.offer.state == OfferState.WITHDRAWN):
        return None
    if what == NoticeCode.PLACE_FREE and row.state != PlaceState.HELD:
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
        "first_name": member.first_name,
        "offer": offer,
        "what": what,
        "url": f"{settings.SITE_URL}{offer.get_absolute_url()}",
    }
    return render_mail(name, context, language=member.language)
