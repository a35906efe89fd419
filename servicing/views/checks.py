"""“May I?”: what the member gets for a product, by centre, and why (R43 to R46, R51, R60)."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kitbag.models import Registration
from members.access import MemberRequest, member_required
from servicing.enums import ServiceKind
from servicing.forms.requests import CheckForm
from servicing.models import Ticket
from servicing.presenters.turnaround import best_centre_choice, list_centre_choices, requested_service
from servicing.queries.entitlement import count_places
from servicing.rules.places import PLACES


@never_cache
@require_safe
@member_required
def check(request: MemberRequest) -> HttpResponse:
    """For each centre that fits: the promise, why, and what would change it."""
    rows = list(Registration.objects.of(request.member).live().select_related("product").order_by("product__name"))
    form = CheckForm(request.GET if "product" in request.GET else None, rows)
    choices, row = [], None
    if form.is_valid():
        row = next(one for one in rows if one.pk == form.cleaned_data["product"])
        asked = requested_service(row, form.cleaned_data["service"], at=timezone.now(), proof=True)
        choices = list_centre_choices(request.member, [asked])
    context = {
        "form": form,
        "row": row,
        "job": _job(request, row) if row else None,
        "choices": [one for one in choices if one.fits and one.is_first],
        "more": [one for one in choices if one.fits and not one.is_first],
        "others": [one for one in choices if not one.fits],
        "taken": count_places(request.member),
        "places": PLACES,
    }
    return render(request, "servicing/check.html", context, status=422 if form.is_bound and form.errors else 200)


@never_cache
@require_safe
@member_required
def may_i(request: MemberRequest, pk: int) -> HttpResponse:
    """The same in short, for the page of a product (R43); whole without a script."""
    row = get_object_or_404(Registration.objects.of(request.member).live().select_related("product"), pk=pk)
    choice = best_centre_choice(
        request.member, requested_service(row, ServiceKind.REPAIR, at=timezone.now(), proof=True)
    )
    context = {
        "row": row,
        "choice": choice,
        "one": choice.service_offers[0] if choice else None,
        "job": _job(request, row),
        "taken": count_places(request.member),
        "places": PLACES,
    }
    return render(
        request, "servicing/_entitlement_summary.html" if request.htmx else "servicing/entitlement.html", context
    )


def _job(request: MemberRequest, row: Registration) -> Ticket | None:
    return Ticket.objects.of(request.member).open().filter(registration=row).first()
