"""What a member reads of their notices, as the rows are now."""

from datetime import datetime

from django.utils import timezone

from cps_portal.site.presenters.notice_words import Reading
from cps_portal.site.presenters.notices import NoticeLine, current_notices, describe
from members.models import Member, Notice


def shown(member: Member, now: datetime | None = None) -> list[NoticeLine]:
    """What still holds."""
    return current_notices(Reading(Member.objects.get(pk=member.pk), now or timezone.now()))


def archive(member: Member, now: datetime | None = None) -> list[NoticeLine]:
    """On the page "What happened"."""
    reading = Reading(Member.objects.get(pk=member.pk), now or timezone.now())
    return describe(reading, Notice.objects.filter(member=member))
