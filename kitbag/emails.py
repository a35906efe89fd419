"""The texts of the mails about registrations. Builds them from rows; sends nothing."""

from django.conf import settings
from django.utils import translation

from cps_portal.outbox.mail import render_mail
from kitbag.enums import RefusalReason, RegistrationState
from kitbag.models import Registration


def decision(row: Registration) -> dict[str, str]:
    """A person approved or refused a registration (R19, R56): subject, text and html in the member's language."""
    refused = row.state == RegistrationState.REJECTED
    with translation.override(row.member.language):
        reason = str(RefusalReason(row.refusal_reason).label) if refused else ""
    return render_mail(
        "registration_refused" if refused else "registration_approved",
        {
            "member": row.member,
            "first_name": row.member.first_name,
            "product_name": row.product.name,
            "points": row.product.points,
            "reason": reason,
            "url": f"{settings.SITE_URL}{row.get_absolute_url()}",
        },
        language=row.member.language,
    )
