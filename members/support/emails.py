"""Mails about cases."""

from django.conf import settings
from django.utils import timezone

from cps_portal.core.outbox.mail import render_mail
from members.support.enums import CaseState
from members.support.models import Case

RECEIVED, OPENED, ANSWERED, ASKED, CLOSED = "received", "opened", "answered", "asked", "closed"


def case_mail(case: Case, event: str, *, text: str = "") -> dict[str, str]:
    """What happened, the text of the message, and the link to the case (R56, R58). `event` is one of the above.

    The mail that confirms a visitor's message contains nothing they typed: else the contact form could be used to send
    any text to any address.
    """
    path = case.get_absolute_url()
    return render_mail(
        "case",
        {
            "event": event,
            "first_name": case.first_name if case.member_id or event != RECEIVED else "",
            "subject": case.subject if case.member_id or event != RECEIVED else "",
            "reference": case.reference_in_groups,
            "text": text,
            "due_at": timezone.make_naive(case.due_at, settings.SUPPORT_CALENDAR.zone) if case.due_at else None,
            "place": support_city(),
            "waits": case.state == CaseState.WAITING,
            "url": f"{settings.SITE_URL}{path}" if path else "",
            "is_member": case.member_id is not None,
        },
        language=case.language,
    )


def support_city() -> str:
    """The city whose time zone the working hours of support are in."""
    return str(settings.SUPPORT_CALENDAR.zone.key).rpartition("/")[2].replace("_", " ")
