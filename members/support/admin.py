"""Admin of support cases: the queue, the conversation, and canned answers (R54, R58)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import keep_uploads
from cps_portal.core.lib.admin import EventAdmin, PortalModelAdmin, ReadOnlyAdmin, event_model
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.text import clean_email, clean_name
from cps_portal.core.submissions.once import run_once
from members.forms.common import add_refusal
from members.models import Member, User
from members.support import actions, rules
from members.support.enums import CaseState
from members.support.forms import AnswerForm, AssignForm, CannedAnswerForm, CloseForm, NoteForm
from members.support.models import CannedAnswer, Case, CaseAttachment, CaseMessage
from members.support.queries.file_access import PURPOSE

ANSWER = "cases.answer_case"
ALL = "all"
Forms = dict[str, forms.Form]


class TurnFilter(admin.SimpleListFilter):
    """Filter by state. Without a search the default is the cases that wait for support."""

    title = _("state")
    parameter_name = "turn"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*CaseState.choices, (ALL, _("All"))]

    def choices(self, changelist: Any) -> Any:
        chosen = self._chosen(changelist.query)
        for value, label in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": value == chosen, "query_string": query, "display": label}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self._chosen(request.GET.get("q", ""))
        return queryset if chosen == ALL else queryset.filter(state=chosen)

    def _chosen(self, searched: str) -> str:
        return str(self.value() or (ALL if searched else CaseState.OPEN.value))


class MineFilter(admin.SimpleListFilter):
    title = _("assigned")
    parameter_name = "taken"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("To me")), ("free", _("To nobody"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "mine":
            return queryset.filter(assigned_to=request.user.pk)
        return queryset.filter(assigned_to=None) if self.value() == "free" else queryset


class OverdueFilter(admin.SimpleListFilter):
    title = _("answer")
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Overdue"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(due_at__lt=timezone.now()) if self.value() == "yes" else queryset


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin[Case]):
    """The queue, due soonest first. The page of a case shows the conversation; its buttons call actions."""

    case_template = "admin/cases/case/case.html"
    list_display = ["reference_in_groups", "due", "kind", "subject", "person", "state", "assigned_to", "opened_at"]
    list_display_links = ["reference_in_groups", "subject"]
    list_filter = [TurnFilter, OverdueFilter, MineFilter, "kind"]
    list_select_related = ["member", "assigned_to"]
    search_fields = ["reference"]
    search_help_text = _("Reference, member number, e-mail address, name or subject")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"title": _("Cases, due soonest first"), **(extra_context or {})}
        return super().changelist_view(request, context)

    def has_answer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(ANSWER)

    @admin.display(description=_("reference"), ordering="reference")
    def reference_in_groups(self, row: Case) -> str:
        return row.reference_in_groups

    @admin.display(description=_("answer due"), ordering="due_at")
    def due(self, row: Case) -> str:
        if row.due_at is None:
            return "–"
        due = timezone.localtime(row.due_at).strftime("%Y-%m-%d %H:%M")
        return format_html("<b>{} {}</b>", due, gettext("overdue")) if row.is_late(timezone.now()) else due

    @admin.display(description=_("from"))
    def person(self, row: Case) -> str:
        return row.person

    def search_conditions(self, term: str) -> list[Q]:
        return [
            Q(reference=parse_reference(term)),
            Q(member__in=Member.objects.search(term)),
            Q(visitor_email=clean_email(term)),
            Q(visitor_words__named=term),
            Q(subject__icontains=clean_name(term)),
        ]

    # --- The conversation ---

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        operation = request.POST.get("do", "") if request.method == "POST" else ""
        if operation and not self.has_answer_permission(request):
            raise PermissionDenied
        forms_by_name = self._forms(request, row, operation)
        if operation == "insert":
            forms_by_name["answer"] = self._with_canned(request, row)
        elif operation and (response := self._perform(request, row, operation, forms_by_name)):
            return response
        return TemplateResponse(request, self.case_template, self._context(request, row, forms_by_name))

    def _forms(self, request: HttpRequest, row: Case, operation: str) -> Forms:
        """All forms of the page. Only the one whose button was pressed is bound to the posted data."""

        def data(name: str) -> Any:
            return request.POST if operation == name else None

        files_sent = request.FILES if operation == "answer" else None
        return {
            "answer": AnswerForm(data("answer"), files_sent, case=row, initial={"seen": self._last_message(row)}),
            "note": NoteForm(data("note")),
            "assign": AssignForm(data("assign"), initial={"to": row.assigned_to_id}),
            "close": CloseForm(data("close")),
        }

    def _with_canned(self, request: HttpRequest, row: Case) -> AnswerForm:
        """Append the chosen canned answer to the text typed so far. On the server, to work without JavaScript."""
        typed = str(request.POST.get("text", ""))
        asks = bool(request.POST.get("asks"))
        form = AnswerForm(request.POST, request.FILES, case=row)
        uploads = self._keep_uploads(request, form)
        try:
            canned = form.fields["canned"].clean(request.POST.get("canned", ""))
        except forms.ValidationError:
            canned = None
        if canned is None:
            self.message_user(request, gettext("Choose a canned answer to insert."), messages.WARNING)
        text = "\n\n".join(part for part in (typed.strip(), _filled_in(canned, row) if canned else "") if part)
        initial = {"seen": request.POST.get("seen", ""), "text": text, "asks": asks, "files": uploads}
        return AnswerForm(initial=initial, case=row)

    def _keep_uploads(self, request: HttpRequest, form: forms.Form | None) -> Uploads:
        """Store the attachments of an answer right away, so that they are kept if the form is shown again."""
        if not isinstance(form, AnswerForm) or "files" not in form.fields:
            return Uploads()
        user: Any = request.user
        return keep_uploads(form, "files", by=user, at=timezone.now())

    def _perform(self, request: HttpRequest, row: Case, operation: str, forms_by_name: Forms) -> HttpResponse | None:
        """Call the action of a button once (R71). None if the form has to be shown again."""
        form = forms_by_name.get(operation)
        uploads = self._keep_uploads(request, form)
        if form is not None and not form.is_valid():
            return None

        def effect() -> HttpResponse | None:
            if operation == "answer" and form is not None and self._is_crossing(row, form):
                return None
            call = self._call(operation, row, form, request.user, timezone.now(), uploads)
            return self._answer_to(request, row, form, call) if call else None

        return run_once(request, effect)

    def _is_crossing(self, row: Case, form: forms.Form) -> bool:
        """Whether a message has arrived since the page was opened; the form then says so, and can be sent again."""
        last = self._last_message(row)
        if form.cleaned_data["seen"] == last:
            return False
        form.add_error(
            None,
            gettext("There is a new message since you opened this page. Read it, then send your answer again."),
        )
        data: Any = form.data
        data = data.copy()
        data["seen"] = last
        form.data = data
        return True

    def _answer_to(
        self, request: HttpRequest, row: Case, form: forms.Form | None, call: Callable[[], str]
    ) -> HttpResponse | None:
        """Call the action and lead back to the page. None if it refuses what was typed."""
        try:
            done = call()
        except Refusal as refusal:
            if form is not None:
                add_refusal(form, refusal)
                return None
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.log_change(request, row, done)
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(request.path)

    def _call(  # noqa: PLR0917
        self, operation: str, row: Case, form: forms.Form | None, user: Any, now: datetime, uploads: Uploads
    ) -> Callable[[], str] | None:
        """The action of a button: a function that returns the message for the user and the admin log."""
        by: User = user
        data: dict[str, Any] = form.cleaned_data if form else {}

        def answer() -> str:
            attached = files.collect(uploads=uploads, purpose=PURPOSE, by=by, at=now)
            actions.answer(case=row, text=data["text"], asks=data["asks"], by=by, at=now, attached=attached)
            return gettext("Answered.")

        def note() -> str:
            actions.add_note(case=row, text=data["note"], by=by, at=now)
            return gettext("Note added.")

        def take() -> str:
            actions.take(case=row, by=by, at=now)
            return gettext("Assigned to you.")

        def assign() -> str:
            actions.assign(case=row, to=data["to"], by=by, at=now)
            return gettext("Assigned to %(who)s.") % {"who": data["to"] or gettext("nobody")}

        def close() -> str:
            actions.close(case=row, notify=data["notify"], by=by, at=now)
            return gettext("Closed.")

        def reopen() -> str:
            actions.reopen(case=row, by=by, at=now)
            return gettext("Reopened.")

        def revoke() -> str:
            actions.revoke_link(case=row, by=by, at=now)
            return gettext("The visitor’s link no longer works.")

        calls = [answer, note, take, assign, close, reopen, revoke]
        return {call.__name__: call for call in calls}.get(operation)

    def _last_message(self, row: Case) -> str:
        """Key of the last public message, to notice when an answer crosses with a new one."""
        return str(row.messages.public().order_by("-pk").values_list("pk", flat=True).first())

    def _context(self, request: HttpRequest, row: Case, forms_by_name: Forms) -> dict[str, Any]:
        now = timezone.now()
        about = row.about
        others = Case.objects.of(row.member).exclude(pk=row.pk) if row.member else Case.objects.none()
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": row.subject or row.get_kind_display(),
            "subtitle": str(row),
            "original": row,
            "may_answer": self.has_answer_permission(request),
            "is_open": row.state in rules.ALLOWED_STATES["close"],
            "late": row.is_late(now),
            "about": about,
            "about_url": admin_url(about) if about else "",
            "case_messages": row.messages.select_related("by").prefetch_related("attachments__file"),
            "others": others.order_by("-pk")[:10],
            **{f"{name}_form": form for name, form in forms_by_name.items()},
        }


def _filled_in(canned: CannedAnswer, row: Case) -> str:
    return canned.filled_in(name=row.first_name, reference=row.reference_in_groups)


def admin_url(row: Model) -> str:
    """The admin page of a row; "" if there is none."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return ""


