"""Addresses that programs look for on every site (RFC 8615), and what a telephone needs to install the portal."""

from datetime import UTC, timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.sitemaps.views import sitemap as build_sitemap
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cps_portal.core.lib.languages import ENGLISH
from cps_portal.site.sitemaps import SITEMAPS

COLOUR = "#121315"
ICONS = [
    ("icons/card-192.png", "192x192", "any"),
    ("icons/card-512.png", "512x512", "any"),
    ("icons/card-maskable-512.png", "512x512", "maskable"),
]
# What robots may read: the public pages, in each language, and what they are drawn with.
OPEN_TO_ROBOTS = (
    "centres/",
    "contact/",
    "help/",
    "privacy/",
    "static/",
    "terms/",
    "accounts/login/",
    "accounts/signup/",
)
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


@login_not_required
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines may read (RFC 9309), and where the map of it is."""
    languages = [f"{language}/" for language, _name in settings.LANGUAGES if language != ENGLISH]
    allowed = [f"Allow: /{path}" for path in ("$", *OPEN_TO_ROBOTS, *languages)]
    lines = ["User-agent: *", *allowed, "Disallow: /", "", f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """The public pages, each with its addresses in all languages."""
    return build_sitemap(request, SITEMAPS)


@login_not_required
@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """The web app manifest, with which a telephone puts the portal on its home screen like an app."""
    content = {
        "id": "/",
        "name": _("Canon Professional Services"),
        "short_name": "CPS",
        "start_url": reverse("dashboard"),
        "scope": "/",
        "display": "standalone",
        "background_color": COLOUR,
        "theme_color": COLOUR,
        "icons": [
            {"src": static(name), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in ICONS
        ],
        "shortcuts": [
            {"name": name, "url": reverse(url)}
            for name, url in (
                (_("Membership card"), "offers:card"),
                (_("Add a product"), "kitbag:add"),
                (_("Book a service"), "servicing:new"),
            )
        ],
    }
    return JsonResponse(content, content_type="application/manifest+json")
