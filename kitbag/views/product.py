"""A registration's own page; withdraw it from review, remove it, put it back (R18, R19, R26, R27, R43)."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cps_portal.core.lib.compiled_queries import CompiledModels
from cps_portal.core.lib.errors import Refusal
from kitbag import rules
from kitbag.actions import evidence, registrations, removals
from kitbag.enums import ASKING, RegistrationState, RemovalReason, ReviewReason
from kitbag.forms import EvidenceForm, GroupForm, RemoveForm
from kitbag.models import PointsEntry, Registration
from kitbag.presenters.ledger import ENTRY_RELATIONS, entry_title, explain_entry, notified_at_by_change
from kitbag.presenters.registrations import RegistrationCard, build_card, finish_url, planned_change_sentences
from kitbag.presenters.texts import NEXT_STEPS, review_sentence
from kitbag.queries.around import Around, what_there_is
from kitbag.queries.duplicates import find_own_duplicates
from kitbag.queries.fast_track import fast_track_days_by_level
from kitbag.views.appeals import appeal_context
from kitbag.views.handovers import ownership_context
from kitbag.views.shortcuts import get_own_registration, redirect_after_post
from members.access import MemberRequest, member_required
from members.enums import Level
from members.queries import membership_of
from members.rules import Membership

ENTRIES: CompiledModels[PointsEntry] = CompiledModels(
    lambda registration: (
        PointsEntry.objects.filter(registration=registration).select_related(*ENTRY_RELATIONS).order_by("-pk")
    ),
    related=ENTRY_RELATIONS,
)


@dataclass(frozen=True)
class HistoryLine:
    """One line of a product's history."""

    at: datetime
    title: str | Promise
    reason: str | Promise
    icon: str
    amount: int | None = None


@dataclass(frozen=True)
class RepairTarget:
    """The repair target at one level, for the comparison. `days` are working days, None without Fast Track."""

    label: str | Promise
    days: int | None
    mine: bool

    @property
    def width(self) -> str:
        """A share of the longest bar, for an SVG attribute."""
        return f"{100 * (self.days or rules.STANDARD_DAYS) // rules.STANDARD_DAYS}%"


@require_GET
@member_required
def product(request: MemberRequest, pk: int) -> HttpResponse:
    """Of an account that became one with this one: what counts instead, or the page of what had ended before (R69)."""
    if request.member.absorbed and (other := Registration.objects.absorbed_by(request.member).filter(pk=pk).first()):
        if instead := request.member.registrations.filter(merged_from__registration=other).last():
            return redirect(instead)
        return render(request, "kitbag/product.html", product_context(request, other))
    return render(request, "kitbag/product.html", product_context(request, get_own_registration(request, pk)))


