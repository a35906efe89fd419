"""The status of a registration, which its card asks for every second while it is checked automatically (R18, R19)."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from kitbag.models import totals_of
from kitbag.presenters.registrations import build_card, is_being_checked
from kitbag.queries.duplicates import find_own_duplicates
from kitbag.queries.fast_track import fast_track_days_by_level
from kitbag.views.product import product_context
from kitbag.views.shortcuts import get_own_registration
from members.access import MemberRequest, member_required
from members.queries import membership_of

MAX_POLLING_TIME = timedelta(minutes=2)  # after that the page stops polling and says that it takes longer
HTTP_STOP_POLLING = 286  # htmx swaps the response in and stops polling
TEMPLATES = {"card": "kitbag/_cards.html", "table": "kitbag/_table_row.html", "product": "kitbag/_product.html"}


@require_GET
@member_required
def status(request: MemberRequest, pk: int) -> HttpResponse:
    """204 while the registration is being checked, then its card, table row or page with the new totals."""
    registration = get_own_registration(request, pk)
    shape = request.GET.get("as", "card")
    template = TEMPLATES.get(shape)
    if template is None or not request.htmx:
        return redirect(registration)
    waiting = is_being_checked(registration)
    if waiting and registration.submitted_at and timezone.now() - registration.submitted_at < MAX_POLLING_TIME:
        return HttpResponse(status=204)
    if shape == "product":
        context = product_context(request, registration)
    else:
        days = fast_track_days_by_level(membership_of(request.member)).get(request.member.level)
        card = build_card(registration, days, find_own_duplicates([registration]).get(registration.pk))
        context = {"card": card, "cards": [card]}
    context |= {
        "totals": totals_of(request.member),
        "update": True,
        "slow": waiting,
    }
    return render(request, template, context, status=HTTP_STOP_POLLING)
