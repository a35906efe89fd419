"""The Welcome Pack: request it once, then follow it (R36, R37, R39, R40)."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.submissions.kept import kept_values
from members.access import MemberRequest, member_required
from members.addresses import PARTS
from members.enums import Level
from members.models import LevelThreshold, Member
from members.offers.actions import packs
from members.offers.enums import CancelReason, PackState, PackStep, ReturnReason
from members.offers.forms.packs import CorrectedAddressForm, PackForm
from members.offers.models import PackEvent, PackItem, WelcomePack
from members.queries import membership_of

FORM_METHODS = ["GET", "HEAD", "POST"]
REFUSAL_TITLES = {
    "resting": _("The Welcome Pack waits for you"),
    "none": _("The Welcome Pack isn’t available right now"),
    "country": _("The Welcome Pack isn’t available in your country yet"),
    "level": _("The Welcome Pack comes with Silver"),
    "email": _("Confirm your email first"),
}
DELIVERED_AT_REST = (PackState.PACKED, PackState.DISPATCHED, PackState.RECEIVED)  # wherever the member lives
STEPS = [PackStep.ACCEPTED, PackStep.PACKED, PackStep.DISPATCHED, PackStep.RECEIVED]
STEPS_DONE = {  # how many of these steps are done in each state
    PackState.REQUESTED: 0,
    PackState.ACCEPTED: 1,
    PackState.PACKED: 2,
    PackState.DISPATCHED: 3,
    PackState.RECEIVED: 4,
}
TITLES_TO_DO: dict[str, str | Promise] = {
    PackStep.ACCEPTED: _("Our packing partner confirms your request"),
    PackStep.PACKED: _("We print your card and pack the box"),
    PackStep.DISPATCHED: _("The courier picks it up"),
    PackStep.RECEIVED: _("It arrives"),
}
TITLES_DONE: dict[str, str | Promise] = {
    PackStep.ACCEPTED: _("Our packing partner has your request"),
    PackStep.PACKED: pgettext_lazy("Welcome Pack or card", "Packed"),
    PackStep.DISPATCHED: _("On its way"),
    PackStep.RECEIVED: _("It’s here"),
}


@dataclass(frozen=True)
class Step:
    """A step of the timeline; `state` is `done`, `now` or `next`."""

    title: str | Promise
    state: str
    at: datetime | None = None
    note: str | Promise = ""
    tone: str = ""
    parcel: bool = False


@never_cache
@require_http_methods(FORM_METHODS)
@member_required
def pack(request: MemberRequest) -> HttpResponse:
    """Request the pack; once requested, its status."""
    requested = _get_pack(request.member)
    can_request_again = requested is not None and requested.can_be_requested_again
    if requested and not can_request_again:
        return _status_page(request, requested) if request.method != "POST" else redirect(requested)
    refusal = packs.pack_refusal(member=request.member, at=timezone.now())
    if requested and refusal:
        return _status_page(request, requested) if request.method != "POST" else _refuse(request, refusal)
    if refusal:
        return _unavailable_page(request, refusal)
    return _request_pack(request)


@require_POST
@member_required
def received(request: MemberRequest) -> HttpResponse:
    """The member confirms receipt."""
    row = get_object_or_404(WelcomePack.objects.of_person(request.member)[:1])
    try:
        packs.confirm_received(pack=row, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _t("Thank you for letting us know. Enjoy!"))
    return redirect(row)


@require_POST
@member_required
def missing(request: MemberRequest) -> HttpResponse:
    """The member reports the pack as not received (R40): opens a case and redirects to it."""
    row = get_object_or_404(WelcomePack.objects.of_person(request.member)[:1])
    try:
        row = packs.report_missing(pack=row, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
        return redirect(row)
    messages.success(request, _t("We’ll look for it now, and write to you here and by email."))
    return redirect(row.missing_case or row)


@never_cache
@require_http_methods(FORM_METHODS)
@member_required
def correct(request: MemberRequest) -> HttpResponse:
    """The member corrects the address of a pack that came back, and it is sent again (R37)."""
    row = get_object_or_404(WelcomePack.objects.select_related("member").of_person(request.member)[:1])
    if not can_correct(row):
        return redirect(row)
    kept = kept_values(request) if request.method != "POST" else None
    data = request.POST if request.method == "POST" else kept
    form = CorrectedAddressForm(data, initial=_address_of(row))
    if kept or request.POST.get("go") == "country":
        return _correction_page(request, form.without_errors())
    if request.method != "POST" or not form.is_valid():
        return _correction_page(request, form, status=422 if form.errors else 200)
    try:
        packs.correct_address(pack=row, address=form.address, by=request.user, at=timezone.now())
    except Refusal as refusal:
        return _refuse(request, refusal)
    messages.success(request, _t("Thank you. We’ll send your pack to this address."))
    return redirect(row)


def can_correct(row: WelcomePack) -> bool:
    """Whether it came back, and can be sent again."""
    return row.state == PackState.RETURNED and membership_of(row.person).is_active


def _address_of(row: WelcomePack) -> dict[str, str]:
    address = {} if row.blanked_at else {name: getattr(row, name) for name in (*PARTS, "phone")}
    return {**address, "name": row.name or row.person.full_name, "country": row.country.code}


def _correction_page(request: HttpRequest, form: PackForm, status: int = 200) -> HttpResponse:
    is_fragment = request.htmx and request.headers.get("HX-Target") == "pack-form"  # type: ignore[attr-defined]
    template = "offers/_pack_again_form.html" if is_fragment else "offers/pack_again.html"
    return render(request, template, {"form": form}, status=status)


# --- Request -------------------------------------------------------------------------------------


def _request_pack(request: MemberRequest) -> HttpResponse:
    initial = {"name": request.member.full_name, "country": request.member.country.code}
    if request.method != "POST":
        kept = kept_values(request)
        return _form_page(
            request, PackForm(kept, initial=initial).without_errors() if kept else PackForm(initial=initial)
        )
    form = PackForm(request.POST, initial=initial)
    go = request.POST.get("go", "")
    if go in ("country", "back"):
        return _form_page(request, form.without_errors())
    if not form.is_valid():
        return _form_page(request, form, status=422)
    if go != "confirm":
        context = {"form": form, "typed": form.all_values(), "contents": _contents(None)}
        return render(request, "offers/pack_review.html", context)
    now = timezone.now()
    try:
        requested = packs.request_pack(member=request.member, address=form.address, by=request.user, at=now)
    except Refusal:  # the level or offer has changed meanwhile; the page explains
        return redirect("offers:pack")
    if requested.sending_since == now:
        messages.success(request, _t("Thank you. We’ve passed your request on and will tell you when it ships."))
    return redirect(requested)


def _refuse(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    messages.error(request, str(refusal))
    return redirect("offers:pack")


def _form_page(request: HttpRequest, form: PackForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "contents": _contents(None)}
    is_fragment = request.htmx and request.headers.get("HX-Target") == "pack-form"  # type: ignore[attr-defined]
    return render(request, "offers/_pack_form.html" if is_fragment else "offers/pack.html", context, status=status)


def _unavailable_page(request: MemberRequest, refusal: Refusal) -> HttpResponse:
    thresholds = LevelThreshold.objects.in_force()
    context = {
        "code": refusal.code,
        "title": REFUSAL_TITLES.get(refusal.code, refusal.message),
        "points": request.member.points,
        "missing": max(thresholds.get(Level.SILVER, 0) - request.member.points, 0),
        "contents": _contents(None),
    }
    return render(request, "offers/pack_unavailable.html", context)


# --- Status --------------------------------------------------------------------------------------


def _get_pack(member: Member) -> WelcomePack | None:
    rows = WelcomePack.objects.select_related("member", "missing_case", "late_case")
    return rows.of_person(member).first()


def _status_page(request: MemberRequest, row: WelcomePack) -> HttpResponse:
    now = timezone.now()
    events = list(PackEvent.objects.filter(pack=row))
    is_resting = row.state not in DELIVERED_AT_REST and not membership_of(request.member).is_active
    context = {
        "pack": row,
        "steps": timeline(row, events, is_resting=is_resting),
        "label": row.address.label_lines if row.blanked_at is None else [],
        "contents": _contents(row.contents),
        "on_its_way": row.state in STEPS_DONE and row.state != PackState.RECEIVED,
        "can_be_missing": row.can_be_missing(now) and row.missing_case is None,
        "is_resting": is_resting,
        "can_correct": can_correct(row),
        "takes_longer": row.state == PackState.REQUESTED and row.late_case is not None,
    }
    return render(request, "offers/pack_status.html", context)


def _contents(codes: list[str] | None) -> list[str]:
    """Names of the items with these codes, or of those in a new pack (R39)."""
    wanted = PackItem.objects.filter(included=True) if codes is None else PackItem.objects.filter(code__in=codes)
    return [item.local.name for item in wanted]


def timeline(row: WelcomePack, events: list[PackEvent], *, is_resting: bool = False) -> list[Step]:
    """Steps that are done, in progress and to come. Of earlier sendings only how they ended.

    `is_resting`: nothing more is sent while the member lives outside the free programme (R65).
    """
    steps = [Step(_("You requested it"), "done", row.asked_at)]
    rested = {event.sending for event in events if event.data.get("reason") == CancelReason.RESTING}
    for event in events:
        if event.step == PackStep.CANCELLED and event.sending in rested and event.sending < row.sending:
            steps.append(Step(_("Cancelled, because your membership rested"), "done", event.occurred_at))
        if event.step == PackStep.RETURNED and event.sending < row.sending:
            steps.append(Step(_("It came back to us"), "done", event.occurred_at, _return_reason(event)))
        if event.step == PackStep.SENT_AGAIN:
            title = _("You requested it again") if event.sending - 1 in rested else _("Sent again")
            steps.append(Step(title, "done", event.occurred_at))
    times = {event.step: event.occurred_at for event in reversed(events) if event.sending == row.sending}
    if row.state in (PackState.RETURNED, PackState.CANCELLED):
        steps += [Step(TITLES_DONE[step], "done", times[step]) for step in STEPS[:3] if step in times]
        stop = _cancelled_at_rest(times) if row.sending in rested else _steps_after_stop(row, times)
        return [*steps, *(stop[:1] if is_resting else stop)]
    done = STEPS_DONE[PackState(row.state)]
    steps += [
        Step(TITLES_DONE[step], "done", times.get(step), parcel=step == PackStep.DISPATCHED)
        for step in STEPS[:done]
        if step in times or step != PackStep.ACCEPTED
    ]
    for place, step in enumerate(STEPS[done:]):
        steps.append(Step(TITLES_TO_DO[step], "now" if place == 0 else "next", note=_note_on_next(row, step)))
    return steps


def _note_on_next(row: WelcomePack, step: PackStep) -> str:
    if step == PackStep.DISPATCHED:
        return _t("We’ll send you the tracking number when it ships.")
    if step == PackStep.RECEIVED:
        day = date_format(timezone.localtime(row.missing_from), "j F Y")
        return _t("Usually by %(day)s. If it doesn’t, we’ll look for it.") % {"day": day}
    return ""


def _cancelled_at_rest(times: dict[str, datetime]) -> list[Step]:
    note = _("You can request it here again as soon as you live in a country of the free programme.")
    return [Step(_("Cancelled, because your membership rests"), "now", times.get(PackStep.CANCELLED), note)]


def _steps_after_stop(row: WelcomePack, times: dict[str, datetime]) -> list[Step]:
    if row.state == PackState.CANCELLED:
        note = _("Nothing is on its way. If you didn’t expect this, write to us and we’ll sort it out.")
        return [
            Step(pgettext_lazy("Welcome Pack or card", "Cancelled"), "now", times.get(PackStep.CANCELLED), note, "late")
        ]
    reason = str(ReturnReason(row.return_reason).label) if row.return_reason in ReturnReason.values else ""
    return [
        Step(_("It came back to us"), "now", times.get(PackStep.RETURNED), reason, "late"),
        Step(_("You check the address, and we send the pack again"), "next"),
        Step(TITLES_TO_DO[PackStep.RECEIVED], "next"),
    ]


def _return_reason(event: PackEvent) -> str:
    reason = event.data.get("reason", "")
    return str(ReturnReason(reason).label) if reason in ReturnReason.values else ""
