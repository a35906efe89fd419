"""A member's offers: the list, one offer, signing up and cancelling (R59)."""

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
from members.offers.queries import VisibleOffer, get_visible_offer, visible_offers, waiting_list_position
from members.queries import membership_of


@never_cache
@require_safe
@member_required
def offers(request: MemberRequest) -> HttpResponse:
    membership = membership_of(request.member)
    overview = visible_offers(request.member, membership, timezone.now())
    return render(request, "offers/list.html", {"overview": overview})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def offer(request: MemberRequest, slug: str) -> HttpResponse:
    visible = _get_or_404(request, slug)
    if request.method == "POST":
        return _change_sign_up(request, visible)
    position = waiting_list_position(visible.sign_up) if visible.sign_up and visible.is_waiting else 0
    context = {
        "visible": visible,
        "offer": visible.offer,
        "position": position,
    }
    return render(request, "offers/offer.html", context)


@never_cache
@require_safe
@member_required
def calendar(request: MemberRequest, slug: str) -> HttpResponse:
    """The event as a calendar file."""
    event = _get_or_404(request, slug).offer
    if event.starts_at is None:
        raise Http404
    file = as_ics(
        uid=f"offer-{event.pk}@{request.get_host()}",
        title=event.local.title,
        text=event.local.summary,
        where=event.local.venue,
        url=f"{settings.SITE_URL}{event.get_absolute_url()}",
        begins=event.starts_at,
        ends=event.ends_at,
        at=timezone.now(),
    )
    headers = {"Content-Disposition": f'attachment; filename="{event.slug}.ics"'}
    return HttpResponse(file, content_type="text/calendar; charset=utf-8", headers=headers)


def _get_or_404(request: MemberRequest, slug: str) -> VisibleOffer:
    visible = get_visible_offer(request.member, slug, timezone.now())
    if visible is None:
        raise Http404
    return visible


def _change_sign_up(request: MemberRequest, visible: VisibleOffer) -> HttpResponse:
    now = timezone.now()
    try:
        if request.POST.get("do") == "cancel_sign_up":
            cancel_sign_up(member=request.member, offer=visible.offer, at=now)
            messages.success(request, _("Done. Your place goes to the next in line."))
            return redirect("offers:list")
        entry = sign_up(member=request.member, offer=visible.offer, at=now)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect(visible.offer)
    if entry.state == PlaceState.HELD:
        messages.success(request, _("You have a place."))
    else:
        messages.success(request, _("You’re on the waiting list. We’ll let you know when a place is free."))
    return redirect(visible.offer)
