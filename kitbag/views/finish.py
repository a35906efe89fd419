"""Finish a registration: the four details, with errors beside their fields (R17, R24, R27 to R30, R33)."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from cps_portal.core.files.actions import Uploads
from cps_portal.core.lib.compiled_queries import CompiledModels
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.throttle import is_throttled
from kitbag import rules
from kitbag.actions import appeals, evidence, registrations, serials
from kitbag.actions.serials import check_serial
from kitbag.enums import ASKING, EvidenceKind, RegistrationState
from kitbag.forms import PURCHASE_DETAILS, DetailsForm
from kitbag.models import Evidence, Product, Registration
from kitbag.presenters.registrations import details_to_complete, planned_change_sentences
from kitbag.presenters.texts import NEXT_STEPS, SERIAL_SENTENCES, release_sentence, serial_sentence
from kitbag.queries.last_purchase import find_last_purchase
from kitbag.views.owner_details import take_photo
from kitbag.views.shortcuts import get_own_registration, redirect_after_post
from kitbag.views.stores import refresh_notes_on_change, store_context
from members.access import MemberRequest, member_required

EVIDENCE: CompiledModels[Evidence] = CompiledModels(
    lambda registration: Evidence.objects.kept().filter(registration=registration), related=["file"]
)
MIN_SERIAL_LENGTH = 4  # of a number that is checked while it is typed
MAX_KEY_DIGITS = 18  # fits a bigint of Postgres


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def finish(request: MemberRequest, pk: int) -> HttpResponse:
    """All buttons submit the one form: send in, finish later, use the suggested serial number, files and photo."""
    registration = get_own_registration(request, pk)
    if registration.state not in registrations.EDITABLE:
        if request.method == "POST":
            sentence = _t("%(product)s has already been submitted.")
            messages.info(request, sentence % {"product": registration.product.name})
        return redirect_after_post(request, registration.get_absolute_url())
    if appeals.is_final(registration):
        return redirect_after_post(request, registration.get_absolute_url())
    if request.method != "POST":
        form = DetailsForm(registration=registration, carried=_carried(request, registration))
        return _page(request, registration, form)
    if problems := _add_evidence(request, registration):
        return _page_with_errors(request, registration, "evidence", problems)
    return _press_button(request, registration)


@require_GET
@member_required
def serial_check(request: MemberRequest, pk: int) -> HttpResponse:
    """The result of the serial number check, asked for by htmx while it is typed (R29, R30)."""
    registration = get_own_registration(request, pk)
    if not request.htmx:
        return redirect("kitbag:finish", pk=registration.pk)
    name = f"r{registration.pk}-serial"  # on the sheet of several products
    is_sheet = name in request.GET
    serial = request.GET.get(name if is_sheet else "serial", "").replace("\x00", "").strip()[:100]
    finding = check_serial(registration, serial) if serial else rules.SerialFinding()
    if finding.code != "model" and len(rules.normalise_serial(serial)) < MIN_SERIAL_LENGTH:
        return render(request, "kitbag/_serial_note.html")
    context = {
        "registration": registration,
        "form": DetailsForm(registration=registration, prefix=f"r{registration.pk}" if is_sheet else None),
        "finding": finding,
        "sentence": serial_sentence(finding) if finding.code else "",
        "fine": not finding.code,
        "brackets": rules.has_brackets(serial),
    }
    return render(request, "kitbag/_serial_note.html", context)


def _press_button(request: MemberRequest, registration: Registration) -> HttpResponse:
    """Do what the button says. A photo that was chosen is read, or kept, whichever button it was (R71)."""
    button = request.POST.get("do", "submit")
    typed = request.POST.get("serial", "").strip()
    if request.FILES.get("photo") and (button == "photo" or (button == "submit" and not typed)):
        return _read_photo(request, registration)
    if button != "photo":
        if problems := _keep_photo(request, registration):
            return _page_with_errors(request, registration, "evidence", problems)
        if problem := _show_photo(request, registration):
            return _page_with_errors(request, registration, "photo", [problem])
    if button.startswith("drop-"):
        return _remove_evidence(request, registration, button.removeprefix("drop-"))
    answers = {"photo": _read_photo, "clear": _clear_carried, "later": _save, "take": _take_suggestion}
    return answers.get(button, _submit)(request, registration)


def _form(request: MemberRequest, registration: Registration, **options: bool) -> DetailsForm:
    data = _data_without_files(request)
    return _form_with(request, registration, data, **options)


def _form_with(request: MemberRequest, registration: Registration, data: QueryDict, **options: bool) -> DetailsForm:
    return DetailsForm(data, registration=registration, carried=_carried(request, registration), **options)


def _data_without_files(request: MemberRequest) -> QueryDict:
    """What was typed. `_add_evidence` has attached the uploaded files by now: they must not be attached twice."""
    data: QueryDict = request.POST.copy()
    data.setlist("evidence_keys", [])
    return data


def _page_with_errors(
    request: MemberRequest, registration: Registration, field: str, problems: list[str]
) -> HttpResponse:
    form = _form(request, registration)
    for problem in problems:
        form.add_error(field if field in form.fields else None, problem)
    return _page(request, registration, form)


def _add_evidence(request: MemberRequest, registration: Registration) -> list[str]:
    """Attach the files whichever button was pressed, so that an error elsewhere loses none (R25). Returns problems."""
    field = DetailsForm(request.POST, request.FILES, registration=registration)["evidence"]
    if field.errors:
        return [str(error) for error in field.errors]
    uploads = field.data
    if not uploads:
        return []
    if uploads.fresh and is_throttled(request, scope="upload", limit=settings.FILES_UPLOAD_LIMIT):
        return [_t("That was a lot of files. Please wait a minute, then try again.")]
    try:
        added = evidence.add_evidence(
            registration=registration, uploads=uploads, by=registration.member.user, at=timezone.now()
        )
    except Refusal as refusal:
        return [str(refusal)]
    return [str(problem) for problem in added.problems]


def _remove_evidence(request: MemberRequest, registration: Registration, key: str) -> HttpResponse:
    """Remove a file. What is typed in the form stays."""
    is_key = key.isascii() and key.isdigit() and len(key) <= MAX_KEY_DIGITS
    piece = registration.evidence.kept().filter(pk=key).first() if is_key else None
    if piece:
        with suppress(Refusal):
            evidence.remove_evidence(evidence=piece, by=registration.member.user, at=timezone.now())
    return _page(request, registration, _form(request, registration))


def _read_photo(request: MemberRequest, registration: Registration) -> HttpResponse:
    """Fill in the serial number from a label or an original photo. The member compares it and sends it in (R25)."""
    photo = request.FILES.get("photo")
    try:
        reading = serials.read_serial(product=registration.product, photo=photo, by=registration.member.user)
    except Refusal as refusal:
        return _page_with_errors(request, registration, "photo", [str(refusal)])
    data = _data_without_files(request)
    data["serial"] = reading.serial
    form = _form_with(request, registration, data)
    for problem in _keep_photo(request, registration):
        form.add_error("evidence", problem)
    if problem := _show_photo(request, registration):
        form.add_error("photo", problem)
    return _page(request, registration, form, reading=reading)


def _keep_photo(request: MemberRequest, registration: Registration) -> list[str]:
    """Keep the photo with the serial number as evidence, if the member wants that (R25). Returns problems."""
    photo = request.FILES.get("photo")
    if not photo or not request.POST.get("keep_photo"):
        return []
    try:
        added = evidence.add_evidence(
            registration=registration,
            uploads=Uploads(fresh=[photo]),
            kind=EvidenceKind.SERIAL,
            by=registration.member.user,
            at=timezone.now(),
        )
    except Refusal as refusal:
        return [str(refusal)]
    return [str(problem) for problem in added.problems]


def _show_photo(request: MemberRequest, registration: Registration) -> str:
    """Show the photo with the serial number instead of the drawing, if the member wants that. Returns what is wrong."""
    photo = request.FILES.get("photo")
    return take_photo(request, registration, photo) if photo and request.POST.get("show_photo") else ""


def _carried(request: MemberRequest, registration: Registration) -> Registration | None:
    """The product that store, country and date were taken over from: for a draft that has none of them yet (R71)."""
    typed = request.POST.get("do") == "clear" or (request.method == "POST" and not request.POST.get("carried"))
    saved = registration.store or registration.country or registration.purchased_on
    if typed or saved or registration.state != RegistrationState.DRAFT:
        return None
    return find_last_purchase(request.member, timezone.now())


def _clear_carried(request: MemberRequest, registration: Registration) -> HttpResponse:
    """Empty store, country and date. Everything else that is typed in the form stays."""
    data = _data_without_files(request)
    for name in [each for each in data if each.startswith(PURCHASE_DETAILS)]:
        data[name] = ""
    return _page(request, registration, DetailsForm(data, registration=registration))


def _submit(request: MemberRequest, registration: Registration) -> HttpResponse:
    form = _form(request, registration, submitting=True)
    if not form.is_valid():
        return _page(request, registration, form)
    try:
        registrations.submit_registration(
            registration=registration,
            details=form.details(),
            insisted=form.cleaned_data["insisted"],
            date_insisted=form.cleaned_data["date_insisted"],
            at=timezone.now(),
        )
    except Refusal as refusal:
        if refusal.field in ("serial", "purchased_on") and registration.state == RegistrationState.DRAFT:
            # Saved because members who give up here find it as typed, and staff see which shapes make them give up.
            with suppress(Refusal):
                registrations.save_details(registration=registration, details=form.details(), at=timezone.now())
        return _refused(request, registration, form, refusal)
    messages.success(request, _t("%(product)s is being checked.") % {"product": registration.product.name})
    return redirect_after_post(request, _next_url(request, registration))


def _save(request: MemberRequest, registration: Registration) -> HttpResponse:
    form = _form(request, registration)
    if not form.is_valid():
        return _page(request, registration, form)
    try:
        saved = registrations.save_details(registration=registration, details=form.details(), at=timezone.now())
    except Refusal as refusal:
        return _refused(request, registration, form, refusal)
    messages.success(
        request, _t("%(product)s is saved. You can finish it any time.") % {"product": registration.product.name}
    )
    for doubt in _doubts(saved):
        messages.warning(request, doubt)
    return redirect_after_post(request, reverse("kitbag:list"))


def _doubts(saved: Registration) -> Iterator[str]:
    """What the member has to look at again in a saved draft."""
    if saved.warning == "own_duplicate":
        yield str(SERIAL_SENTENCES["own_duplicate"])
    if saved.is_before_release:
        yield release_sentence(saved.product, on=timezone.localdate())


def _take_suggestion(request: MemberRequest, registration: Registration) -> HttpResponse:
    """Put the suggested serial number into the field. The member compares it and sends it in.

    If the number was changed after it was suggested, the form is sent in.
    """
    finding = check_serial(registration, request.POST.get("serial", "")[:100])
    if not finding.suggestion:
        return _submit(request, registration)
    data = _data_without_files(request)
    data["serial"] = finding.suggestion
    return _page(request, registration, _form_with(request, registration, data), taken=True)


def _refused(request: MemberRequest, registration: Registration, form: DetailsForm, refusal: Refusal) -> HttpResponse:
    if refusal.code in ("not_editable", "final"):  # the form was sent twice, or staff have decided meanwhile
        messages.info(request, str(refusal))
        return redirect_after_post(request, registration.get_absolute_url())
    form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    return _page(request, registration, form)


def _next_url(request: MemberRequest, registration: Registration) -> str:
    """The next draft if the member is filling in one after the other, otherwise the product's page."""
    if request.POST.get("through"):
        drafts = (
            Registration.objects.of(request.member).filter(state=RegistrationState.DRAFT).exclude(pk=registration.pk)
        )
        if following := drafts.order_by("pk").first():
            return f"{reverse('kitbag:finish', args=[following.pk])}?through=1"
    return registration.get_absolute_url()


