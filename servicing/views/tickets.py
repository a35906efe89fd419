"""A member's jobs: the list, and one with its clock (R47, R52)."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cps_portal.lib.reference import read_reference
from members.access import MemberRequest, member_required
from servicing.actions.recording import clock_of
from servicing.models import Ticket


@require_safe
@member_required
def ticket(request: MemberRequest, reference: str) -> HttpResponse:
    """One job with its clock and its timeline."""
    rows = Ticket.objects.of(request.member).select_related("product", "centre", "parcel")
    row = get_object_or_404(rows, reference=read_reference(reference))
    return render(request, "servicing/ticket.html", {"ticket": row, "clock": clock_of(row, timezone.now())})
