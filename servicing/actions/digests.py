"""Mail each centre about the messages that it has not answered, in one message (R70, R73)."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import Kind
from servicing.models import ServiceCentre
from servicing.queries.conversation import unanswered_tickets

NO_PAUSE = timedelta(0)


def mail_unanswered(*, at: datetime) -> int:
    """One message to each open centre with something to answer, not more often than the setting says.

    Returns how many. A message that still waits to be sent is not followed by another one.
    """
    written_before = at - timedelta(minutes=settings.NOTICE_PAUSE_MINUTES)
    waiting = unanswered_tickets(at).filter(centre=OuterRef("pk"), unread_since__lte=written_before)
    centres = ServiceCentre.objects.exclude(email="").filter(Exists(waiting), _is_due(at)).order_by("pk")
    return sum(_mail(centre, at) for centre in centres if centre.is_open_at(at))


def _is_due(at: datetime) -> Q:
    return Q(messages_mailed_at=None) | Q(messages_mailed_at__lte=at - settings.MESSAGES_MAILED_EVERY)


@transaction.atomic
def _mail(centre: ServiceCentre, at: datetime) -> bool:
    claimed = ServiceCentre.objects.filter(_is_due(at), pk=centre.pk).update(messages_mailed_at=at)
    if claimed:
        outbox.enqueue_collected(
            group=f"centre-messages-{centre.pk}",
            kind=Kind.MAIL,
            to=centre.email,
            payload=outbox.rendered_later("servicing.unanswered", centre=centre.pk),
            at=at,
            pause=NO_PAUSE,
            max_pause=NO_PAUSE,
        )
    return bool(claimed)
