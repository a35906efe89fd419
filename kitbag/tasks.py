from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from cps_portal.lib.background import publish
from kitbag.actions import points, registrations
from kitbag.enums import PointsCause
from kitbag.models import Registration
from kitbag.texts import CAUSE_SENTENCES

BATCH = 100  # a batch in which every level moves also words as many mails while it holds its members
SWEEP_LIMIT = 1000


@shared_task(name="kitbag.check_registration")
def check_registration(registration: int) -> None:
    row = Registration.objects.filter(pk=registration).first()
    if row:
        registrations.check_registration(registration=row, at=timezone.now())


@shared_task(name="kitbag.sweep_undecided")
def sweep_undecided() -> None:
    """Check what was submitted a minute ago and never checked: its task was lost with the broker."""
    now = timezone.now()
    waiting = Registration.objects.undecided(since=now - timedelta(minutes=1)).order_by("submitted_at")
    for row in waiting[:SWEEP_LIMIT]:
        registrations.check_registration(registration=row, at=now)


@shared_task(name="kitbag.settle_holders")
def settle_holders(product: int, cause: str, after: int = 0) -> None:
    """Settle the next batch of a product's holders after its stage changed, then queue the one after it."""
    last = points.settle_holders(
        product=product,
        after=after,
        limit=BATCH,
        cause=PointsCause(cause),
        because=CAUSE_SENTENCES[PointsCause(cause)],
        at=timezone.now(),
    )
    if last is not None:
        publish("kitbag.settle_holders", product, cause, last)
