"""Finish a product: the four details, checked beside their fields (R17, R24, R27 to R30, R33)."""

from contextlib import suppress
from datetime import date

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.actions import refusal as refusal_of_file
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.throttle import is_throttled
from kitbag import rules
from kitbag.actions import appeals, evidence, photos, registrations
from kitbag.actions.serials import check_serial
from kitbag.enums import EvidenceKind, RefusalReason, RegistrationState
from kitbag.forms import DetailsForm, turn_fields
from kitbag.models import Registration
from kitbag.presenters.registrations import ahead_sentences, redirect_after_post, get_own_registration
from kitbag.presenters.texts import NEXT_STEPS, serial_sentence
from kitbag.views.stores import store_context, watch
from members.access import MemberRequest, member_required


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def finish(request: MemberRequest, pk: int) -> HttpResponse:  # noqa: PLR0911
    """Three buttons send the one form: hand in, finish later, take the suggested serial number over."""
    row = get_own_registration(request, pk)
    if row.state not in registrations.EDITABLE:
        if request.method == "POST":
            messages.info(request, _t("%(product)s has been handed in already.") % {"product": row.product.name})
        return redirect_after_post(request, row.get_absolute_url())
    if appeals.is_final(row):
        return redirect_after_post(request, row.get_absolute_url())
    if request.method != "POST":
        return _page(request, row, DetailsForm(registration=row))
    if problems := _add_evidence(request, row):
        return _beside(request, row, "evidence", problems)
    match request.POST.get("do", "submit"):
        case "photo":
            return _read_photo(request, row)
        case str(button) if button.startswith("drop-"):
            return _drop(request, row, button.removeprefix("drop-"))
        case "later":
            return _save(request, row)
        case "take":
            return _take_suggestion(request, row)
        case _:
            return _submit(request, row)


@require_GET
@member_required
def serial_check(request: MemberRequest, pk: int) -> HttpResponse:
    """What there is to say about the serial number while it is typed (R29, R30)."""
    row = get_own_registration(request, pk)
    if not request.htmx:
        return redirect("kitbag:finish", pk=row.pk)
    serial = request.GET.get("serial", "").replace("\x00", "").strip()[:100]
    if len(rules.normalise_serial(serial)) < 4:
        return render(request, "kitbag/_serial_note.html", {"kit": row})
    finding = check_serial(row, serial)
    context = {
        "row": row,
        "form": DetailsForm(registration=row),
        **_note(finding),
        "sentence": serial_sentence(finding) if finding.code else "",
        "fine": not finding.code,
        "brackets": rules.has_brackets(serial),
    }
    return render(request, "kitbag/_serial_note.html", context)


def _form(request: MemberRequest, row: Registration, **options: bool) -> DetailsForm:
    """What was typed; the files are attached by now."""
    data: QueryDict = request.POST.copy()
    data.setlist("evidence_keys", [])
    return DetailsForm(data, registration=row, **options)


def _beside(request: MemberRequest, row: Registration, field: str, problems: list[str]) -> HttpResponse:
    form = _form(request, row)
    for problem in problems:
        form.add_error(field if field in form.fields else None, problem)
    return _page(request, row, form)


def _add_evidence(request: MemberRequest, row: Registration) -> list[str]:
    """Attach what came along whichever button was pressed, so that an error elsewhere loses no file (R25)."""
    field = DetailsForm(request.POST, request.FILES, registration=row)["evidence"]
    if field.errors:
        return [str(error) for error in field.errors]
    uploads = field.data
    if not uploads:
        return []
    if uploads.fresh and is_throttled(request, what="upload", limit=settings.FILES_UPLOAD_LIMIT):
        return [_t("That was very often. Wait a minute.")]
    try:
        added = evidence.add_evidence(registration=row, uploads=uploads, by=row.member.user, at=timezone.now())
    except Refusal as refusal:
        return [str(refusal)]
    return [str(problem) for problem in added.problems]


def _drop(request: MemberRequest, row: Registration, key: str) -> HttpResponse:
    """Take a file back; what is typed stays."""
    found = row.evidence.kept().filter(pk=key).first() if key.isascii() and key.isdigit() and len(key) < 19 else None
    if found:
        with suppress(Refusal):
            evidence.remove_evidence(evidence=found, by=row.member.user, at=timezone.now())
    return _page(request, row, _form(request, row))


def _read_photo(request: MemberRequest, row: Registration) -> HttpResponse:
    """Fill in the serial number that an original photo says; the member compares it and hands it in (R25)."""
    photo = request.FILES.get("photo")
    try:
        if photo and (photo.size or 0) > settings.FILES_MAX_MEGABYTES * 1024 * 1024:
            raise refusal_of_file("big")
        reading = photos.read_serial(product=row.product, photo=photo.file if photo else None)  # type: ignore[arg-type]
    except Refusal as refusal:
        return _beside(request, row, "photo", [str(refusal)])
    data: QueryDict = request.POST.copy()
    data.setlist("evidence_keys", [])
    data["serial"] = reading.serial
    form = DetailsForm(data, registration=row)
    if photo and request.POST.get("keep_photo"):
        try:
            added = evidence.add_evidence(
                registration=row,
                uploads=Uploads(fresh=[photo]),
                kind=EvidenceKind.SERIAL,
                by=row.member.user,
                at=timezone.now(),
            )
            for problem in added.problems:
                form.add_error("evidence", str(problem))
        except Refusal as refusal:
            form.add_error("evidence", str(refusal))
    return _page(request, row, form, reading=reading)


