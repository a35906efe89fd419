"""Moving to another country: what changes, before it is confirmed and afterwards (R6, R65)."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cps_portal.core.lib.errors import Refusal
from cps_portal.site.actions import move_member
from cps_portal.site.presenters.country_change import build_country_change, newest_plan
from cps_portal.site.presenters.moving import Move, build_move
from members.access import MemberRequest, member_required
from members.enums import NoticeCode
from members.forms.common import add_refusal
from members.forms.profile import MoveConfirmForm, MoveForm
from members.middleware import TERMS_KEY
from members.models import Notice


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def moving(request: MemberRequest) -> HttpResponse:
    """Choose a country, see what changes, confirm. It has to be the country whose changes were shown."""
    member = request.member
    data = request.POST if request.method == "POST" else request.GET
    form = MoveForm(data if "country" in data else None, member=member)
    move = confirmation = None
    if form.is_valid():
        code = form.cleaned_data["country"]
        move = build_move(member, from_country=member.country.code, to_country=code)
        is_confirmed = request.method == "POST" and request.POST.get("confirmed") == code
        confirmation = MoveConfirmForm(request.POST if is_confirmed else None, country=move.after.country)
        if is_confirmed and confirmation.is_valid():
            try:
                move_member(member=member, country=code, by=request.user, at=timezone.now())
            except Refusal as refusal:
                add_refusal(form, refusal)
            else:
                request.session.pop(TERMS_KEY, None)  # the new country may have its own
                messages.success(request, _("Your country is now %(country)s.") % {"country": move.after.country})
                return redirect("moved")
    context = {"form": form, "move": move, "confirmation": confirmation, "member": member}
    is_wrong = form.errors or (confirmation and confirmation.errors)
    return render(request, "members/moving.html", context, status=422 if is_wrong else 200)


@never_cache
@require_safe
@member_required
def moved(request: MemberRequest) -> HttpResponse:
    """What the latest move has changed, as it is today."""
    move = _latest_move(request)
    return render(request, "members/moved.html", {"move": move}) if move else redirect("moving")


@require_safe
@member_required
def country_change(request: MemberRequest) -> HttpResponse:
    """What a planned change of the programme where the member lives stops, keeps and when (R1)."""
    member = request.member
    plan = newest_plan(member)
    if plan is None:
        return redirect("dashboard")
    context = {"plan": plan, "move": build_country_change(member, plan)}
    return render(request, "members/country_change.html", context)


def _latest_move(request: MemberRequest) -> Move | None:
    """None if the country has been changed otherwise since."""
    member = request.member
    last = Notice.objects.filter(member=member, code=NoticeCode.MOVED).first()
    if last is None or last.params["to"] != member.country.code:
        return None
    return build_move(member, from_country=last.params["from"], to_country=last.params["to"], is_done=True)
