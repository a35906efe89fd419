"""The desk's pages of the cases: the queue, the conversation beside what it is about, canned answers (R54, R58)."""

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
from cps_portal.core.lib.admin import DeskAdmin, ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.reference import read_reference
from members.forms.profile import add_refusal
from members.models import User
from members.support import actions, rules
from members.support.enums import CaseState
from members.support.forms import AnswerForm, AssignForm, CannedAnswerForm, CloseForm, NoteForm
from members.support.models import CannedAnswer, Case, CaseAttachment, CaseMessage
from members.support.queries.file_access import PURPOSE

ANSWER = "cases.answer_case"
ALL = "all"
Forms = dict[str, forms.Form]


class TurnFilter(admin.SimpleListFilter):
    """By state; unless something is searched for, those that wait for support."""

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
    title = _("taken")
    parameter_name = "taken"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("By me")), ("free", _("By nobody"))]

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
    """The queue, the soonest due first. A case's page is the conversation; its buttons call actions."""

    case_template = "admin/cases/case/case.html"
    list_display = ["reference_in_groups", "due", "kind", "subject", "person", "state", "assigned_to", "opened_at"]
    list_display_links = ["reference_in_groups", "subject"]
    list_filter = [TurnFilter, OverdueFilter, MineFilter, "kind"]
    list_select_related = ["member", "assigned_to"]
    search_fields = ["reference"]
    search_help_text = _("Reference, member number, e-mail address, name or words of the subject")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"title": _("Cases, the soonest due first"), **(extra_context or {})}
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

    @admin.display(description=_("who"))
    def person(self, row: Case) -> str:
        return row.person

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Case], search_term: str
    ) -> tuple[QuerySet[Case], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(reference=read_reference(term)) | Q(member__number="".join(term.split()))
        found |= Q(member__user__email__iexact=term) | Q(visitor_email__iexact=term)
        found |= Q(member__last_name__iexact=term) | Q(visitor_name__icontains=term) | Q(subject__icontains=term)
        return queryset.filter(found), False

    # The conversation

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        posted = request.POST.get("do", "") if request.method == "POST" else ""
        if posted and not self.has_answer_permission(request):
            raise PermissionDenied
        forms_of = self._forms(request, row, posted)
        if posted == "insert":
            forms_of["answer"] = self._with_canned(request, row)
        elif posted and self._do(request, row, posted, forms_of):
            return HttpResponseRedirect(request.path)
        return TemplateResponse(request, self.case_template, self._context(request, row, forms_of))

    def _forms(self, request: HttpRequest, row: Case, posted: str) -> Forms:
        """Only the form whose button was pressed is filled in; the others are as new."""

        def data(name: str) -> Any:
            return request.POST if posted == name else None

        attached = request.FILES if posted == "answer" else None
        return {
            "answer": AnswerForm(data("answer"), attached, case=row, initial={"seen": self._seen(row)}),
            "note": NoteForm(data("note")),
            "assign": AssignForm(data("assign"), initial={"to": row.assigned_to_id}),
            "close": CloseForm(data("close")),
        }

    def _with_canned(self, request: HttpRequest, row: Case) -> AnswerForm:
        """The chosen answer below what is typed already. Works without JavaScript."""
        typed = str(request.POST.get("text", ""))
        asks = bool(request.POST.get("asks"))
        filled = AnswerForm(request.POST, request.FILES, case=row)
        chosen = filled.fields["canned"]
        kept = self._keep(request, filled)
        try:
            canned = chosen.clean(request.POST.get("canned", ""))
        except forms.ValidationError:
            canned = None
        if canned is None:
            self.message_user(request, gettext("Choose the canned answer to insert."), messages.WARNING)
        text = "\n\n".join(part for part in (typed.strip(), canned.filled_in(row) if canned else "") if part)
        initial = {"seen": request.POST.get("seen", ""), "text": text, "asks": asks, "files": kept}
        return AnswerForm(initial=initial, case=row)

    def _keep(self, request: HttpRequest, form: forms.Form | None) -> Uploads:
        """What was attached to an answer, stored at once: it is still there if the form is shown again."""
        if not isinstance(form, AnswerForm) or "files" not in form.fields:
            return Uploads()
        user: Any = request.user
        return keep_uploads(form, "files", by=user, at=timezone.now())

    def _do(self, request: HttpRequest, row: Case, posted: str, forms_of: Forms) -> bool:
        """Call the action of a button. False if something typed has to be looked at again."""
        form = forms_of.get(posted)
        uploads = self._keep(request, form)
        if form is not None and not form.is_valid():
            return False
        if posted == "answer" and form is not None and form.cleaned_data["seen"] != self._seen(row):
            form.add_error(None, gettext("Something was said since you opened this page. Read it, then answer again."))
            data: Any = form.data
            data = data.copy()
            data["seen"] = self._seen(row)
            form.data = data
            return False
        call = self._call(posted, row, form, request.user, timezone.now(), uploads)
        if call is None:
            return False
        try:
            told = call()
        except Refusal as refusal:
            if form is None:
                self.message_user(request, str(refusal), messages.ERROR)
                return True
            add_refusal(form, refusal)
            return False
        self.log_change(request, row, told)
        self.message_user(request, told, messages.SUCCESS)
        return True

    def _call(  # noqa: PLR0917
        self, posted: str, row: Case, form: forms.Form | None, user: Any, now: datetime, uploads: Uploads
    ) -> Callable[[], str] | None:
        """What a button does, and how it is told and kept in the log."""
        by: User = user
        data: dict[str, Any] = form.cleaned_data if form else {}

        def answer() -> str:
            attached = files.collect(uploads=uploads, purpose=PURPOSE, by=by, at=now)
            actions.answer(case=row, text=data["text"], asks=data["asks"], by=by, at=now, attached=attached)
            return gettext("Answered.")

        def note() -> str:
            actions.note(case=row, text=data["note"], by=by, at=now)
            return gettext("Noted.")

        def take() -> str:
            actions.take(case=row, by=by, at=now)
            return gettext("Taken.")

        def assign() -> str:
            actions.assign(case=row, to=data["to"], by=by, at=now)
            return gettext("Handed to %(who)s.") % {"who": data["to"] or gettext("all")}

        def close() -> str:
            actions.close(case=row, tell=data["tell"], by=by, at=now)
            return gettext("Closed.")

        def reopen() -> str:
            actions.reopen(case=row, by=by, at=now)
            return gettext("Opened again.")

        def revoke() -> str:
            actions.revoke_link(case=row, by=by, at=now)
            return gettext("The visitor’s link no longer works.")

        calls = [answer, note, take, assign, close, reopen, revoke]
        return {call.__name__: call for call in calls}.get(posted)

    def _seen(self, row: Case) -> str:
        """Changes whenever something public is said."""
        return str(row.messages.public().order_by("-pk").values_list("pk", flat=True).first())

    def _context(self, request: HttpRequest, row: Case, forms_of: Forms) -> dict[str, Any]:
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
            "is_open": row.state in rules.MOVES["close"],
            "late": row.is_late(now),
            "about": about,
            "about_url": desk_page(about) if about else "",
            "said": row.messages.select_related("by").prefetch_related("attachments__file"),
            "others": others.order_by("-pk")[:10],
            **{f"{name}_form": form for name, form in forms_of.items()},
        }


def desk_page(row: Model) -> str:
    """Where staff look at it; "" if nowhere."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return ""


@admin.register(CaseMessage)
class CaseMessageAdmin(ReadOnlyAdmin[CaseMessage]):
    """Everything said, to be searched; it is read on the page of its case."""

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
    """Everything attached; it is looked at on the page of its case."""

    list_display = ["message", "case", "file"]
    list_select_related = ["message__case", "file"]
    search_fields = ["=message__case__reference"]
    ordering = ["-pk"]

    @admin.display(description=_("case"))
    def case(self, attachment: CaseAttachment) -> str:
        return str(attachment.message.case)


@admin.register(CannedAnswer)
class CannedAnswerAdmin(DeskAdmin[CannedAnswer]):
    form = CannedAnswerForm
    list_display = ["title", "language", "length"]
    list_filter = ["language"]
    search_fields = ["title", "text"]

    def has_delete_permission(self, request: HttpRequest, obj: CannedAnswer | None = None) -> bool:
        return request.user.has_perm("cases.delete_cannedanswer")

    @admin.display(description=_("length"))
    def length(self, canned: CannedAnswer) -> str:
        return ngettext("%(n)d sign", "%(n)d signs", len(canned.text)) % {"n": len(canned.text)}