@admin.register(CaseMessage)
class CaseMessageAdmin(ReadOnlyAdmin[CaseMessage]):
    """All messages, for searching. They are read on the page of their case."""

    list_display = ["at", "case", "author", "by", "internal", "beginning"]
    list_filter = ["author", "internal", "at"]
    list_select_related = ["case", "by"]
    search_fields = ["text", "=by__email"]
    ordering = ["-pk"]

    @admin.display(description=_("text"))
    def beginning(self, message: CaseMessage) -> str:
        return message.text[:80]


@admin.register(CaseAttachment)
class CaseAttachmentAdmin(ReadOnlyAdmin[CaseAttachment]):
    """All attachments. They are opened on the page of their case."""

    list_display = ["message", "case", "file"]
    list_select_related = ["message__case", "file"]
    search_fields = ["=message__case__reference"]
    ordering = ["-pk"]

    @admin.display(description=_("case"))
    def case(self, attachment: CaseAttachment) -> str:
        return str(attachment.message.case)


@admin.register(CannedAnswer)
class CannedAnswerAdmin(PortalModelAdmin[CannedAnswer]):
    form = CannedAnswerForm
    list_display = ["title", "language", "for_centres", "length"]
    list_filter = ["for_centres", "language"]
    search_fields = ["title", "text"]

    def has_delete_permission(self, request: HttpRequest, obj: CannedAnswer | None = None) -> bool:
        return request.user.has_perm("cases.delete_cannedanswer")

    @admin.display(description=_("length"))
    def length(self, canned: CannedAnswer) -> str:
        return ngettext("%(n)d character", "%(n)d characters", len(canned.text)) % {"n": len(canned.text)}


admin.site.register(event_model(Case), EventAdmin)