def _submit(request: MemberRequest, row: Registration) -> HttpResponse:
    form = _form(request, row, handing_in=True)
    if not form.is_valid():
        return _page(request, row, form)
    insisted = form.cleaned_data["insisted"]
    try:
        registrations.submit_registration(
            registration=row, details=form.details(), insisted=insisted, at=timezone.now()
        )
    except Refusal as refusal:
        if refusal.field == "serial" and row.state == RegistrationState.DRAFT:
            # So that whoever gives up here finds it as typed, and staff see which shapes make people give up.
            with suppress(Refusal):
                registrations.save_details(registration=row, details=form.details(), at=timezone.now())
        return _refused(request, row, form, refusal)
    messages.success(request, _t("%(product)s is being checked.") % {"product": row.product.name})
    return redirect_after_post(request, _next(request, row))


def _save(request: MemberRequest, row: Registration) -> HttpResponse:
    form = _form(request, row)
    if not form.is_valid():
        return _page(request, row, form)
    try:
        registrations.save_details(registration=row, details=form.details(), at=timezone.now())
    except Refusal as refusal:
        return _refused(request, row, form, refusal)
    messages.success(request, _t("%(product)s saved. Finish it any time.") % {"product": row.product.name})
    return redirect_after_post(request, reverse("kitbag:list"))


def _take_suggestion(request: MemberRequest, row: Registration) -> HttpResponse:
    """Put what was probably meant into the field; the member looks and hands it in.

    The Enter key presses the first button of a form, this one: with a number corrected by hand it hands in.
    """
    finding = check_serial(row, request.POST.get("serial", "")[:100])
    if not finding.suggestion:
        return _submit(request, row)
    data: QueryDict = request.POST.copy()
    data["serial"] = finding.suggestion
    data.setlist("evidence_keys", [])
    return _page(request, row, DetailsForm(data, registration=row), taken=True)


def _refused(request: MemberRequest, row: Registration, form: DetailsForm, refusal: Refusal) -> HttpResponse:
    if refusal.code in ("not_editable", "final"):  # the same form a second time, or decided meanwhile
        messages.info(request, str(refusal))
        return redirect_after_post(request, row.get_absolute_url())
    form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    return _page(request, row, form)


def _next(request: MemberRequest, row: Registration) -> str:
    """One draft after the other where the member chose to fill in several, else the product's page."""
    if request.POST.get("through"):
        drafts = Registration.objects.of(request.member).filter(state=RegistrationState.DRAFT).exclude(pk=row.pk)
        if following := drafts.order_by("pk").first():
            return f"{reverse('kitbag:finish', args=[following.pk])}?through=1"
    return row.get_absolute_url()


def _page(
    request: MemberRequest,
    row: Registration,
    form: DetailsForm,
    *,
    taken: bool = False,
    reading: photos.Reading | None = None,
) -> HttpResponse:
    form.fields["serial"].widget.attrs |= {
        "hx-get": reverse("kitbag:serial_check", args=[row.pk]),
        "hx-trigger": "input changed delay:600ms",
        "hx-sync": "this:replace",
        "hx-target": "#serial-note",
    }
    watch(form.fields)
    typed_serial = str(form["serial"].value() or "").replace("\x00", "").strip()[:100]
    finding = check_serial(row, typed_serial) if typed_serial and not taken else rules.SerialFinding()
    waiting = turn_fields(row)
    done = len(rules.DETAILS) - len(waiting)
    context = {
        "row": row,
        "product": row.product,
        "form": form,
        "detail_fields": [form[name] for name in form.detail_names],
        "missing": waiting,
        "done": done,
        "progress": ngettext("%(done)s of %(all)s details done", "%(done)s of %(all)s details done", done)
        % {"done": done, "all": len(rules.DETAILS)},
        **_note(finding),
        "sentence": serial_sentence(finding) if finding.code and "serial" not in form.errors else "",
        "brackets": rules.has_brackets(typed_serial) and not finding.code,
        "taken": taken,
        "reading": reading,
        "is_lens": row.product.category.startswith("lens"),
        "evidence": row.evidence.kept(),
        "evidence_asked": row.refusal_reason == RefusalReason.NEEDS_EVIDENCE and row.needs_member,
        "through": bool(request.POST.get("through") or request.GET.get("through")),
        "asked_for": row.asked_for if row.needs_member else "",
        "next_step": NEXT_STEPS.get(row.refusal_reason),  # type: ignore[call-overload]
        **store_context(
            request.member,
            country=str(form["country"].value() or ""),
            store=str(form["store"].value() or "")[:120],
            on=_day(row, form),
        ),
        "ahead": ahead_sentences([row.product_id]).get(row.product_id, ""),
    }
    template = "kitbag/_finish_form.html" if request.htmx else "kitbag/finish.html"
    return render(request, template, context)


def _day(row: Registration, form: DetailsForm) -> date | None:
    """The date of purchase as typed, or as kept."""
    if not form.is_bound:
        return row.purchased_on
    form.is_valid()
    day: date | None = form.cleaned_data.get("purchased_on")
    return day


def _note(finding: rules.SerialFinding) -> dict[str, object]:
    """What the member can do about it: take the suggestion, insist, or ask a person."""
    return {
        "finding": finding,
        "may_insist": bool(finding.code) and not finding.blocks,
        "stuck": finding.blocks and finding.code != "own_duplicate",
    }
