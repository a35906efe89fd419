"""Without a connection: the service worker, the page it shows, and what members may keep on their device (R41)."""

import json
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cps_portal.site.context import offline_owner
from cps_portal.site.presenters import dashboard as dashboards
from members.access import MemberRequest, member_required
from members.enums import Theme
from members.offers.actions.resting import resting_refusal
from members.offers.models import Card
from members.offers.presenters import qr

ASSETS = [  # what the pages that are shown without a connection need
    "css/portal.css",
    "js/without-connection.js",
    "img/icons.svg",
    "img/favicon.svg",
]
PLACES = [  # where members' pages are; anything else is left to the browser
    "dashboard",
    "notices",
    "kitbag:list",
    "offers:card",
    "offers:list",
    "members:profile",
    "servicing:list",
    "cases:list",
]
PAGE, PAGE_CONTEXT = "offline/page.html", {"theme": Theme.AUTO}
ELSEWHERE = ["my_data_download"]  # downloads among them; those that end in a file's name need no mention


@never_cache
@login_not_required
@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker of the whole portal: it is at the root, because its path limits its scope.

    The same for everybody who reads one language. It is another text when the offline page or one of its files is: then
    browsers fetch them anew.
    """
    assets = [static(name) for name in ASSETS]
    shown = render_to_string(PAGE, PAGE_CONTEXT)
    context = {
        "places": json.dumps([reverse(name) for name in PLACES]),
        "elsewhere": json.dumps([reverse(name) for name in ELSEWHERE]),
        "card": json.dumps(reverse("offers:card")),
        "offline": json.dumps(reverse("offline")),
        "icon": json.dumps(static("icons/card-192.png")),
        "assets": json.dumps(assets),
        "version": sha256("\n".join([shown, *assets]).encode()).hexdigest()[:12],
    }
    return render(request, "offline/sw.js", context, content_type="text/javascript; charset=utf-8")


@never_cache
@login_not_required
@require_safe
def offline_page(request: HttpRequest) -> HttpResponse:
    """What the service worker shows instead of a page that cannot be reached. The same for everybody."""
    return render(request, PAGE, PAGE_CONTEXT)


@never_cache
@require_safe
@member_required
def dashboard_copy(request: MemberRequest) -> HttpResponse:
    """The dashboard as it is kept on a device of the member."""
    now = timezone.now()
    board = dashboards.build(request.member, now)
    return _copy(request, "offline/dashboard.html", {"board": board, "now": now})


@never_cache
@require_safe
@member_required
def card_copy(request: MemberRequest) -> HttpResponse:
    """The card as it is kept on a device of the member. Raises Http404 if they have none: nothing is issued here."""
    now = timezone.now()
    card = Card.objects.live().filter(member=request.member).first()
    if card is None or resting_refusal(request.member, now):
        raise Http404
    return _copy(request, "offline/card.html", {"card": card, "qr": qr.as_svg(card), "now": now})


def _copy(request: MemberRequest, template: str, context: dict[str, object]) -> HttpResponse:
    """With whose it is and until when it may be kept, in milliseconds since 1970, for the scripts that keep it."""
    member = request.member
    response = render(request, template, {**context, "member": member, "theme": member.theme})
    until = timezone.now() + settings.OFFLINE_COPIES_KEPT
    response["X-Kept-For"] = offline_owner(request.user.pk)
    response["X-Kept-Until"] = str(int(until.timestamp() * 1000))
    return response
