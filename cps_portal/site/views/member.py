"""The pages of a member in the admin: everything on one, its form, notes, a mail, closing the account (R54)."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from cps_portal.core.lib.admin import PortalModelAdmin
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LongText
from cps_portal.site.actions import close_account
from cps_portal.site.presenters.member_mails import mail_row, read_letter
from cps_portal.site.presenters.member_page import MemberPage
from cps_portal.site.queries.member import find_mail
from members import actions
from members.forms.common import add_refusal
from members.models import Member, MemberNote, User
from members.models.notes import MAX_NOTE_LENGTH

CLOSE, ADD_NOTE, EDIT_NOTE = "members.close_member", "members.add_membernote", "members.change_membernote"
READ_MAILS = "outbox.view_message"


class MemberNoteForm(forms.Form):
    text = LongText(
        label=_("Note"),
        rows=3,
        max_length=MAX_NOTE_LENGTH,
        error_messages={"required": _("Write something first.")},
    )
    pinned = forms.BooleanField(label=_("Keep it on top"), required=False)


class MemberPages(PortalModelAdmin[Member]):
    """What the admin shows of a member besides Django's list and form."""

    whole_template = "admin/members/member/whole.html"
    note_template = "admin/members/member/note.html"
    mail_template = "admin/members/member/mail.html"
    close_template = "admin/members/member/close.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/edit/", view(self.edit_view), name="members_member_edit"),
            path("<int:pk>/notes/", require_POST(view(self.write_note_view)), name="members_member_write_note"),
            path("<int:pk>/notes/<int:note>/", view(self.edit_note_view), name="members_member_edit_note"),
            path("<int:pk>/mails/<int:mail>/", require_safe(view(self.mail_view)), name="members_member_mail"),
            path("<int:pk>/close/", view(self.close_view), name="members_member_close"),
            *super().get_urls(),
        ]

    # --- The whole member ---

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Everything about the member. Pop-ups get the form, as what is posted here does."""
        if request.method not in {"GET", "HEAD"} or IS_POPUP_VAR in request.GET:
            return super().change_view(request, object_id, form_url, extra_context)
        member = self.get_object(request, object_id)
        if not self.has_view_or_change_permission(request, member):
            raise PermissionDenied
        if member is None:
            return super().change_view(request, object_id, form_url, extra_context)
        return self._whole(request, member, MemberNoteForm())

    def _whole(self, request: HttpRequest, member: Member, note_form: MemberNoteForm) -> HttpResponse:
        user = cast(User, request.user)
        page = MemberPage(member, user, timezone.now())
        context = {"page": page, "note_form": note_form, "may_note": user.has_perm(ADD_NOTE) and not member.erased_at}
        title = member.full_name or member.number_in_groups
        return self._page(request, self.whole_template, member, title=title, **context)

    def edit_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Django's form, and back to the page of the member."""
        return super().change_view(request, str(pk), "", {"title": gettext("Change name and mails")})

    def response_post_save_change(self, request: HttpRequest, obj: Member) -> HttpResponseRedirect:
        return self._back(obj)

    # --- Notes ---

    def write_note_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        member = self._member(request, pk, ADD_NOTE)
        form = MemberNoteForm(request.POST)
        by = cast(User, request.user)
        if form.is_valid():
            try:
                actions.write_note(member=member, **form.cleaned_data, by=by, at=timezone.now())
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                messages.success(request, _("Noted. Only staff see it."))
                return self._back(member, "#staff-notes")
        return self._whole(request, member, form)

    def edit_note_view(self, request: HttpRequest, pk: int, note: int) -> HttpResponse:
        member = self._member(request, pk, EDIT_NOTE)
        by = cast(User, request.user)
        row = get_object_or_404(MemberNote, pk=note, member=member, by=by)
        initial = {"text": row.text, "pinned": row.pinned}
        form = MemberNoteForm(request.POST if request.method == "POST" else None, initial=initial)
        if form.is_valid():
            try:
                actions.edit_note(note=row, **form.cleaned_data, by=by, at=timezone.now())
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                messages.success(request, _("Changed. Only staff see it."))
                return self._back(member, "#staff-notes")
        return self._page(request, self.note_template, member, title=gettext("Change your note"), form=form, note=row)

    # --- A mail ---

    def mail_view(self, request: HttpRequest, pk: int, mail: int) -> HttpResponse:
        """The text of a mail that the member got."""
        member = self._member(request, pk, READ_MAILS)
        message = find_mail(member, mail)
        if message is None:
            raise Http404
        letter = read_letter(message)
        row = mail_row(message)
        return self._page(request, self.mail_template, member, title=letter.subject, letter=letter, row=row)

    # --- Closing ---

    def close_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what closing does, and do it when that is confirmed."""
        member = self._member(request, pk, CLOSE)
        if request.method == "POST":
            try:
                close_account(member=member, by=cast(User, request.user), at=timezone.now())
            except Refusal as refusal:
                messages.error(request, str(refusal))
            else:
                self.log_change(request, member, gettext("Account closed."))
                messages.success(request, _("Closed. We’ve told the member how to come back."))
            return self._back(member)
        return self._page(request, self.close_template, member, title=gettext("Close the account"))

    # --- Shared ---

    def _member(self, request: HttpRequest, pk: int, right: str) -> Member:
        """Raises PermissionDenied without this right or that to see members, Http404 if there is no such member."""
        if not (self.has_view_permission(request) and request.user.has_perm(right)):
            raise PermissionDenied
        return get_object_or_404(Member.objects.select_related("user"), pk=pk)

    def _back(self, member: Member, anchor: str = "") -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:members_member_change", args=[member.pk]) + anchor)

    def _page(self, request: HttpRequest, template: str, member: Member, **context: Any) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, "member": member, **context}
        return TemplateResponse(request, template, whole)
