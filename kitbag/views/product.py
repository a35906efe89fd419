"""A product's own page, and taking it back or out of the Kitbag (R18, R19, R26, R27, R43)."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cps_portal.core.lib.errors import Refusal
from kitbag import rules
from kitbag.actions import evidence, registrations
from kitbag.enums import RefusalReason, RegistrationState, RemovalReason, ReviewReason
from kitbag.forms import EvidenceForm, RemoveForm
from kitbag.models import Registration
from kitbag.presenters.registrations import (
    Kit,
    ahead_sentences,
    days_by_level,
    entry_title,
    finish_address,
    go,
    own,
    show,
)
from kitbag.presenters.texts import NEXT_STEPS, REVIEW_SENTENCES
from kitbag.views.appealing import appeal_context
from kitbag.views.causes import CAUSES, explain, told_when
from kitbag.views.handing_over import ownership_context
from members.access import MemberRequest, member_required
from members.enums import Level


@dataclass(frozen=True)
class Event:
    """One line of a product's history."""

    at: datetime
    title: str | Promise
    why: str | Promise
    icon: str
    amount: int | None = None


@dataclass(frozen=True)
class Target:
    """The repair target at one level, for the comparison."""

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
    return render(request, "kitbag/product.html", product_context(request, own(request, pk)))


@require_POST
@member_required
def reopen(request: MemberRequest, pk: int) -> HttpResponse:
    """Take it back from the queue, to correct it (R19)."""
    row = own(request, pk)
    try:
        row = registrations.reopen_registration(registration=row, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
        return go(request, row.get_absolute_url())
    return go(request, finish_address(row))


@require_http_methods(["GET", "HEAD", "POST"])
@member_required
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    """What it costs first, then why, then it goes (R26)."""
    row = own(request, pk)
    if not row.is_live:
        messages.info(request, _t("%(product)s has left your Kitbag already.") % {"product": row.product.name})
        return go(request, reverse("kitbag:list"))
    form = RemoveForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _removed(request, row, RemovalReason(form.cleaned_data["reason"]))
    shown = {"row": row, "product": row.product, "form": form, "holds": list(row.holds.all())}
    context = {**shown, **ownership_context(row), **_cost(row)}
    return render(request, "kitbag/remove.html", context)


def _removed(request: MemberRequest, row: Registration, reason: RemovalReason) -> HttpResponse:
    try:
        registrations.remove_registration(registration=row, reason=reason, by=row.member.user, at=timezone.now())
    except Refusal as refusal:
        messages.info(request, str(refusal))
    else:
        sentence = _t("%(product)s has left your Kitbag.") % {"product": row.product.name}
        messages.success(
            request, format_html('{} <a href="{}">{}</a>', sentence, row.get_absolute_url(), _t("Put it back"))
        )
    return go(request, reverse("kitbag:list"))


def product_context(request: MemberRequest, row: Registration) -> dict[str, object]:
    days = days_by_level(request.member)
    kit = show(row, days.get(request.member.level))
    return {
        "kit": kit,
        "row": row,
        "product": row.product,
        "review": REVIEW_SENTENCES.get(row.review_reason),  # type: ignore[call-overload]
        "next_step": NEXT_STEPS.get(row.refusal_reason),  # type: ignore[call-overload]
        "can_reopen": row.state == RegistrationState.SUBMITTED and row.review_reason not in ("", ReviewReason.APPEAL),
        **appeal_context(row),
        **ownership_context(row),
        "ahead": ahead_sentences([row.product_id]).get(row.product_id) if row.is_live else "",
        "targets": _targets(kit, days, request.member.level),
        "standard_days": rules.STANDARD_DAYS,
        "history": _history(row),
        "remove_form": RemoveForm(),
        "holds": list(row.holds.all()),
        "evidence": row.evidence.kept(),
        "evidence_form": EvidenceForm() if evidence.is_undecided(row) else None,
        **(_cost(row) if row.is_live else {"cost": None}),
    }


def _cost(row: Registration) -> dict[str, object]:
    cost = registrations.removal_cost(row)
    return {
        "cost": cost,
        "level_before": Level(cost.level_before).label,
        "level_after": Level(cost.level_after).label,
    }


def _targets(kit: Kit, days: dict[str, int | None], mine: str) -> list[Target]:
    """What each level gives for this product; the levels that give no more than about ten days are one line."""
    product = kit.row.product
    if not product.is_fast_track:
        return []
    lines = [
        Target(
            Level(level).label,
            rules.target_days(days.get(level), fast_track=True, video_class=product.video_class),
            mine=level == mine,
        )
        for level in Level.values
    ]
    return [line for line in lines if line.days or line.mine or line.label == Level.RED.label]


def _history(row: Registration) -> list[Event]:
    """The ledger's entries of this product and what happened to its registration, newest first (R21)."""
    name = row.product.name
    entries = list(row.entries.select_related(*CAUSES).order_by("-pk"))
    told = told_when(row.member, entries)
    events = [
        Event(entry.at, entry_title(entry.cause, name), explain(entry, told), _icon(entry.amount), entry.amount)
        for entry in entries
    ]
    if row.ended_at:
        reason = RemovalReason(row.removal_reason).label if row.removal_reason else row.get_state_display()
        events.append(Event(row.ended_at, _("Left your Kitbag"), reason, "trash"))
    if row.state == RegistrationState.REJECTED and row.decided_at:
        asked = row.refusal_reason == RefusalReason.NEEDS_EVIDENCE
        title = _("We asked for more") if asked else _("Refused")
        events.append(Event(row.decided_at, title, row.get_refusal_reason_display(), "alert"))
    if row.submitted_at:
        # Never the label of the reason: it would tell whoever presents stolen kit (R34).
        why = REVIEW_SENTENCES[ReviewReason(row.review_reason)] if row.review_reason else _("All four details are in.")
        events.append(Event(row.submitted_at, _("Handed in to be checked"), why, "check"))
    events.append(Event(row.added_at, _("Added to your Kitbag"), "", "plus"))
    return sorted(events, key=lambda event: event.at, reverse=True)


def _icon(amount: int) -> str:
    return "check" if amount > 0 else "minus"