def _page(
    request: MemberRequest,
    registration: Registration,
    form: DetailsForm,
    *,
    taken: bool = False,
    reading: serials.SerialFromPhoto | None = None,
) -> HttpResponse:
    form.fields["serial"].widget.attrs |= {
        "hx-get": reverse("kitbag:serial_check", args=[registration.pk]),
        "hx-trigger": "input changed delay:600ms",
        "hx-sync": "this:replace",
        "hx-target": "#serial-note",
    }
    refresh_notes_on_change(form.fields)
    typed_serial = str(form["serial"].value() or "").replace("\x00", "").strip()[:100]
    finding = check_serial(registration, typed_serial) if typed_serial and not taken else rules.SerialFinding()
    waiting = details_to_complete(registration)
    done = sum(name not in waiting for name in rules.DETAILS)
    purchased_on = _purchase_date(form)
    context = {
        "registration": registration,
        "product": registration.product,
        "form": form,
        "detail_fields": [form[name] for name in form.detail_names],
        "missing": waiting,
        "done": done,
        "progress": ngettext("%(done)s of %(all)s details done", "%(done)s of %(all)s details done", done)
        % {"done": done, "all": len(rules.DETAILS)},
        "finding": finding,
        "sentence": serial_sentence(finding) if finding.code and "serial" not in form.errors else "",
        "brackets": rules.has_brackets(typed_serial) and not finding.code,
        **_release_context(registration.product, purchased_on, form),
        "carried": form.carried,
        "taken": taken,
        "reading": reading,
        "evidence": EVIDENCE.all(registration=registration.pk),
        "evidence_asked": registration.refusal_reason in ASKING and registration.needs_member,
        "through": bool(request.POST.get("through") or request.GET.get("through")),
        "asked_for": registration.asked_for if registration.needs_member else "",
        "next_step": NEXT_STEPS.get(registration.refusal_reason),  # type: ignore[call-overload]
        **store_context(
            request.member,
            country=str(form["country"].value() or ""),
            store=str(form["store"].value() or "")[:120],
            on=purchased_on,
        ),
        "planned_changes": planned_change_sentences([registration.product_id]).get(registration.product_id, ""),
    }
    template = "kitbag/_finish_form.html" if request.htmx else "kitbag/finish.html"
    return render(request, template, context)


def _purchase_date(form: DetailsForm) -> date | None:
    """The date of purchase as typed, or as the form offers it if it has not been submitted."""
    day: date | None
    if not form.is_bound:
        day = form.initial["purchased_on"]
        return day
    field = form.fields["purchased_on"]
    try:
        day = field.clean(form["purchased_on"].data)  # cleaned_data lacks a field with an error
    except ValidationError:
        return None
    return day


def _release_context(product: Product, purchased_on: date | None, form: DetailsForm) -> dict[str, object]:
    """Whether the date is before the product came out, and the sentence, unless the field has an error (R66)."""
    if purchased_on is None or not product.release_date.is_after(purchased_on):
        return {"is_before_release": False, "release": ""}
    sentence = release_sentence(product, on=timezone.localdate()) if "purchased_on" not in form.errors else ""
    return {"is_before_release": True, "release": sentence}
