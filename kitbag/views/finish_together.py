"""Finish several drafts on one sheet: store, country and date once, a serial number each (R17, R29, R30, R71)."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from cps_portal.core.lib.errors import Refusal
from kitbag import rules
from kitbag.actions import registrations
from kitbag.actions.serials import (
    SerialFromPhoto,
    check_serial,
    check_serials,
    find_fitting,
    find_optional_serials,
    read_serial,
)
from kitbag.enums import RegistrationState
from kitbag.forms import PURCHASE_DETAILS, DetailsForm, SharedPurchaseForm
from kitbag.models import Registration
from kitbag.presenters.texts import serial_sentence
from kitbag.queries.last_purchase import find_last_purchase
from kitbag.rules.matching import match_lines, split_line
from kitbag.rules.serials import SerialFinding
from kitbag.views.shortcuts import WITH_PICTURE
from kitbag.views.stores import refresh_notes_on_change, store_context
from members.access import MemberRequest, member_required
from members.models import Member

MAX_TOGETHER = 20
MAX_KEY_DIGITS = 18  # fits a bigint of Postgres
MAX_LINES = 200  # of a pasted list
MAX_PHOTOS = 4  # read at a time
MAX_LINE_LENGTH = 200  # characters


@dataclass
class SheetRow:
    """One product of the sheet. With `is_own`, it has a store, country and date of its own."""

    registration: Registration
    form: DetailsForm
    data: QueryDict  # what was typed, with what is the same for all
    is_own: bool
    finding: SerialFinding = field(default_factory=SerialFinding)
    is_guessed: bool = False
    is_taken: bool = False
    reading: SerialFromPhoto | None = None

    @property
    def key(self) -> int:
        return self.registration.pk

    @property
    def serial(self) -> str:
        return str(self.form["serial"].value() or "").replace("\x00", "").strip()[:100]

    @property
    def is_fine(self) -> bool:
        return bool(self.serial) and not self.finding.code and not self.form["serial"].errors

    @property
    def sentence(self) -> str:
        """What is wrong with the number, unless the field says so already."""
        return serial_sentence(self.finding) if self.finding.code and not self.form["serial"].errors else ""

    @property
    def may_insist_on_date(self) -> bool:
        """Whether the date is before the product came out (R66); once ticked, it stays."""
        errors = self.form.errors.as_data().get("purchased_on", [])
        return any(error.code == "before_release" for error in errors) or bool(self.form["date_insisted"].value())


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def finish_together(request: MemberRequest) -> HttpResponse:
    """All buttons submit the one form: save, finish later, match a pasted list, "bought somewhere else"."""
    sheet = Sheet(request)
    if not sheet.rows:
        if request.method == "POST":
            messages.info(request, _("You’ve already sent these products in."))
        return HttpResponseRedirect(reverse("kitbag:list"))
    if request.method != "POST":
        return sheet.render()
    button = request.POST.get("do", "save")
    if sheet.has_photos:
        return sheet.render()
    match button.partition("-")[0]:
        case "match":
            sheet.match()
        case "later":
            return sheet.save_for_later()
        case "save":
            return sheet.save()
    return sheet.render()  # the buttons of a row have done their part when its form was made


class Sheet:
    """The rows that were picked and are still drafts, and what is the same for all of them."""

    def __init__(self, request: MemberRequest) -> None:
        self.request, self.member, self.now = request, request.member, timezone.now()
        self.is_posted = request.method == "POST"
        picked = (request.POST if self.is_posted else request.GET).getlist("pick")
        self.is_cut = len(picked) > MAX_TOGETHER
        drafts = _picked(picked[:MAX_TOGETHER], self.member)
        self.carried = find_last_purchase(self.member, self.now)
        first = self.carried or next((row for row in drafts if row.store or row.country or row.purchased_on), None)
        initial = {name: getattr(first, name) for name in PURCHASE_DETAILS} if first else {}
        data = request.POST if self.is_posted else None
        self.shared = SharedPurchaseForm(data, country=self.member.country.code, initial=initial)
        self.optional = find_optional_serials(row.product for row in drafts)
        self.pasted = request.POST.get("many", "") if self.is_posted else ""
        self.left: list[str] = []
        self.is_saving = False
        self.photos = 0  # how many have come with this form
        self.rows = [self._row(draft, initial) for draft in drafts]

    def _row(self, draft: Registration, initial: dict[str, Any]) -> SheetRow:
        prefix = f"r{draft.pk}"
        may_lack = draft.product_id in self.optional
        if not self.is_posted:
            form = DetailsForm(registration=draft, prefix=prefix, may_lack=may_lack)
            return SheetRow(draft, form, QueryDict(mutable=True), is_own=_differs(draft, initial))
        button = self.request.POST.get("do", "")
        is_own = bool(self.request.POST.get(f"{prefix}-own")) and button != f"same-{draft.pk}"
        data = self.request.POST.copy()
        suggestion = ""
        if button == f"take-{draft.pk}":
            suggestion = check_serial(draft, data.get(f"{prefix}-serial", "").replace("\x00", "")[:100]).suggestion
            data[f"{prefix}-serial"] = suggestion or data.get(f"{prefix}-serial", "")
        if not is_own:
            _copy_shared(data, prefix)
        reading, problem = self._read_photo(draft, data, button)
        form = self._form(draft, data)
        if problem:
            form.add_error("photo", problem)
        return SheetRow(
            draft,
            form,
            data,
            is_own or button == f"own-{draft.pk}",
            is_taken=bool(suggestion),
            reading=reading,
        )

    def _read_photo(self, draft: Registration, data: QueryDict, button: str) -> tuple[SerialFromPhoto | None, str]:
        """Fill in the number from a photo that was chosen, or say what is wrong with it (R25).

        Whichever button was pressed, because without a script that is how a photo arrives; not if a number is typed.
        """
        prefix = f"r{draft.pk}"
        photo = self.request.FILES.get(f"{prefix}-photo")
        if button != f"scan-{draft.pk}" and (photo is None or data.get(f"{prefix}-serial", "").strip()):
            return None, ""
        self.photos += 1
        if self.photos > MAX_PHOTOS:
            return None, _("We read a few photos at a time. Choose this one again.")
        try:
            reading = read_serial(product=draft.product, photo=photo, by=self.member.user)
        except Refusal as refusal:
            return None, str(refusal)
        data[f"{prefix}-serial"] = reading.serial
        return reading, ""

    @property
    def has_photos(self) -> bool:
        """Whether numbers were read, or not, which the member has to look at before anything is saved."""
        return self.photos > 0

    def _form(self, draft: Registration, data: QueryDict, *, submitting: bool = False) -> DetailsForm:
        return DetailsForm(
            data,
            registration=draft,
            prefix=f"r{draft.pk}",
            may_lack=draft.product_id in self.optional,
            submitting=submitting,
        )

    # --- Buttons ---

    def save(self) -> HttpResponse:
        """Submit the rows that are right, in the order of their keys, which is that of locks; the others stay."""
        self.is_saving = True
        done = [row for row in sorted(self.rows, key=lambda row: row.key) if self._submit(row)]
        self.rows = [row for row in self.rows if row not in done]
        if done:
            count = len(done)
            sentence = ngettext("%(count)s product is being checked.", "%(count)s products are being checked.", count)
            messages.success(self.request, sentence % {"count": count})
        return self.render(status=422) if self.rows else HttpResponseRedirect(reverse("kitbag:list"))

    def save_for_later(self) -> HttpResponse:
        """Save what is typed, complete or not, as long as it can be read."""
        count = len(self.rows)
        self.rows = [row for row in self.rows if not self._save_draft(row)]
        if self.rows:
            return self.render(status=422)
        sentence = ngettext("%(count)s product is saved.", "%(count)s products are saved.", count)
        messages.success(self.request, sentence % {"count": count} + " " + _("You can finish any time."))
        return HttpResponseRedirect(reverse("kitbag:list"))

    def match(self) -> None:
        """Fill in the numbers of a pasted list where a row has none. Nothing is saved."""
        lines = [line[:MAX_LINE_LENGTH] for line in self.pasted.replace("\x00", "").splitlines()[:MAX_LINES]]
        empty = [row for row in self.rows if not row.serial]
        cells = {cell for line in lines for cell in split_line(line)}
        fitting = find_fitting([row.registration for row in empty], cells)
        found = match_lines(lines, {row.key: row.registration.product.name for row in empty}, fitting)
        for row in empty:
            if number := found.numbers.get(row.key):
                row.data[f"{row.form.prefix}-serial"] = number
                row.form, row.is_guessed = self._form(row.registration, row.data), row.key in found.guessed
        self.left, self.pasted = found.left, "\n".join(found.left)
        count = len(found.numbers)
        sentence = ngettext("%(count)s number matched.", "%(count)s numbers matched.", count)
        messages.info(self.request, sentence % {"count": count} + " " + _("Nothing is saved yet: check them first."))

    def _submit(self, row: SheetRow) -> bool:
        """Whether it has been submitted, now or by the same form before. If not, the form of the row says why."""
        form = row.form = self._form(row.registration, row.data, submitting=True)
        if not form.is_valid():
            with suppress(Refusal):
                self._keep(row)
            return False
        try:
            registrations.submit_registration(
                registration=row.registration,
                details=form.details(),
                insisted=form.cleaned_data["insisted"],
                date_insisted=form.cleaned_data["date_insisted"],
                at=self.now,
            )
        except Refusal as refusal:
            if refusal.code == "not_editable":
                return True
            with suppress(Refusal):
                self._keep(row)
            row.is_own |= refusal.code == "before_release"
            _add_refusal(form, refusal)
            return False
        return True

    def _save_draft(self, row: SheetRow) -> bool:
        """Whether it is saved. If not, the form of the row says why."""
        try:
            return self._keep(row)
        except Refusal as refusal:
            _add_refusal(row.form, refusal)
            return refusal.code == "not_editable"

    def _keep(self, row: SheetRow) -> bool:
        """Save the details so far, so that whoever gives up here finds them as typed. Raises Refusal.

        Returns whether they could be read.
        """
        form = self._form(row.registration, row.data)
        if not form.is_valid():
            return False
        registrations.save_details(registration=row.registration, details=form.details(), at=self.now)
        return True

    # --- The page ---

    def render(self, status: int = 200) -> HttpResponse:
        refresh_notes_on_change(self.shared.fields)
        for row in self.rows:
            row.form.fields["serial"].widget.attrs |= {
                "hx-get": reverse("kitbag:serial_check", args=[row.key]),
                "hx-trigger": "input changed delay:600ms",
                "hx-sync": "this:replace",
                "hx-target": f"#note-{row.key}",
            }
        self._check_serials()
        self._say_shared_errors_once()
        store, country, on = self._shared_purchase()
        context = {
            "rows": self.rows,
            "form": self.shared,
            "carried": self.carried if not self.is_posted else None,
            "problems": self._problems(),
            "most": MAX_TOGETHER if self.is_cut else 0,
            "fine": sum(row.is_fine for row in self.rows),
            "pasted": self.pasted,
            "left": self.left,
            "max_pasted": MAX_LINES * MAX_LINE_LENGTH,
            **store_context(self.member, country=country, store=store, on=on),
        }
        return render(self.request, "kitbag/finish_together.html", context, status=status)

    def _problems(self) -> list[tuple[str, str]]:
        """Every error with the id of its field, in the order of the page, with the product if it is about one."""
        problems = [(each.id_for_label, str(error)) for each in self.shared for error in each.errors]
        for row in self.rows:
            errors = [(each.id_for_label, str(error)) for each in row.form for error in each.errors]
            if self.is_saving and row.sentence and not (row.finding.may_insist and row.form["insisted"].value()):
                errors.append((row.form["serial"].id_for_label, row.sentence))
            problems += [(key, f"{row.registration.product.name}: {error}") for key, error in errors]
        return problems

    def _check_serials(self) -> None:
        """Check what is typed, with a number of queries that does not depend on how many rows there are."""
        for row in self.rows:  # never saved: the actions read their own
            row.registration.serial = row.serial
            row.registration.serial_key = rules.serial_key(row.serial)
        typed = [row.registration for row in self.rows if row.serial]
        keys = {registration.serial_key for registration in typed}
        own = Registration.objects.of(self.member).filter(serial_key__in=keys).select_related("product")
        others: dict[str, list[Registration]] = {}
        for registration in own:
            others.setdefault(registration.serial_key or "", []).append(registration)
        findings = check_serials(typed, others)
        for row in self.rows:
            row.finding = findings.get(row.key, SerialFinding())

    def _say_shared_errors_once(self) -> None:
        """What is wrong with store, country or date stands beside the field that they were typed into."""
        for row in self.rows:
            for name in [] if row.is_own else PURCHASE_DETAILS:
                for error in row.form.errors.pop(name, []):
                    if error not in self.shared.errors.get(name, []):
                        self.shared.add_error(name, error)

    def _shared_purchase(self) -> tuple[str, str, date | None]:
        if self.shared.is_bound:
            self.shared.is_valid()
            cleaned = self.shared.cleaned_data
            return cleaned.get("store", ""), cleaned.get("country", ""), cleaned.get("purchased_on")
        initial = self.shared.initial
        return initial.get("store", ""), str(initial.get("country") or ""), initial.get("purchased_on")


def _picked(texts: Iterable[str], member: Member) -> list[Registration]:
    """The drafts that were picked, in the order of the Kitbag: those worth most first."""
    keys = [int(key) for key in texts if key.isascii() and key.isdigit() and len(key) <= MAX_KEY_DIGITS]
    drafts = Registration.objects.of(member).filter(pk__in=keys, state=RegistrationState.DRAFT)
    rows = list(drafts.select_related("product", "member", *WITH_PICTURE))
    return sorted(rows, key=lambda row: (-row.product.points, row.product.name, row.pk))


def _differs(draft: Registration, initial: dict[str, Any]) -> bool:
    """Whether a draft has a detail of its own already that is not the shared one: it must not be overwritten."""
    return any(getattr(draft, name) and getattr(draft, name) != initial.get(name) for name in PURCHASE_DETAILS)


def _copy_shared(data: QueryDict, prefix: str) -> None:
    for name in [each for each in data if each.startswith(PURCHASE_DETAILS)]:
        data.setlist(f"{prefix}-{name}", data.getlist(name))


def _add_refusal(form: DetailsForm, refusal: Refusal) -> None:
    name = refusal.field if refusal.field in form.fields else None
    form.add_error(name, ValidationError(str(refusal), code=refusal.code))
