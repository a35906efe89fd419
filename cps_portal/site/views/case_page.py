"""The page of a case: the list beside the conversation beside the customer (R54, R58)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.lib.admin import ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.snapshot import after_snapshot
from cps_portal.core.submissions.once import run_once
from cps_portal.site.presenters import cases as presenter
from cps_portal.site.presenters.cases import customer_name, due_of, read_snooze, snooze_choices
from cps_portal.site.queries import cases as queries
from members.forms.common import add_refusal
from members.models import MemberNote, User
from members.support import actions, rules
from members.support.enums import CaseGroup, Then
from members.support.forms import AnswerForm, AssignForm
from members.support.models import MAX_TEXT_LENGTH, CannedAnswer, Case, CaseMessage, CaseReader
from members.support.presenters import support_city
from members.support.queries.file_access import PURPOSE

ANSWER = "cases.answer_case"
MAX_NOTES = 3
Forms = dict[str, forms.Form]


class CasePage(ReadOnlyAdmin[Case]):
    """The conversation of a case. Its buttons call actions, each by the name that they send as `do`."""

    case_template = "admin/cases/case/case.html"
    others_template = "admin/cases/case/_others.html"

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ANSWER)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        presence = require_POST(view(self.presence_view))
        return [path("<int:pk>/presence/", presence, name="cases_case_presence"), *super().get_urls()]

    # --- The page ---

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page, and what its buttons do. The address of a merged case leads to the kept one, but for `?merged`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        operation = request.POST.get("do", "") if request.method == "POST" else ""
        if operation and not self.has_answer_permission(request):
            raise PermissionDenied
        if row.merged_into and not operation and "merged" not in request.GET:
            return HttpResponseRedirect(row.merged_into.admin_url)
        forms_by_name = self._forms(request, row, operation)
        if operation == "insert":
            forms_by_name["answer"] = self._with_canned(request, row)
        elif operation and (response := self._perform(request, row, operation, forms_by_name)):
            return response
        if request.method == "GET" and self.has_answer_permission(request):
            self._note_visit(request, row)
        return TemplateResponse(request, self.case_template, self._context(request, row, forms_by_name))

    def _note_visit(self, request: HttpRequest, row: Case) -> None:
        """Once the page has been read: who is there, and that it is read."""
        by, now, seen = cast(User, request.user), timezone.now(), _last(row, is_public=False) or 0
        after_snapshot(partial(actions.note_reader, case=row, by=by, at=now))
        after_snapshot(partial(actions.mark_read, case=row, seen=seen))

    # --- Forms ---

    def _forms(self, request: HttpRequest, row: Case, operation: str) -> Forms:
        """The forms of the page. Only the one whose button was pressed is bound to the posted data."""
        answer = (request.POST, request.FILES) if operation == "answer" else (None, None)
        assign = request.POST if operation == "assign" else None
        return {
            "answer": AnswerForm(*answer, case=row, initial=self._initial(request, row)),
            "assign": AssignForm(assign, initial={"to": row.assigned_to_id}),
        }

    def _initial(self, request: HttpRequest, row: Case) -> dict[str, Any]:
        """What was typed before and not sent, with the canned answer that `?canned=` names."""
        draft = CaseReader.objects.filter(case=row, user=cast(User, request.user)).first()
        text = draft.draft if draft else ""
        key = request.GET.get("canned", "")
        canned = _find_canned(AnswerForm(case=row), key) if key else None
        return {
            **_seen(row),
            "text": _join(text, _filled_in(canned, row, request) if canned else ""),
            "to": AnswerForm.NOTE if draft and draft.draft and draft.draft_is_note else AnswerForm.ANSWER,
        }

    def _with_canned(self, request: HttpRequest, row: Case) -> AnswerForm:
        """Append the chosen canned answer to the text typed so far. On the server, to work without JavaScript."""
        form = AnswerForm(request.POST, request.FILES, case=row)
        uploads = self._keep_uploads(request, form)
        canned = _find_canned(form, request.POST.get("canned", ""))
        if canned is None:
            self.message_user(request, gettext("Choose a canned answer to insert."), messages.WARNING)
        typed = str(request.POST.get("text", ""))
        kept = {name: request.POST.get(name, "") for name in ("seen", "latest", "to", "then")}
        text = _join(typed, _filled_in(canned, row, request) if canned else "")
        return AnswerForm(initial={**kept, "text": text, "files": uploads}, case=row)

    def _keep_uploads(self, request: HttpRequest, form: forms.Form | None) -> Uploads:
        """Store the attachments right away, so that they are kept if the form is shown again."""
        if not isinstance(form, AnswerForm) or "files" not in form.fields:
            return Uploads()
        return keep_uploads(form, "files", by=cast(User, request.user), at=timezone.now())

    # --- What the buttons do ---

    def _perform(self, request: HttpRequest, row: Case, operation: str, forms_by_name: Forms) -> HttpResponse | None:
        """Call the action of a button once (R71). None if the form has to be shown again."""
        form = forms_by_name.get(operation)
        uploads = self._keep_uploads(request, form)
        if form is not None and not form.is_valid():
            return None
        call = self._calls(request, row, form, uploads).get(operation)
        return run_once(request, lambda: self._answer_to(request, row, form, call)) if call else None

    def _answer_to(
        self, request: HttpRequest, row: Case, form: forms.Form | None, call: Callable[[], str]
    ) -> HttpResponse | None:
        """Call the action and lead back to the page. None if it refuses what was typed."""
        try:
            with transaction.atomic():
                done = call()
        except Refusal as refusal:
            if form is None:
                self.message_user(request, str(refusal), messages.ERROR)
                return HttpResponseRedirect(request.path)
            add_refusal(form, refusal)
            if refusal.code == "crossed":
                _show_news(form, row)
            return None
        self.log_change(request, row, done)
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(request.path)

    def _calls(
        self, request: HttpRequest, row: Case, form: forms.Form | None, uploads: Uploads
    ) -> dict[str, Callable[[], str]]:
        """Functions that call the action of a button, and return the message for the user and the log."""
        by, now = cast(User, request.user), timezone.now()
        data: dict[str, Any] = form.cleaned_data if form else {}
        values: dict[str, Any] = {"case": row, "by": by, "at": now}
        return {
            "answer": lambda: _write(values, data, uploads),
            "take": lambda: _done(actions.take(**values), gettext("Assigned to you.")),
            "assign": lambda: _done(
                actions.assign(to=data["to"], **values),
                gettext("Assigned to %(who)s.") % {"who": data["to"] or gettext("nobody")},
            ),
            "snooze": lambda: _snooze(values, request.POST.get("until", ""), request.POST.get("when", "")),
            "wake": lambda: _done(actions.wake(case=row, by=by), gettext("It is back in the list.")),
            "close": lambda: _done(actions.close(notify=True, **values), gettext("Closed.")),
            "close_silently": lambda: _done(actions.close(**values), gettext("Closed, without a mail.")),
            "reopen": lambda: _done(actions.reopen(**values), gettext("Reopened.")),
            "revoke": lambda: _done(actions.revoke_link(**values), gettext("The visitor’s link no longer works.")),
            "merge": lambda: _merge(values, request.POST.get("other", "")),
        }

    # --- Who else is there ---

    def presence_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Note who is at the case and what they have typed; answer who else is, and whether a message has come."""
        if not (self.has_view_permission(request) and self.has_answer_permission(request)):
            raise PermissionDenied
        row, by, now = get_object_or_404(Case, pk=pk), cast(User, request.user), timezone.now()
        latest = request.POST.get("latest", "")
        typed = request.POST.get("text")
        if typed is not None and latest.isascii() and latest.isdecimal() and len(latest) < 19:
            text = typed.replace("\r\n", "\n").replace("\0", "")[:MAX_TEXT_LENGTH]
            is_note = request.POST.get("to") == AnswerForm.NOTE
            actions.save_draft(case=row, by=by, at=now, text=text, is_note=is_note, latest=int(latest))
        else:
            actions.note_reader(case=row, by=by, at=now)
        has_news = request.POST.get("seen", "") != str(_last(row))
        return TemplateResponse(
            request, self.others_template, {**_others(row, by, now), "has_news": has_news, "row": row}
        )

    # --- What the page shows ---

    def _messages(self, row: Case) -> QuerySet[CaseMessage]:
        rows = CaseMessage.objects.of_case(row).select_related("by", "case")
        return rows.prefetch_related("attachments__file")

    def _context(self, request: HttpRequest, row: Case, forms_by_name: Forms) -> dict[str, Any]:
        now, user = timezone.now(), cast(User, request.user)
        waiting, beside = queries.waiting_beside(user, now)
        jobs = queries.open_jobs(row.member, user)
        others = list(queries.other_cases(row)[: queries.MAX_OTHER_CASES])
        group = _group_of(row, now)
        may_answer = self.has_answer_permission(request) and not row.is_merged
        about = row.about
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": row.subject or row.get_kind_display(),
            "original": row,
            "name": customer_name(row),
            "may_answer": may_answer,
            "is_open": row.state in rules.ALLOWED_STATES["close"],
            "group": group,
            "due": due_of(row, group, now),
            "who": presenter.who(row.assigned_to, user),
            "about": about,
            "about_url": _admin_url(about) if about else "",
            "lines": presenter.lines_of(row, self._messages(row), user),
            "merged": row.merged.order_by("pk"),
            "beside": [_beside(case, now) for case in beside],
            "waiting": waiting,
            "jobs": jobs,
            "others": others,
            "mergeable": [case for case in others if may_answer and _can_be_merged(case, row)],
            "snooze_choices": snooze_choices(now, jobs) if may_answer else [],
            "place": support_city(),
            "notes": _notes(user, row),
            **_others(row, user, now),
            **{f"{name}_form": form for name, form in forms_by_name.items()},
        }


