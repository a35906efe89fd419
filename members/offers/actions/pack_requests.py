"""Requests for Welcome Packs: sent to the fulfilment partner, retried, cancelled, and followed up if late (R38)."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Partner, WebhookEndpoint
from members.actions import notices
from members.enums import NoticeCode
from members.offers.enums import PackState
from members.offers.models import WelcomePack
from members.support import actions as cases
from members.support.enums import CaseKind

REQUESTED = "welcome_pack.requested"
CANCELLED = "welcome_pack.cancelled"
MAX_PACKS_PER_RUN = 1000
LATE = _(
    "Our packing partner hasn’t confirmed your Welcome Pack %(reference)s yet, and we’re looking into it."
    " Your request is safe, and you don’t have to do anything."
)


def current_partner() -> Partner | None:
    """The partner that new packs go to: the active fulfilment partner that was added first."""
    return Partner.objects.filter(kind=PartnerKind.FULFILMENT, active=True).order_by("pk").first()


@transaction.atomic
def send_request(*, pack: WelcomePack, at: datetime) -> bool:
    """Enqueue the webhook that requests the current sending. Idempotent (R38).

    Returns False if it does not go by webhook: then it waits for the next file (`pack_files`).
    """
    if pack.partner is None:
        return False
    messages = partners.enqueue_webhook(
        partner=pack.partner,
        type=REQUESTED,
        key=f"pack-{pack.key}",
        subject=f"welcome_packs/{pack.reference}",
        # Every sending has two messages, request and cancellation; the number has to grow from one to the next.
        sequence=2 * pack.sending - 1,
        renderer="offers.pack_requested",
        at=at,
        pack=pack.pk,
        sending=pack.sending,
    )
    return bool(messages)


@transaction.atomic
def send_cancellation(*, pack: WelcomePack, at: datetime) -> None:
    """Enqueue the webhook that cancels the current sending."""
    if pack.partner is None:
        return
    partners.enqueue_webhook(
        partner=pack.partner,
        type=CANCELLED,
        key=f"pack-{pack.key}-cancelled",
        subject=f"welcome_packs/{pack.reference}",
        sequence=2 * pack.sending,
        renderer="offers.pack_cancelled",
        at=at,
        pack=pack.pk,
        sending=pack.sending,
    )


def send_pending_requests(*, at: datetime) -> int:
    """Assign a partner to packs that have none, and enqueue requests that could not be enqueued before (R38).

    A partner or its endpoint may be added after the pack was requested. Returns how many requests go by webhook.
    """
    partner = current_partner()
    if partner is None:
        return 0
    pending = Q(partner=None)
    for endpoint in WebhookEndpoint.objects.filter(partner__kind=PartnerKind.FULFILMENT).subscribed_to(REQUESTED):
        sending = Cast(OuterRef("sending"), CharField())
        key = Concat(Value("pack-"), OuterRef("reference"), Value("-"), sending, Value(f"@{endpoint.pk}"))
        pending |= Q(~Exists(Message.objects.filter(key=key)), partner=endpoint.partner_id)
    packs = WelcomePack.objects.filter(pending, state=PackState.REQUESTED).order_by("pk")
    count = 0
    for pk in packs.values_list("pk", flat=True)[:MAX_PACKS_PER_RUN]:
        with transaction.atomic():
            pack = WelcomePack.objects.locked(pk)
            if pack.state != PackState.REQUESTED:
                continue
            if pack.partner is None:
                pack.partner = partner
                pack.save(update_fields=["partner"])
            count += send_request(pack=pack, at=at)
    return count


def open_late_cases(*, at: datetime) -> int:
    """Open a case for each request that no partner has accepted for PACK_LATE_AFTER (R38). Returns how many."""
    late = WelcomePack.objects.unacknowledged(at - settings.PACK_LATE_AFTER)
    in_use = Q(member__closed_at=None) | Q(member__merged_into__closed_at=None, member__merged_into__isnull=False)
    packs = late.filter(in_use, late_case=None).order_by("sending_since", "pk")
    return sum(_open_late_case(pk, at) for pk in packs.values_list("pk", flat=True)[:MAX_PACKS_PER_RUN])


@transaction.atomic
def _open_late_case(pk: int, at: datetime) -> bool:
    pack = WelcomePack.objects.locked(pk)
    is_late = pack.state == PackState.REQUESTED and pack.sending_since < at - settings.PACK_LATE_AFTER
    if pack.late_case_id or not is_late:
        return False
    with translation.override(pack.person.language):
        subject = str(_("Your Welcome Pack is delayed"))
        text = str(LATE) % {"reference": pack.reference_in_groups}
    pack.late_case = cases.open_case(
        kind=CaseKind.PACK_LATE, subject=subject, text=text, member=pack.person, about=pack, by=None, at=at
    )
    pack.save(update_fields=["late_case"])
    notices.notify_member(
        member=pack.person,
        key=f"pack-{pack.key}-late",
        code=NoticeCode.PACK_LATE,
        params={"pack": pack.pk, "sending": pack.sending},
        path=pack.get_absolute_url(),
        at=at,
    )
    return True
