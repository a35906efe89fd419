"""Reminding members of what they began and never finished (R16, R56)."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.actions import OutgoingMessage
from kitbag.enums import NEEDS_MEMBER
from kitbag.models import Registration
from members.models import Member

LEFT_ALONE = timedelta(days=14)


@transaction.atomic
def remind(*, after: int, limit: int, at: datetime) -> int | None:
    """Write to the next `limit` members by key who wish it and left a product alone for two weeks.

    Once a month each: the key of the mail says so. Returns the last key, None at the end.
    """
    left = Registration.objects.filter(member=OuterRef("pk"), state__in=NEEDS_MEMBER, added_at__lt=at - LEFT_ALONE)
    people = Member.objects.open().filter(Exists(left), pk__gt=after, wants_reminders=True).select_related("user")
    found = list(people.order_by("pk")[:limit])
    if not found:
        return None
    month = timezone.localdate(at).strftime("%Y-%m")
    letters = [
        OutgoingMessage(
            f"reminder-{month}-{person.pk}",
            person.user.email,
            outbox.rendered_later("kitbag.reminder", member=person.pk),
        )
        for person in found
    ]
    outbox.enqueue_many(kind="mail", letters=letters)
    return found[-1].pk