# --- Actions of buttons ---------------------------------------------------------------------------


def _done(_row: Case, sentence: str) -> str:
    return sentence


def _write(values: dict[str, Any], data: dict[str, Any], uploads: Uploads) -> str:
    """Send the answer, or add the note."""
    attached = files.collect(uploads=uploads, purpose=PURPOSE, by=values["by"], at=values["at"])
    if data["to"] == AnswerForm.NOTE:
        actions.add_note(text=data["text"], attached=attached, **values)
        return gettext("Note added.")
    then = data["then"] or Then.ANSWERED
    actions.answer(
        text=data["text"],
        asks=then == Then.WAIT,
        closes=then == Then.CLOSE,
        seen=data["seen"],
        attached=attached,
        **values,
    )
    if then == Then.SNOOZE:
        _snooze(values, "tomorrow")
    return gettext("Answered and closed.") if then == Then.CLOSE else gettext("Answered.")


def _snooze(values: dict[str, Any], choice: str, when: str = "") -> str:
    """Raises Refusal `until` for something that is not offered."""
    chosen = read_snooze(choice, values["at"], when)
    known = [] if chosen is None else [job.reference for job in queries.open_jobs(values["case"].member, values["by"])]
    if chosen is None or (chosen[1] and chosen[1] not in known):
        raise Refusal("until", gettext("Choose until when it can wait."))
    until, job = chosen
    actions.snooze(until=until, job=job, **values)
    return gettext("Snoozed.")


