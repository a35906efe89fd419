"""Addresses that programs look for on every site (RFC 8615)."""

from datetime import UTC, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

SECURITY_TXT_VALID_FOR = timedelta(days=180)  # RFC 9116 recommends less than a year


@login_not_required
@require_safe
def change_password(request: HttpRequest) -> HttpResponse:
    """Where password managers lead people; whoever is not signed in signs in first."""
    return redirect("account_change_password")


@login_not_required
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Who hears of vulnerabilities (RFC 9116). Raises Http404 without SECURITY_CONTACT."""
    if not settings.SECURITY_CONTACT:
        raise Http404
    expires = (timezone.now() + SECURITY_TXT_VALID_FOR).astimezone(UTC).replace(microsecond=0)
    lines = [
        f"Contact: {settings.SECURITY_CONTACT}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {settings.LANGUAGE_CODE}",
        f"Canonical: {settings.SITE_URL}{reverse('security_txt')}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
