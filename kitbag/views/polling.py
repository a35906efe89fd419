"""A registration that refreshes itself while the machine checks it (R18, R19)."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from kitbag.models import Registration
from kitbag.presenters.registrations import days_by_level, is_checking, own, show
from kitbag.views.product import product_context
from members.access import MemberRequest, member_required

PATIENCE = timedelta(minutes=2)  # then the page stops asking and says that it takes longer
STOP_POLLING = 286  # htmx: swap this in and ask no more
TEMPLATES = {"card": "kitbag/_card.html", "table": "kitbag/_table_row.html", "product": "kitbag/_product.html"}


@require_GET
@member_required
def row_state(request: MemberRequest, pk: int) -> HttpResponse:
    """A row that asks whether it is decided: nothing while it is not, then itself, with the new totals beside it."""
    row = own(request, pk)
    shape = request.GET.get("as", "card")
    template = TEMPLATES.get(shape)
    if template is None or not request.htmx:
        return redirect(row)
    waiting = is_checking(row)
    if waiting and row.submitted_at and timezone.now() - row.submitted_at < PATIENCE:
        return HttpResponse(status=204)
    if shape == "product":
        context = product_context(request, row)
    else:
        context = {"kit": show(row, days_by_level(request.member).get(request.member.level))}
    context |= {
        "totals": Registration.objects.of(request.member).totals(),
        "update": True,
        "slow": waiting,
    }
    return render(request, template, context, status=STOP_POLLING)
