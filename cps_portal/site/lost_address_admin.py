"""Admin pages of lost sign-in addresses and stopped accounts: one of the staff asks, another one decides (R69)."""

from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.forms import UploadsField, keep_uploads
from cps_portal.core.lib.admin import M, ReadOnlyAdmin
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import MultiLineField, PastedEmailInput
from cps_portal.core.lib.text import clean_email
from cps_portal.core.submissions.once import run_once
from cps_portal.site import lost_addresses
from cps_portal.site.presenters.cases import name_of
from cps_portal.site.queries.file_access import LOST_ADDRESS
from members.forms.common import add_refusal
from members.models import AccountFreeze, LostAddress, LostAddressFile, Member, User
from members.models.lost_addresses import MAX_REASON_LENGTH

RECOVER = "members.change_lost_address"


def reason_field(label: Any, **kwargs: Any) -> MultiLineField:
    return MultiLineField(
        label=label,
        max_length=MAX_REASON_LENGTH,
        widget=forms.Textarea({"rows": 5, "class": "d-input", "maxlength": MAX_REASON_LENGTH}),
        **kwargs,
    )


class LostAddressForm(forms.Form):
    """What a second person decides by."""

    new_email = forms.EmailField(
        label=_("New sign-in address"),
        max_length=254,
        widget=PastedEmailInput({"class": "d-input", "autocomplete": "off"}),
        error_messages={
            "required": _("Type the address that the member can read."),
            "invalid": _("This is not an email address. Check it with the member."),
        },
    )
    reason = reason_field(
        _("How you know that it is them"),
        help_text=_(
            "What they could tell or show: kit, serial numbers, earlier jobs, an identity document, a call back."
        ),
        error_messages={"required": _("Say how you know that it is them: a colleague decides by it.")},
    )
    files = UploadsField(purpose=LOST_ADDRESS, label=_("Photos or documents"), required=False)  # type: ignore[assignment]


class ReleaseForm(forms.Form):
    reason = reason_field(
        _("What you found out"),
        help_text=_("Whose address it is, and how you know. A colleague decides by it."),
        error_messages={"required": _("Say what you found out: a colleague decides by it.")},
    )


class TwoPeopleAdmin(ReadOnlyAdmin[M]):
    """What one of the staff asks for and another one decides. Looking needs the same right: evidence is on the page."""

    right = RECOVER
    page_template = ""

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return request.user.has_perm(self.right)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(self.right)

    def _require_right(self, request: HttpRequest) -> User:
        if not request.user.has_perm(self.right):
            raise PermissionDenied
        return cast("User", request.user)

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context}
        )

    def _decide(self, request: HttpRequest, member: Member, call: Callable[[], object], done: str) -> HttpResponse:
        """Call the action, and say in words what came of it."""
        try:
            call()
        except Refusal as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        else:
            self.log_change(request, cast("Any", member), done)
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(request.path)


