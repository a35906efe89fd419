"""Mails about cases."""

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils import translation

from cps_portal.core.outbox.mail import render_mail
from cps_portal.core.outbox.renderers import renderer
from members.queries import confirmed_first_name
from members.support import rules
from members.support.enums import CaseState
from members.support.models import Case, CaseMessage
from members.support.presenters import due_in_words

RATING_SALT = "members.support.rating"
RECEIVED, OPENED, ANSWERED, ASKED, CLOSED, QUIET = "received", "opened", "answered", "asked", "closed", "quiet"
STATES = {
    ANSWERED: CaseState.ANSWERED,
    ASKED: CaseState.WAITING,
    CLOSED: CaseState.CLOSED,
    QUIET: CaseState.CLOSED,
}


def is_case_news_current(case: Case, event: str) -> bool:
    """Whether a case is still as it was told: answered, waiting for the person, or closed (R70)."""
    return case.erased_at is None and case.state == STATES[event]


def rating_url(case: Case) -> str:
    """Where the customer says whether our help was any good, once the case is closed; "" before, and for decisions.

    The link proves who clicks, so its token is signed. It names the case and nothing else.
    """
    if not case.is_closed or case.kind in rules.ENDS_WITH_DECISION:
        return ""
    token = signing.dumps(case.pk, salt=RATING_SALT)
    return f"{settings.SITE_URL}{reverse('cases:rate', args=[token])}"


@renderer("cases.case")
def case_mail(*, case: int, event: str, message: int | None = None) -> dict[str, str] | None:
    """What happened, the text of the message, and the link to the case (R56, R58). `event` is one of the above.

    None if it no longer holds; an answer is always sent. Nothing that the person typed is in the mail that confirms
    their message, and no name or subject in a mail to an address that nobody has confirmed: else our forms could be
    used to send any text to any address.
    """
    row = Case.objects.select_related("member__user").get(pk=case)
    is_over = event in (ASKED, CLOSED, QUIET) and not is_case_news_current(row, event)
    if row.erased_at or is_over or (row.member and row.member.closed_at):
        return None
    first_name = confirmed_first_name(row.member) if row.member else ""
    path = row.get_absolute_url()
    text = CaseMessage.objects.get(pk=message).text if message and event != RECEIVED else ""
    with translation.override(row.language):
        due = due_in_words(row.due_at) if row.due_at else ""
    context = {
        "event": event,
        "first_name": first_name,
        "subject": row.subject if first_name else "",
        "reference": row.reference_in_groups,
        "text": text,
        "due": due,
        "rating_url": rating_url(row),
        "days": settings.CASES_CLOSE_DAYS,
        "waits": row.state == CaseState.WAITING,
        "url": f"{settings.SITE_URL}{path or reverse('cases:contact')}",
        "has_page": bool(path),
        "is_member": row.member_id is not None,
    }
    return render_mail("case", context, language=row.language)
