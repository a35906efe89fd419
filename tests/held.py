"""What the worker does with held decisions once their time is over (R54)."""

from django.utils import timezone

from kitbag import tasks
from kitbag.models import HeldDecision


def apply_held() -> None:
    """End the time to take back of every held decision, and apply them."""
    now = timezone.now()
    for decision in HeldDecision.objects.filter(state="held"):
        HeldDecision.objects.filter(pk=decision.pk).update(apply_at=max(decision.held_at, now))
    for key in HeldDecision.objects.due(timezone.now()).values_list("pk", flat=True):
        tasks.apply_decision(key)
