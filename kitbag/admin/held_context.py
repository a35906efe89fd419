"""What a page says of decisions that are held: the last one, to take it back, and what was dropped (R54)."""

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone

from kitbag.admin.staff import staff_user
from kitbag.enums import DecisionKind, HeldState
from kitbag.models import HeldDecision

TOAST = "admin/kitbag/registration/_toast.html"
MAX_DROPPED_SHOWN = 10
MAX_SHOWN = 60  # those of one press, and what was dropped


def held_note(decision: HeldDecision) -> str:
    """What was decided, in a few words, for the log and for the line under the page."""
    details = {
        DecisionKind.REFUSE: decision.get_reason_display(),
        DecisionKind.ASK: decision.text,
        DecisionKind.CLAIM: decision.get_outcome_display(),
    }
    detail = details.get(DecisionKind(decision.kind))
    return f"{decision.get_kind_display()}: {detail}" if detail else f"{decision.get_kind_display()}."


def held_context(request: HttpRequest) -> dict[str, Any]:
    """The last decision of this person that can be taken back, and those that were dropped."""
    user, now = staff_user(request), timezone.now()
    shown = list(HeldDecision.objects.shown(user, now).with_subjects()[:MAX_SHOWN])
    dropped = [decision for decision in reversed(shown) if decision.state == HeldState.DROPPED]
    undoable = [decision for decision in shown if decision.state == HeldState.HELD]
    latest = undoable[0] if undoable else None
    together = [decision for decision in undoable if latest and decision.held_at == latest.held_at]
    return {
        "held": latest,
        "held_together": len(together),
        "held_note": held_note(latest) if latest else "",
        "seconds": max(round((latest.apply_at - now).total_seconds()), 1) if latest else 0,
        "dropped": dropped[:MAX_DROPPED_SHOWN],
    }


def render_toast(request: HttpRequest) -> str:
    return render_to_string(TOAST, held_context(request), request)
