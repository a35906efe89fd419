"""The mails about Welcome Packs, cards and events. Builds them from rows; sends nothing."""

from django.conf import settings
from django.utils import translation

from cps_portal.offers.enums import PackState, PackStep, ReturnReason
from cps_portal.offers.models import Card, WelcomePack
from cps_portal.outbox.mail import render_mail


def pack_step(*, pack: int, sending: int, step: str) -> dict[str, str] | None:
    """What happened to a pack without the member's doing (R56), worded when it leaves; None if it is outdated."""
    row = WelcomePack.objects.filter(pk=pack, sending=sending).select_related("member").first()
    if row is None or row.member.closed_at:
        return None
    if step == PackStep.DISPATCHED and row.state != PackState.DISPATCHED:  # it is there already, or came back
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


def card_replaced(*, card: int, posted: bool) -> dict[str, str] | None:
    """There is a new card (R40, R56); None if it is not valid any more."""
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
