"""A member's offers: the list, one of them, signing up and giving back (R59)."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cps_portal.core.lib.errors import Refusal
from members.access import MemberRequest, member_required
from members.offers.actions.offers import cancel_sign_up, sign_up
from members.offers.enums import PlaceState
from members.offers.presenters.calendar import as_ics
from members.offers.queries import VisibleOffer, one, place_in_line, visible_offers


@never_cache
@require_safe
@member_required
def offers(request: MemberRequest) -> HttpResponse:
    return render(request, "offers/list.html", {"shelf": visible_offers(request.member, timezone.now())})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def offer(request: MemberRequest, slug: str) -> HttpResponse:
    found = _found(request, slug)
    if request.method == "POST":
        return _answered(request, found)
    line = place_in_line(found.mine) if found.mine and found.in_line else 0
    return render(request, "offers/offer.html", {"shelved": found, "offer": found.offer, "line": line})


@never_cache
@require_safe
@member_required
def calendar(request: MemberRequest, slug: str) -> HttpResponse:
    """For the calendar on a phone or a desk."""
    event = _found(request, slug).offer
    if event.starts_at is None:
        raise Http404
    file = as_ics(
        uid=f"offer-{event.pk}@{request.get_host()}",
        title=event.title,
        text=event.summary,
        where=event.venue,
        url=f"{settings.SITE_URL}{event.get_absolute_url()}",
        begins=event.starts_at,
        ends=event.ends_at,
        at=timezone.now(),
    )
    headers = {"Content-Disposition": f'attachment; filename="{event.slug}.ics"'}
    return HttpResponse(file, content_type="text/calendar; charset=utf-8", headers=headers)


def _found(request: MemberRequest, slug: str) -> VisibleOffer:
    if "\0" in slug or (found := one(request.member, slug, timezone.now())) is None:
        raise Http404
    return found


def _answered(request: MemberRequest, found: VisibleOffer) -> HttpResponse:
    now = timezone.now()
    try:
        if request.POST.get("do") == "cancel_sign_up":
            cancel_sign_up(member=request.member, offer=found.offer, by=request.user, at=now)
            messages.success(request, _("Given back. Thank you: somebody else may come now."))
            return redirect("offers:list")
        mine = sign_up(member=request.member, offer=found.offer, by=request.user, at=now)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect(found.offer)
    if mine.state == PlaceState.HELD:
        messages.success(request, _("You have a place."))
    else:
        messages.success(request, _("You are in the line. We tell you when a place is yours."))
    return redirect(found.offer)
