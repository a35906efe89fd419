"""Going to another country, the card abroad, and members of other world regions who come here (R4, R5, R7)."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cps_portal.core.lib.countries import country_name, is_country
from cps_portal.core.lib.lists import in_words
from cps_portal.site.presenters.travelling import build_trip, countries_to_visit, subscription_countries_with_centres
from cps_portal.site.views.public import public_context
from members.access import MemberRequest, member_required
from members.offers.queries import events_for_travellers


@require_safe
@member_required
def going_to(request: MemberRequest) -> HttpResponse:
    """Choose a country to travel to; each has an address of its own."""
    groups = countries_to_visit(request.member.country.code)
    typed, error = request.GET.get("to"), ""
    if typed is not None:
        if any(typed == code for _title, choices in groups for code, _name in choices):
            return redirect("going_to_country", country=typed)
        error = _("Choose a country from the list.")
    context = {"groups": groups, "error": error, "country": request.member.country.name}
    return render(request, "members/going_to.html", context, status=422 if error else 200)


@require_safe
@member_required
def going_to_country(request: MemberRequest, country: str) -> HttpResponse:
    """Home and a country side by side: what the member gets there, at which centres, and why it differs (R4)."""
    code = country.upper()
    if not is_country(code):
        raise Http404
    if code == request.member.country.code:
        return redirect("going_to")
    if code != country:
        return redirect("going_to_country", country=code)
    now = timezone.now()
    trip = build_trip(request.member, code, at=now)
    context = {
        "trip": trip,
        "times": trip.local_times(now),
        "events": events_for_travellers(request.member, code, now),
        "groups": countries_to_visit(request.member.country.code),
    }
    return render(request, "members/going_to_country.html", context)


@require_safe
@member_required
def card_abroad(request: MemberRequest) -> HttpResponse:
    """Where the card works, and what to expect in other regions of the world (R7)."""
    context = {
        "member": request.member,
        "numbers": public_context()["numbers"],
        "helping": in_words(country_name(code) for code in subscription_countries_with_centres()),
    }
    return render(request, "members/card_abroad.html", context)


@login_not_required
@require_safe
def visiting_members(request: HttpRequest) -> HttpResponse:
    """What a member of CPS in another world region gets here (R5)."""
    return render(request, "public/visiting_members.html", {"numbers": public_context()["numbers"]})