class LostAddressAdmin(TwoPeopleAdmin[LostAddress]):
    """Requests for another sign-in address, the undecided ones first to be looked at by a second person."""

    list_display = ["requested_at", "member", "old_email", "new_email", "state", "requested_by", "decided_by"]
    list_filter = ["state", "requested_at"]
    list_select_related = ["member", "requested_by", "decided_by"]
    search_fields = ["old_email", "new_email"]
    search_help_text = _("E-mail address, or the name or number of the member")

    def search_conditions(self, term: str) -> list[Q]:
        email = clean_email(term)
        return [
            Q(old_email__contains=email),
            Q(new_email__contains=email),
            Q(member__in=Member.objects.search(term)),
        ]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.request_view)
        return [path("for/<int:member_pk>/", view, name="lost_address"), *super().get_urls()]

    def request_view(self, request: HttpRequest, member_pk: int) -> HttpResponse:
        """Ask for another address for a member."""
        user = self._require_right(request)
        member = get_object_or_404(Member.objects.select_related("user"), pk=member_pk, erased_at=None)
        if request.method != "POST":
            form = LostAddressForm()
        else:
            form = LostAddressForm(request.POST, request.FILES)
            uploads = keep_uploads(form, "files", by=user, at=timezone.now())
            if form.is_valid() and (
                response := run_once(request, lambda: self._ask(request, user, member, form, uploads))
            ):
                return response
        context = {
            "title": _("Change a lost sign-in address"),
            "member": member,
            "form": form,
            "standing": LostAddress.objects.open().filter(member=member).first(),
        }
        return self._page(request, "admin/members/lostaddress/request.html", context)

    def _ask(
        self, request: HttpRequest, user: User, member: Member, form: LostAddressForm, uploads: Uploads
    ) -> HttpResponse | None:
        data, now = form.cleaned_data, timezone.now()
        try:
            attached = files.collect(uploads=uploads, purpose=LOST_ADDRESS, by=user, at=now)
            row = lost_addresses.request_change(
                member=member,
                new_email=data["new_email"],
                reason=data["reason"],
                attached=attached,
                by=user,
                at=now,
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
            return None
        self.log_change(request, cast("Any", member), gettext("Asked for another sign-in address."))
        self.message_user(request, gettext("Asked for. A colleague has to look at it and decide."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:members_lostaddress_change", args=[row.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What it does and what shows that it is them, with the buttons of the second person."""
        user = self._require_right(request)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if request.method == "POST":
            return self._answer(request, row, user)
        context = {
            "title": _("Change a lost sign-in address"),
            "row": row,
            "member": row.member,
            "evidence": row.files.select_related("file"),
            "asked_it": row.requested_by_id == user.pk,
            "asked_by": name_of(row.requested_by),
            "decided_by": name_of(row.decided_by) if row.decided_by else "",
            "freeze": AccountFreeze.objects.standing().filter(member=row.member_id).first(),
            **(extra_context or {}),
        }
        return self._page(request, "admin/members/lostaddress/decide.html", context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[LostAddress]:
        return super().get_queryset(request).select_related("member__user", "requested_by", "decided_by")

    def _answer(self, request: HttpRequest, row: LostAddress, user: User) -> HttpResponse:
        at = timezone.now()
        if request.POST.get("do") == "approve":
            return self._decide(
                request,
                row.member,
                lambda: lost_addresses.approve_change(request=row, by=user, at=at),
                gettext("The sign-in address has been changed. Both addresses are told."),
            )
        return self._decide(
            request,
            row.member,
            lambda: lost_addresses.refuse_change(request=row, by=user, at=at),
            gettext("Refused. The sign-in address stays as it is."),
        )


class LostAddressFileAdmin(TwoPeopleAdmin[LostAddressFile]):
    """The evidence of all requests; it is looked at on the page of each."""

    list_display = ["request", "file"]
    list_select_related = ["request", "file"]
    fields = ["request", "file"]
    search_fields = ["=request__member__number"]
    ordering = ["-pk"]


class AccountFreezeAdmin(TwoPeopleAdmin[AccountFreeze]):
    """Accounts that the old mailbox has stopped. Two people release one."""

    list_display = ["at", "member", "asked_by", "asked_at", "released_by", "released_at"]
    list_filter = ["at", ("released_at", admin.EmptyFieldListFilter), ("asked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["member", "asked_by", "released_by"]
    search_fields = ["member__number"]
    search_help_text = _("Member number, e-mail address or name")

    def search_conditions(self, term: str) -> list[Q]:
        return [Q(member__in=Member.objects.search(term))]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccountFreeze]:
        return super().get_queryset(request).select_related("member__user", "asked_by", "released_by", "lost_address")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Why it was stopped, with the buttons of the first and of the second person."""
        user = self._require_right(request)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        form = ReleaseForm(request.POST if request.POST.get("do") == "ask" else None)
        if request.method == "POST" and (not form.is_bound or form.is_valid()):
            return self._answer(request, row, user, form)
        context = {
            "title": _("Stopped account"),
            "row": row,
            "member": row.member,
            "form": form,
            "asked_it": row.asked_by_id == user.pk,
            "asked_by": name_of(row.asked_by) if row.asked_by else "",
            "decided_by": name_of(row.released_by) if row.released_by else "",
            **(extra_context or {}),
        }
        return self._page(request, "admin/members/accountfreeze/release.html", context)

    def _answer(self, request: HttpRequest, row: AccountFreeze, user: User, form: ReleaseForm) -> HttpResponse:
        at, pressed = timezone.now(), request.POST.get("do")
        if form.is_bound:
            reason = form.cleaned_data["reason"]
            return self._decide(
                request,
                row.member,
                lambda: lost_addresses.ask_to_release(freeze=row, reason=reason, by=user, at=at),
                gettext("Asked for. A colleague has to look at it and release the account."),
            )
        if pressed == "release":
            return self._decide(
                request,
                row.member,
                lambda: lost_addresses.release_account(freeze=row, by=user, at=at),
                gettext("Released. The member is told, and chooses a new password."),
            )
        return self._decide(
            request,
            row.member,
            lambda: lost_addresses.keep_stopped(freeze=row, by=user, at=at),
            gettext("The account stays stopped."),
        )
