"""Admin pages on which two people make two accounts of one person one, and undo it (R69)."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.forms import LineField
from cps_portal.core.lib.text import clean_code, clean_email
from cps_portal.site import account_merges
from cps_portal.site.lost_address_admin import TwoPeopleAdmin, reason_field
from cps_portal.site.presenters.account_merges import compare
from cps_portal.site.presenters.cases import name_of
from kitbag.models import MergedAdjustment, MergedRegistration
from members.forms.common import add_refusal
from members.models import AccountMerge, Member, User

MERGE = "members.merge_accounts"
MAX_TYPED = 254


class OtherAccountForm(forms.Form):
    """Which account is the other one: by its number or its e-mail address."""

    other = LineField(
        label=_("Member number or email address of the other account"),
        max_length=MAX_TYPED,
        widget=forms.TextInput({"class": "d-input", "autocomplete": "off"}),
        error_messages={"required": _("Type the number or the address of the other account.")},
    )

    def clean_other(self) -> Member:
        typed = self.cleaned_data["other"]
        number = clean_code(typed).replace(" ", "").replace("-", "")
        found = Member.objects.filter(Q(number=number) | Q(user__email=clean_email(typed)), erased_at=None)
        member = found.select_related("user").first()
        if member is None:
            raise ValidationError(_("There is no member with this number or address. Check it."))
        return member


class ReasonForm(forms.Form):
    reason = reason_field(
        _("Why you think that it is one person"),
        help_text=_("What both accounts have in common, and how you asked."),
        error_messages={"required": _("Say how you know that it is one person: a colleague decides by it.")},
    )


class AccountMergeAdmin(TwoPeopleAdmin[AccountMerge]):
    """Merges that were proposed, made, refused and undone."""

    right = MERGE
    list_display = ["requested_at", "ended", "survivor", "state", "requested_by", "decided_by", "undone_by"]
    list_filter = ["state", "requested_at"]
    list_select_related = ["survivor", "ended", "requested_by", "decided_by", "undone_by"]
    search_fields = ["survivor__number", "ended__number"]
    search_help_text = _("Member number, e-mail address or name")

    def search_conditions(self, term: str) -> list[Q]:
        members = Member.objects.search(term)
        return [Q(survivor__in=members), Q(ended__in=members)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccountMerge]:
        related = ("survivor__user", "ended__user", "requested_by", "decided_by", "undone_by")
        return super().get_queryset(request).select_related(*related)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.propose_view)
        return [path("for/<int:member_pk>/", view, name="merge_accounts"), *super().get_urls()]

    def propose_view(self, request: HttpRequest, member_pk: int) -> HttpResponse:
        """Name the other account, look at both line by line, and propose. `swap`: the other one stays."""
        user = self._require_right(request)
        member = get_object_or_404(Member.objects.select_related("user"), pk=member_pk, erased_at=None)
        typed = request.POST if request.method == "POST" else request.GET
        chosen = OtherAccountForm(typed if "other" in typed else None)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        context = {"title": _("Merge a double account"), "member": member, "chosen": chosen, "form": form}
        if not (chosen.is_bound and chosen.is_valid()):
            return self._page(request, "admin/members/accountmerge/choose.html", context)
        other = chosen.cleaned_data["other"]
        swap = typed.get("swap") == "1"
        survivor, ended = (other, member) if swap else (member, other)
        is_sent = request.method == "POST" and form.is_valid()
        if is_sent and (done := self._propose(request, user, survivor, ended, form)):
            return done
        plan = account_merges.plan_merge(survivor=survivor, ended=ended, at=timezone.now())
        context |= {"plan": plan, "lines": compare(plan), "swap": swap, "other": other, "blockers": plan.blockers}
        return self._page(request, "admin/members/accountmerge/propose.html", context)

    def _propose(
        self, request: HttpRequest, user: User, survivor: Member, ended: Member, form: ReasonForm
    ) -> HttpResponse | None:
        reason = form.cleaned_data["reason"]
        try:
            row = account_merges.propose_merge(
                survivor=survivor, ended=ended, reason=reason, by=user, at=timezone.now()
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
            return None
        self.log_change(request, cast("Any", survivor), gettext("Proposed to merge another account into it."))
        self.message_user(request, gettext("Proposed. A colleague has to look at it and decide."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:members_accountmerge_change", args=[row.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Both accounts line by line with the buttons of the second person; afterwards what was done, and undoing."""
        user = self._require_right(request)
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if request.method == "POST":
            return self._answer(request, row, user)
        at = timezone.now()
        context: dict[str, Any] = {
            "title": _("Merge a double account"),
            "row": row,
            "member": row.survivor,
            "asked_it": row.requested_by_id == user.pk,
            "asked_by": name_of(row.requested_by),
            "decided_by": name_of(row.decided_by) if row.decided_by else "",
            **(extra_context or {}),
        }
        if row.is_open:
            plan = account_merges.plan_merge(survivor=row.survivor, ended=row.ended, at=at)
            context |= {"plan": plan, "lines": compare(plan), "blockers": plan.blockers}
        else:
            context |= {
                "links": row.registrations.select_related("registration__product", "became"),
                "blockers": account_merges.blockers_of_undoing(merge=row, at=at) if row.is_done else [],
            }
        return self._page(request, "admin/members/accountmerge/decide.html", context)

    def _answer(self, request: HttpRequest, row: AccountMerge, user: User) -> HttpResponse:
        at, pressed = timezone.now(), request.POST.get("do")
        if pressed == "merge":
            return self._decide(
                request,
                row.survivor,
                lambda: account_merges.confirm_merge(merge=row, by=user, at=at),
                gettext("Merged. Both addresses are told."),
            )
        if pressed == "undo":
            return self._decide(
                request,
                row.survivor,
                lambda: account_merges.undo_merge(merge=row, by=user, at=at),
                gettext("Undone. Both addresses are told."),
            )
        return self._decide(
            request,
            row.survivor,
            lambda: account_merges.refuse_merge(merge=row, by=user, at=at),
            gettext("Refused. Both accounts stay as they are."),
        )


class MergedRegistrationAdmin(TwoPeopleAdmin[MergedRegistration]):
    """Which registration counts instead of which one."""

    right = MERGE
    list_display = ["merge", "registration", "became", "ended_state", "state_after"]
    list_select_related = ["merge", "registration__product", "became__product"]
    search_fields = ["=merge__survivor__number", "=merge__ended__number"]
    ordering = ["-pk"]


class MergedAdjustmentAdmin(TwoPeopleAdmin[MergedAdjustment]):
    """Which points from staff count instead of which."""

    right = MERGE
    list_display = ["merge", "adjustment", "became"]
    list_select_related = ["merge", "adjustment", "became"]
    search_fields = ["=merge__survivor__number", "=merge__ended__number"]
    ordering = ["-pk"]