def _merge(values: dict[str, Any], key: str) -> str:
    """Merge the case with this key into the one that is open. Raises Refusal."""
    is_key = key.isascii() and key.isdecimal() and len(key) < 19
    other = Case.objects.filter(pk=int(key)).first() if is_key else None
    if other is None:
        raise Refusal("other", gettext("Choose the case to merge."))
    actions.merge(case=other, into=values["case"], by=values["by"], at=values["at"])
    return gettext("%(reference)s is merged into this case.") % {"reference": other}


# --- Small parts ------------------------------------------------------------------------------------


def _last(row: Case, *, is_public: bool = True) -> int | None:
    """Key of the last message, to notice when an answer crosses with a new one."""
    rows = CaseMessage.objects.of_case(row)
    return (rows.public() if is_public else rows).order_by("-pk").values_list("pk", flat=True).first()


def _show_news(form: forms.Form, row: Case) -> None:
    """The page shows the newer message, so that the form can be sent again."""
    data: Any = form.data
    data = data.copy()
    for name, key in _seen(row).items():
        data[name] = str(key or "")
    form.data = data


def _seen(row: Case) -> dict[str, int | None]:
    return {"seen": _last(row), "latest": _last(row, is_public=False)}


def _join(*parts: str) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip())


def _find_canned(form: AnswerForm, key: str) -> CannedAnswer | None:
    try:
        canned: CannedAnswer | None = form.fields["canned"].clean(key)
    except forms.ValidationError:
        return None
    return canned


def _filled_in(canned: CannedAnswer, row: Case, request: HttpRequest) -> str:
    """The text for this customer. A value that there is none of is left empty."""
    jobs = queries.open_jobs(row.member, cast(User, request.user))
    return canned.filled_in(
        name=row.first_name,
        number=row.member.number_in_groups if row.member else "",
        level=row.member.get_level_display() if row.member else "",
        reference=row.reference_in_groups,
        job=jobs[0].reference_in_groups if jobs else "",
    )


def _group_of(row: Case, at: datetime) -> CaseGroup:
    moved = queries.job_moved_at(row) if row.snoozed_job else None
    asleep = rules.is_snoozed(snoozed_at=row.snoozed_at, snoozed_until=row.snoozed_until, job_moved_at=moved, at=at)
    return rules.group_of(state=row.state, due_at=row.due_at, is_snoozed=asleep, at=at)


def _beside(case: Case, at: datetime) -> tuple[Case, str, Any]:
    """A row of the list beside the conversation: the case, its customer, when it is due."""
    group = CaseGroup.OVERDUE if case.is_late(at) else CaseGroup.OURS
    return case, customer_name(case), due_of(case, group, at)


def _others(row: Case, user: User, at: datetime) -> dict[str, Any]:
    readers = queries.readers_of(row, user, at)
    line, is_typing = presenter.others_line(readers, at - timedelta(seconds=queries.TYPING_SECONDS))
    return {"others_line": line, "is_typing": is_typing}


def _can_be_merged(case: Case, into: Case) -> bool:
    return not into.is_closed and not {case.kind, into.kind} & rules.ENDS_WITH_DECISION


def _notes(user: User, row: Case) -> list[MemberNote]:
    """The first notes on the member, if the reader may see them."""
    if row.member is None or not user.has_perm("members.view_membernote"):
        return []
    return list(row.member.notes.select_related("by")[:MAX_NOTES])


def _admin_url(row: Model) -> str:
    """The admin page of a row; "" if there is none."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return ""