@require_POST
@member_required
def reopen(request: MemberRequest, pk: int) -> HttpResponse:
    """Withdraw it from review, to correct it (R19)."""
    registration = get_own_registration(request, pk)
    try:
        registration = registrations.reopen_registration(registration=registration, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
        return redirect_after_post(request, registration.get_absolute_url())
    return redirect_after_post(request, finish_url(registration))


@require_POST
@member_required
def undo_removal(request: MemberRequest, pk: int) -> HttpResponse:
    """Put a removed product back, within some days (R26)."""
    registration = get_own_registration(request, pk)
    try:
        registration = removals.undo_removal(registration=registration, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        counts = registration.state == RegistrationState.VALIDATED
        sentence = _t("%(product)s is back, and it counts.") if counts else _t("%(product)s is back in your Kitbag.")
        messages.success(request, sentence % {"product": registration.product})
    return redirect(registration)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    """Show what it costs and ask for the reason, then remove it (R26)."""
    registration = get_own_registration(request, pk)
    if not registration.is_live:
        messages.info(request, _t("%(product)s is no longer in your Kitbag.") % {"product": registration.product.name})
        return redirect_after_post(request, reverse("kitbag:list"))
    form = RemoveForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _remove(request, registration, RemovalReason(form.cleaned_data["reason"]))
    context = {
        "registration": registration,
        "product": registration.product,
        "form": form,
        "in_dialog": bool(request.htmx),
        "holds": list(registration.holds.all()),
        **ownership_context(registration, what_there_is(registration)),
        **_cost(registration, membership_of(request.member)),
    }
    return render(request, "kitbag/_remove_form.html" if request.htmx else "kitbag/remove.html", context)


def _remove(request: MemberRequest, registration: Registration, reason: RemovalReason) -> HttpResponse:
    try:
        removals.remove_registration(
            registration=registration, reason=reason, by=registration.member.user, at=timezone.now()
        )
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        sentence = _t("%(product)s is removed from your Kitbag.") % {"product": registration.product.name}
        messages.success(
            request, format_html('{} <a href="{}">{}</a>', sentence, registration.get_absolute_url(), _t("Put it back"))
        )
    return redirect_after_post(request, reverse("kitbag:list"))


def product_context(request: MemberRequest, registration: Registration) -> dict[str, object]:
    around = what_there_is(registration)
    membership = membership_of(request.member)
    days = fast_track_days_by_level(membership)
    duplicate_of = find_own_duplicates([registration]).get(registration.pk)
    card = build_card(registration, days.get(request.member.level), duplicate_of)
    return {
        "card": card,
        "membership": membership,
        "registration": registration,
        "product": registration.product,
        "review": review_sentence(registration, timezone.now()),
        "next_step": NEXT_STEPS.get(registration.refusal_reason),  # type: ignore[call-overload]
        "can_reopen": registration.state == RegistrationState.SUBMITTED
        and registration.review_reason not in ("", ReviewReason.APPEAL),
        **appeal_context(registration, around),
        **ownership_context(registration, around),
        "planned_changes": planned_change_sentences([registration.product_id]).get(registration.product_id)
        if registration.is_live and around.planned_change
        else "",
        "targets": _targets(card, days, request.member.level),
        "standard_days": rules.STANDARD_DAYS,
        "history": _history(registration),
        "photo_form": None,
        **_for_the_owner(request, registration, around),
        "holds": list(registration.holds.all()) if around.hold else [],
        "evidence": registration.evidence.kept() if around.evidence else [],
        "evidence_form": EvidenceForm() if evidence.is_undecided(registration, around) else None,
    }


def _for_the_owner(request: MemberRequest, registration: Registration, around: Around) -> dict[str, object]:
    """Price and group, unless staff look at the page as the member: these are for the member's eyes only."""
    if not registration.is_live or hasattr(request, "viewed_by"):
        return {"price_form": None, "group_form": None}
    return {
        "price_form": None,
        "group_form": GroupForm(registration=registration, has_groups=around.groups),
    }


def _cost(registration: Registration, membership: Membership) -> dict[str, object]:
    cost = removals.removal_cost(registration)
    return {
        "membership": membership,
        "cost": cost,
        "level_before": Level(cost.level_before).label,
        "level_after": Level(cost.level_after).label,
    }


def _targets(card: RegistrationCard, days: dict[str, int | None], mine: str) -> list[RepairTarget]:
    """What each level gives for this product. Of the levels without Fast Track only Red and the member's own show."""
    product = card.registration.product
    if not product.is_fast_track:
        return []
    targets = [
        RepairTarget(
            Level(level).label,
            rules.target_days(days.get(level), fast_track=True, video_class=product.video_class),
            mine=level == mine,
        )
        for level in Level.values
    ]
    return [target for target in targets if target.days or target.mine or target.label == Level.RED.label]


def _history(registration: Registration) -> list[HistoryLine]:
    """The ledger entries of this product and what happened to its registration, newest first (R21)."""
    name = registration.product.name
    entries = ENTRIES.all(registration=registration.pk)
    notified_at = notified_at_by_change(registration.member, entries)
    lines = [
        HistoryLine(
            entry.at,
            entry_title(entry.cause, name),
            explain_entry(entry, notified_at),
            _icon(entry.amount),
            entry.amount,
        )
        for entry in entries
    ]
    if registration.ended_at:
        reason = (
            RemovalReason(registration.removal_reason).label
            if registration.removal_reason
            else registration.get_state_display()
        )
        lines.append(HistoryLine(registration.ended_at, _("Left your Kitbag"), reason, "trash"))
    if registration.state == RegistrationState.REJECTED and registration.decided_at:
        asked_for_more = registration.refusal_reason in ASKING
        title = _("We asked for more") if asked_for_more else _("Not accepted")
        lines.append(HistoryLine(registration.decided_at, title, registration.get_refusal_reason_display(), "alert"))
    if registration.submitted_at:
        # Not the label of the review reason, because it would tell a thief that the product is reported stolen (R34).
        reason = review_sentence(registration, timezone.now()) or _("All four details are in.")
        lines.append(HistoryLine(registration.submitted_at, _("Submitted to be checked"), reason, "check"))
    lines.append(HistoryLine(registration.added_at, _("Added to your Kitbag"), "", "plus"))
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _icon(amount: int) -> str:
    return "check" if amount > 0 else "minus"
