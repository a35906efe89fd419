"""What the member gets for a product at each centre, and why (R43 to R46, R51, R60)."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kitbag.models import Registration
from members.access import MemberRequest, member_required
from servicing.enums import ServiceKind
from servicing.forms.entitlement import CheckForm
from servicing.models import Ticket
from servicing.presenters.turnaround import best_centre_choice, list_centre_choices, requested_service
from servicing.queries.entitlement import count_places
from servicing.rules.places import PLACES


@never_cache
@require_safe
@member_required
def check_entitlement(request: MemberRequest) -> HttpResponse:
    """What each suitable centre offers, why, and what would change it."""
    registrations = list(
        Registration.objects.of(request.member).live().select_related("product").order_by("product__name")
    )
    form = CheckForm(request.GET if "product" in request.GET else None, registrations)
    choices, registration = [], None
    if form.is_valid():
        registration = next(candidate for candidate in registrations if candidate.pk == form.cleaned_data["product"])
        requested = requested_service(registration, form.cleaned_data["service"], at=timezone.now(), proof=True)
        choices = list_centre_choices(request.member, [requested])
    context = {
        "form": form,
        "row": registration,
        "job": _open_ticket(request, registration) if registration else None,
        "choices": [choice for choice in choices if choice.fits and choice.is_first],
        "more": [choice for choice in choices if choice.fits and not choice.is_first],
        "others": [choice for choice in choices if not choice.fits],
        "taken": count_places(request.member),
        "places": PLACES,
    }
    return render(request, "servicing/check.html", context, status=422 if form.is_bound and form.errors else 200)


@never_cache
@require_safe
@member_required
def entitlement_summary(request: MemberRequest, pk: int) -> HttpResponse:
    """The best offer in short, for the page of a product (R43). Answers a whole page without JavaScript."""
    registration = get_object_or_404(Registration.objects.of(request.member).live().select_related("product"), pk=pk)
    choice = best_centre_choice(
        request.member, requested_service(registration, ServiceKind.REPAIR, at=timezone.now(), proof=True)
    )
    context = {
        "row": registration,
        "choice": choice,
        "one": choice.service_offers[0] if choice else None,
        "job": _open_ticket(request, registration),
        "taken": count_places(request.member),
        "places": PLACES,
    }
    return render(
        request, "servicing/_entitlement_summary.html" if request.htmx else "servicing/entitlement.html", context
    )


def _open_ticket(request: MemberRequest, registration: Registration) -> Ticket | None:
    return Ticket.objects.of(request.member).open().filter(registration=registration).first()
