"""Asking for a service: products, problem, where, look it over, sent (R43, R49, R60)."""

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cps_portal.core.files import actions as files
from cps_portal.core.lib.errors import Refusal
from members.access import MemberRequest, member_required
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.enums import ServiceKind
from servicing.forms.requests import IN_WARRANTY, PROBLEM, PRODUCTS, REVIEW, STEPS, WHERE, Draft
from servicing.models import Parcel, Ticket
from servicing.presenters.turnaround import closed_centres_nearby
from servicing.queries.entitlement import Item, count_places
from servicing.queries.file_access import PURPOSE
from servicing.rules.places import HELD_FOR, PLACES

SEND = "send"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def new(request: MemberRequest) -> HttpResponse:
    """Every page of the request; what was typed travels with it."""
    now = timezone.now()
    if request.method != "POST":
        draft = Draft(request.member, _begun(request), None, now)
        return _show(request, draft, PROBLEM if draft.chosen else PRODUCTS, checked=False)
    draft = Draft(request.member, request.POST, request.FILES, now)
    at, go = request.POST.get("step", ""), request.POST.get("go", "")
    at = at if at in STEPS else PRODUCTS
    if go == SEND and (parcel := _sent_already(draft)):
        return redirect(parcel)
    if at == PROBLEM:
        draft.keep_files(request.user)
    if go in STEPS:
        return _show(request, draft, go, checked=False)
    target = REVIEW if go == SEND or at == REVIEW else STEPS[STEPS.index(at) + 1]
    bad = draft.first_bad(target)
    if bad:
        return _show(request, draft, bad, checked=STEPS.index(bad) <= STEPS.index(at))
    return _send(request, draft) if go == SEND else _show(request, draft, target, checked=False)


def _send(request: MemberRequest, draft: Draft) -> HttpResponse:
    choice = draft.where.chosen
    if choice is None:
        return _show(request, draft, WHERE, checked=True)
    try:
        wanted = [
            RequestedItem(
                item=Item(row.product, registration=row),
                service=ServiceKind(form.cleaned_data["service"]),
                fault=form.cleaned_data["fault"],
                warranty=form.cleaned_data["warranty"] == IN_WARRANTY,
                wish=asked.wish,
                photos=files.collect(
                    uploads=draft.uploads(row, "photos"), purpose=PURPOSE, by=request.user, at=draft.at
                ),
                proofs=files.collect(
                    uploads=draft.uploads(row, "proofs"), purpose=PURPOSE, by=request.user, at=draft.at
                ),
            )
            for (row, form), asked in zip(draft.problems, draft.asked, strict=True)
        ]
        made = open_parcel(member=request.member, centre=choice.centre, items=wanted, by=request.user, at=draft.at)
    except Refusal as refusal:
        again = Draft(request.member, draft.data, None, draft.at)
        if parcel := _sent_already(again):  # the second of two clicks
            return redirect(parcel)
        return _show(request, draft, draft.add_refusal(refusal), checked=True)
    return redirect(made.parcel)


def _show(request: MemberRequest, draft: Draft, step: str, *, checked: bool) -> HttpResponse:
    """A page as typed; `checked` says what is to be mended on it."""
    if step != PRODUCTS and not draft.chosen:
        step = PRODUCTS
    if step == REVIEW and (bad := draft.first_bad(REVIEW)):
        step, checked = bad, True
    if not checked:
        draft.unchecked(step)
    shown = draft.forms_of(step)
    bad_forms = [form for form in shown if form.errors] if checked else []
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


def _begun(request: MemberRequest) -> QueryDict:
    """What a link from a product or a centre says already."""
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


def _sent_already(draft: Draft) -> Parcel | None:
    """The parcel that all of these are in, if they are asked for already."""
    wanted = set(draft.typed_items)
    if not wanted or not wanted <= set(draft.in_service):
        return None
    rows = Ticket.objects.of(draft.member).open().filter(registration__in=wanted).select_related("parcel")
    parcels = {row.parcel for row in rows}
    return parcels.pop() if len(parcels) == 1 else None
