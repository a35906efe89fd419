"""Staff replace or stop the card of a member, and see before what it does (R40, R54)."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from cps_portal.core.lib.errors import Refusal
from members.forms.common import add_refusal
from members.models import Member, User
from members.offers.actions.card_requests import address_for_card
from members.offers.actions.cards import replace_card, revoke_card
from members.offers.enums import CardEnd
from members.offers.models import Card

CHANGE_CARD = "offers.change_card"
ON_PHONE, BY_POST = "phone", "post"
REASONS = {
    CardEnd.LOST: _("The old number ends now, on plastic, paper and phone"),
    CardEnd.DAMAGED: _("The same: the old number ends now"),
    CardEnd.LEAKED: _("Somebody else may have the code"),
    CardEnd.NAME: _("The new card has the name of today"),
}


class ReplaceCardForm(forms.Form):
    """Why the old card ends, and where the new one goes. Without an address it is on the phone only."""

    reason = forms.ChoiceField(
        label=_("What happened"),
        choices=[(reason.value, reason.label) for reason in REASONS],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what happened.")},
    )
    where = forms.ChoiceField(
        label=_("Where to"),
        choices=[(ON_PHONE, _("Only on their phone")), (BY_POST, _("Also by post"))],
        initial=ON_PHONE,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose where it goes.")},
    )

    def __init__(self, *args: Any, has_address: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_address:
            self.fields["where"].choices = [(ON_PHONE, _("Only on their phone"))]  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def replace(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest card of an open account. A card that was replaced already leads to the newest one."""
    user = cast(User, request.user)
    if not user.has_perms([CHANGE_CARD, "members.view_member"]):
        raise PermissionDenied
    cards = Card.objects.filter(member__closed_at=None).select_related("member__user")
    card = get_object_or_404(cards, pk=pk)
    newest = Card.objects.filter(member=card.member_id).order_by("-pk").values_list("pk", flat=True)[0]
    if newest != card.pk:
        messages.warning(request, _("This card has been replaced already. Here is the newest one."))
        return HttpResponseRedirect(reverse("admin:replace_card", args=[newest]))
    address = address_for_card(card.member)
    form = ReplaceCardForm(request.POST if request.method == "POST" else None, has_address=address is not None)
    if form.is_valid() and _end(request, card, form, user):
        return HttpResponseRedirect(_page_of(card.member))
    context = {
        **admin.site.each_context(request),
        "title": gettext("Replace the card"),
        "opts": Card._meta,
        "member": card.member,
        "card": card,
        "form": form,
        "reasons": list(zip(form["reason"], REASONS.values(), strict=True)),
        "places": list(zip(form["where"], ["", ", ".join(address.label_lines) if address else ""], strict=False)),
        "has_address": address is not None,
    }
    return TemplateResponse(request, "admin/desk/replace_card.html", context)


def _page_of(member: Member) -> str:
    return reverse("admin:members_member_change", args=[member.pk])


def _end(request: HttpRequest, card: Card, form: ReplaceCardForm, user: User) -> bool:
    """Replace the card, or only stop it. Returns whether that was done; otherwise the form has the error."""
    reason, now = CardEnd(form.cleaned_data["reason"]), timezone.now()
    try:
        if request.POST.get("do") == "stop":
            done = _stop(card, reason, user)
        else:
            post = form.cleaned_data["where"] == BY_POST
            new = replace_card(card=card, reason=reason, post=post, by=user, at=now)
            facts = {"number": new.number_in_groups, "reason": reason.label}
            done = gettext("Replaced by %(number)s: %(reason)s.") % facts
    except Refusal as refusal:
        add_refusal(form, refusal)
        return False
    LogEntry.objects.log_actions(user.pk, [card], CHANGE, change_message=done, single_object=True)
    messages.success(request, done)
    return True


def _stop(card: Card, reason: CardEnd, user: User) -> str:
    """Raises Refusal `none` if there is no valid card."""
    if not revoke_card(member=card.member, reason=reason, by=user, at=timezone.now()):
        raise Refusal("none", _("This member has no valid card."))
    return gettext("Stopped: %(reason)s.") % {"reason": reason.label}
