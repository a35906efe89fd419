"""The Welcome Pack: asked for once, then followed (R36, R37, R39, R40)."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from cps_portal.core.lib.errors import Refusal
from members.access import MemberRequest, member_required
from members.enums import Level
from members.models import LevelThreshold, Member
from members.offers.actions import packs
from members.offers.enums import PackState, PackStep, ReturnReason
from members.offers.forms.packs import PackForm
from members.offers.models import PackEvent, PackItem, WelcomePack
from members.offers.webhooks import label_lines

FORM_METHODS = ["GET", "HEAD", "POST"]
REFUSED = {  # what the page says at the top
    "none": _("The Welcome Pack is not offered at the moment"),
    "country": _("The Welcome Pack is not offered in your country yet"),
    "level": _("The Welcome Pack comes with Silver"),
    "email": _("Confirm your email first"),
}
ORDER = [PackStep.ACCEPTED, PackStep.PACKED, PackStep.DISPATCHED, PackStep.RECEIVED]  # as they follow each other
REACHED = {  # how many of those are behind it
    PackState.REQUESTED: 0,
    PackState.ACCEPTED: 1,
    PackState.PACKED: 2,
    PackState.DISPATCHED: 3,
    PackState.RECEIVED: 4,
}
AHEAD: dict[str, str | Promise] = {
    PackStep.ACCEPTED: _("Our packing partner confirms your request"),
    PackStep.PACKED: _("We print your card and pack the box"),
    PackStep.DISPATCHED: _("The courier picks it up"),
    PackStep.RECEIVED: _("It arrives"),
}
DONE: dict[str, str | Promise] = {
    PackStep.ACCEPTED: _("Our packing partner has your request"),
    PackStep.PACKED: _("Packed"),
    PackStep.DISPATCHED: _("On its way"),
    PackStep.RECEIVED: _("It’s here"),
}


@dataclass(frozen=True)
class Step:
    """A line of the timeline: `done`, `now` or `next`."""

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
    """Asking for it; once asked, where it is."""
    asked = _asked(request.member)
    if asked:
        return _follow(request, asked) if request.method != "POST" else redirect(asked)
    refusal = packs.pack_refusal(member=request.member, at=timezone.now())
    if refusal:
        return _not_now(request, refusal)
    return _ask(request)


@require_POST
@member_required
def received(request: MemberRequest) -> HttpResponse:
    """“It’s here.”"""
    row = get_object_or_404(WelcomePack, member=request.member)
    try:
        packs.confirm_received(pack=row, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        messages.success(request, _t("Enjoy it. Thank you for telling us."))
    return redirect(row)


@require_POST
@member_required
def missing(request: MemberRequest) -> HttpResponse:
    """“Not received”: opens the case and leads to it (R40)."""
    row = get_object_or_404(WelcomePack, member=request.member)
    try:
        row = packs.report_missing(pack=row, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
        return redirect(row)
    messages.success(request, _t("We trace it now, and write to you here and by email."))
    return redirect(row.missing_case or row)


# --- Asking --------------------------------------------------------------------------------------


def _ask(request: MemberRequest) -> HttpResponse:
    initial = {"name": request.member.full_name, "country": request.member.country.code}
    if request.method != "POST":
        return _form_page(request, PackForm(initial=initial))
    form = PackForm(request.POST, initial=initial)
    go = request.POST.get("go", "")
    if go in ("country", "back"):
        return _form_page(request, form.unchecked())
    if not form.is_valid():
        return _form_page(request, form, status=422)
    if go != "confirm":
        context = {"form": form, "typed": form.all_values(), "contents": _contents(None)}
        return render(request, "offers/pack_review.html", context)
    now = timezone.now()
    try:
        made = packs.request_pack(member=request.member, address=form.address, by=request.user, at=now)
    except Refusal:  # a level or an offer changed meanwhile: the page says which
        return redirect("offers:pack")
    if made.asked_at == now:
        messages.success(request, _t("Thank you. We have passed it on, and tell you when it leaves."))
    return redirect(made)


def _form_page(request: HttpRequest, form: PackForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "contents": _contents(None)}
    whole = "offers/pack.html"
    part = request.htmx and request.headers.get("HX-Target") == "pack-form"  # type: ignore[attr-defined]
    return render(request, "offers/_pack_form.html" if part else whole, context, status=status)


def _not_now(request: MemberRequest, refusal: Refusal) -> HttpResponse:
    thresholds = LevelThreshold.objects.in_force()
    context = {
        "code": refusal.code,
        "title": REFUSED.get(refusal.code, refusal.message),
        "points": request.member.points,
        "missing": max(thresholds.get(Level.SILVER, 0) - request.member.points, 0),
        "contents": _contents(None),
    }
    return render(request, "offers/pack_unavailable.html", context)


# --- Following -----------------------------------------------------------------------------------


def _asked(member: Member) -> WelcomePack | None:
    rows = WelcomePack.objects.select_related("member", "missing_case", "late_case")
    return rows.filter(member=member).first()


def _follow(request: MemberRequest, row: WelcomePack) -> HttpResponse:
    now = timezone.now()
    story = list(PackEvent.objects.filter(pack=row))
    context = {
        "pack": row,
        "steps": timeline(row, story),
        "label": label_lines(row) if row.blanked_at is None else [],
        "contents": _contents(row.contents),
        "on_its_way": row.state in REACHED and row.state != PackState.RECEIVED,
        "can_be_missing": row.can_be_missing(now) and row.missing_case is None,
        "takes_longer": row.state == PackState.REQUESTED and row.late_case is not None,
    }
    return render(request, "offers/pack_status.html", context)


def _contents(codes: list[str] | None) -> list[str]:
    """What is in the box: of a pack asked for, or these days (R39)."""
    if codes is None:
        return list(PackItem.objects.filter(included=True).values_list("name", flat=True))
    return list(PackItem.objects.filter(code__in=codes).values_list("name", flat=True))


def timeline(row: WelcomePack, story: list[PackEvent]) -> list[Step]:
    """What was, what is, what comes next. Earlier sendings stay in it, in short."""
    steps = [Step(_("You asked for it"), "done", row.asked_at)]
    for event in story:
        if event.step == PackStep.RETURNED and event.sending < row.sending:
            steps.append(Step(_("It came back to us"), "done", event.occurred_at, _why_returned(event)))
        if event.step == PackStep.SENT_AGAIN:
            steps.append(Step(_("We send it again"), "done", event.occurred_at))
    times = {event.step: event.occurred_at for event in reversed(story) if event.sending == row.sending}
    if row.state in (PackState.RETURNED, PackState.CANCELLED):
        steps += [Step(DONE[step], "done", times[step]) for step in ORDER[:3] if step in times]
        return [*steps, *_stopped(row, times)]
    reached = REACHED[PackState(row.state)]
    steps += [
        Step(DONE[step], "done", times.get(step), parcel=step == PackStep.DISPATCHED)
        for step in ORDER[:reached]
        if step in times or step != PackStep.ACCEPTED
    ]
    for place, step in enumerate(ORDER[reached:]):
        steps.append(Step(AHEAD[step], "now" if place == 0 else "next", note=_what_next(row, step)))
    return steps


def _what_next(row: WelcomePack, step: PackStep) -> str:
    if step == PackStep.DISPATCHED:
        return _t("We write to you when it leaves, with the number to follow it by.")
    if step == PackStep.RECEIVED:
        day = date_format(timezone.localtime(row.missing_from), "j F Y")
        return _t("Usually by %(day)s. If it doesn’t, we trace it.") % {"day": day}
    return ""


def _stopped(row: WelcomePack, times: dict[str, datetime]) -> list[Step]:
    if row.state == PackState.CANCELLED:
        note = _("Nothing is on its way. If you did not expect this, write to us: we can send it after all.")
        return [Step(_("Cancelled"), "now", times.get(PackStep.CANCELLED), note, "late")]
    reason = str(ReturnReason(row.return_reason).label) if row.return_reason in ReturnReason.values else ""
    return [
        Step(_("It came back to us"), "now", times.get(PackStep.RETURNED), reason, "late"),
        Step(_("We look at the address and send the same pack again"), "next"),
        Step(AHEAD[PackStep.RECEIVED], "next"),
    ]


def _why_returned(event: PackEvent) -> str:
    reason = event.data.get("reason", "")
    return str(ReturnReason(reason).label) if reason in ReturnReason.values else ""
