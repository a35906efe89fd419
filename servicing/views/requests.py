"""Requesting service, step by step: products, problem, centre, review (R43, R49, R60)."""

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cps_portal.core.files import actions as files
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.submissions.kept import kept_values
from members.access import MemberRequest, member_required
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.enums import ServiceKind
from servicing.forms.requests import IN_WARRANTY, PROBLEM, PRODUCTS, REVIEW, SHIPPING, STEPS, WHERE, Draft
from servicing.models import Parcel, Ticket
from servicing.presenters.turnaround import closed_centres_nearby
from servicing.queries.entitlement import Item, count_places
from servicing.queries.file_access import PURPOSE
from servicing.rules.places import HELD_FOR, PLACES

SEND = "send"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def new_request(request: MemberRequest) -> HttpResponse:
    """Every step of the request. Typed values travel from step to step in the form itself."""
    now = timezone.now()
    if request.method != "POST":
        kept = kept_values(request)
        draft = Draft(request.member, kept or _initial_data(request), None, now)
        step = str(kept.get("step", "")) if kept else ""
        first_step = PROBLEM if draft.chosen else PRODUCTS
        return _show(request, draft, step if step in STEPS else first_step, checked=False)
    draft = Draft(request.member, request.POST, request.FILES, now)
    step, button = request.POST.get("step", ""), request.POST.get("go", "")
    step = step if step in STEPS else PRODUCTS
    if button == SEND and (parcel := _find_sent_parcel(draft)):
        return redirect(parcel)
    if step == PROBLEM:
        draft.keep_files(request.user)
    if button in STEPS:
        return _show(request, draft, button, checked=False)
    target = REVIEW if button == SEND or step == REVIEW else STEPS[STEPS.index(step) + 1]
    invalid_step = draft.first_bad(target)
    if invalid_step:
        return _show(request, draft, invalid_step, checked=STEPS.index(invalid_step) <= STEPS.index(step))
    return _send(request, draft) if button == SEND else _show(request, draft, target, checked=False)


def _send(request: MemberRequest, draft: Draft) -> HttpResponse:
    choice = draft.where.chosen
    if choice is None or draft.returns is None:
        return _show(request, draft, SHIPPING if choice else WHERE, checked=True)
    try:
        items = [
            RequestedItem(
                item=Item(registration.product, registration=registration),
                service=ServiceKind(form.cleaned_data["service"]),
                fault=form.cleaned_data["fault"],
                warranty=form.cleaned_data["warranty"] == IN_WARRANTY,
                wish=requested.wish,
                loan_wanted=draft.wants_loan,
                photos=files.collect(
                    uploads=draft.uploads(registration, "photos"), purpose=PURPOSE, by=request.user, at=draft.at
                ),
                proofs=files.collect(
                    uploads=draft.uploads(registration, "proofs"), purpose=PURPOSE, by=request.user, at=draft.at
                ),
            )
            for (registration, form), requested in zip(draft.problems, draft.asked, strict=True)
        ]
        opened = open_parcel(
            member=request.member,
            centre=choice.centre,
            items=items,
            returns=draft.returns,
            by=request.user,
            at=draft.at,
        )
    except Refusal as refusal:
        fresh_draft = Draft(request.member, draft.data, None, draft.at)
        if parcel := _find_sent_parcel(fresh_draft):  # the second of two clicks
            return redirect(parcel)
        return _show(request, draft, draft.add_refusal(refusal), checked=True)
    return redirect(opened.parcel)


def _show(request: MemberRequest, draft: Draft, step: str, *, checked: bool) -> HttpResponse:
    """Show a step with what was typed; with `checked`, its errors too."""
    if step != PRODUCTS and not draft.chosen:
        step = PRODUCTS
    if step == REVIEW and (invalid_step := draft.first_bad(REVIEW)):
        step, checked = invalid_step, True
    if not checked:
        draft.unchecked(step)
    step_forms = draft.forms_of(step)
    bad_forms = [form for form in step_forms if form.errors] if checked else []
    taken = count_places(request.member)
    context = {
        "draft": draft,
        "step": step,
        "hidden": draft.hidden(step),
        "bad_forms": bad_forms,
        "taken": taken,
        "free": PLACES - taken,
        "places": PLACES,
        "held_days": HELD_FOR.days,
        "closed": closed_centres_nearby(request.member) if step == WHERE else [],
    }
    return render(request, f"servicing/new_{step}.html", context, status=422 if bad_forms else 200)


def _initial_data(request: MemberRequest) -> QueryDict:
    """The first values of the form, from the link on a product's or a centre's page."""
    data = QueryDict(mutable=True)
    data.setlist("items", request.GET.getlist("product"))
    for name in ("centre", "service"):
        value = request.GET.get(name, "")
        if value and name == "centre":
            data["centre"] = value
        elif value in ServiceKind.values:
            for key in data.getlist("items"):
                data[f"p{key}_service"] = value
    return data


def _find_sent_parcel(draft: Draft) -> Parcel | None:
    """The parcel that holds all of the chosen products, if they have been sent in already."""
    chosen = set(draft.typed_items)
    if not chosen or not chosen <= set(draft.in_service):
        return None
    tickets = Ticket.objects.of(draft.member).open().filter(registration__in=chosen).select_related("parcel")
    parcels = {ticket.parcel for ticket in tickets}
    return parcels.pop() if len(parcels) == 1 else None
