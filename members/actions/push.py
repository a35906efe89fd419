"""Push messages to browsers: who gets them, and what about (R56). Their text is in `members.emails.push`."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.web_push import is_subscription
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from cps_portal.core.outbox.enums import Kind
from cps_portal.core.partners.rules import url_fault
from members.enums import PUSHED_NOTICES, PUSHED_TICKET_NEWS, NoticeCode, PushKind
from members.models import Device, Notice, PushSubscription, User


def subscribe(
    *, user: User, session_key: str, endpoint: str, p256dh: str, auth: str, kinds: Sequence[PushKind], at: datetime
) -> PushSubscription:
    """Send push messages of these kinds to the browser with this session.

    Raises Refusal: `endpoint` (no address of a push service, or not on the public internet), `gone` (signed out).
    """
    if url_fault(endpoint, may_be_private=settings.WEBHOOKS_MAY_REACH_PRIVATE) or not is_subscription(p256dh, auth):
        raise Refusal("endpoint", _("Your browser gave us no address to send to. Reload the page, and try again."))
    with transaction.atomic():
        device = Device.objects.select_for_update().filter(user=user, session_key=session_key).first()
        if device is None:
            raise Refusal("gone", _("This browser isn’t known any more. Sign in again, and try again."))
        # The browser keeps its address when another account signs in.
        PushSubscription.objects.filter(endpoint=endpoint).exclude(device=device).delete()
        values = {"endpoint": endpoint, "p256dh": p256dh, "auth": auth, "kinds": list(kinds)}
        row, _created = PushSubscription.objects.update_or_create(
            device=device, defaults=values, create_defaults={**values, "created_at": at}
        )
    return row


def unsubscribe(*, session_key: str) -> None:
    """Send nothing more to the browser with this session."""
    PushSubscription.objects.filter(device__session_key=session_key).delete()


def forget_subscription(*, key: int) -> None:
    """The push service does not know it any more."""
    PushSubscription.objects.filter(pk=key).delete()


def record_pushed(*, key: int, at: datetime) -> None:
    PushSubscription.objects.filter(pk=key).update(sent_at=at)


def push_kind(notice: Notice) -> PushKind | None:
    """What a notice is for those who chose push messages; None for what is never pushed."""
    if notice.code == NoticeCode.TICKET:
        return PUSHED_TICKET_NEWS.get(str(notice.params.get("kind", "")))
    return PUSHED_NOTICES.get(NoticeCode(notice.code))


def push_notices(notices: Iterable[Notice], *, at: datetime) -> None:
    """Enqueue a message for every browser that wants to know of one of these notices. Idempotent by their keys."""
    if not settings.PUSH_PRIVATE_KEY:
        return
    news = [(notice, kind) for notice in notices if (kind := push_kind(notice))]
    if not news:
        return
    members = {notice.member_id for notice, _kind in news}
    wanted = PushSubscription.objects.filter(device__user__member__in=members).values_list(
        "pk", "device__user__member", "kinds"
    )
    messages = [
        OutgoingMessage(
            key=f"push-{key}-{notice.key}",
            to=f"push-{key}",
            payload={"subscription": key, **outbox.rendered_later("members.push", notice=notice.key, kind=kind.value)},
            ordering_key=f"push-{key}",
            kind=Kind.PUSH,
        )
        for key, member, kinds in wanted
        for notice, kind in news
        if notice.member_id == member and kind in kinds
    ]
    if messages:
        outbox.enqueue_many(kind=Kind.PUSH, messages=messages, at=at)
