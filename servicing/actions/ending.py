"""The way back, and jobs that are called off (R49, R52)."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from servicing.actions.heard import heard_before
from servicing.actions.recording import Who, record_on
from servicing.enums import BEFORE_INTAKE, EventKind
from servicing.models import Ticket

MAX_TRACKING_LENGTH = 60
MAX_URL_LENGTH = 300
is_page = URLValidator(schemes=["https"])


@transaction.atomic
def ship(
    *,
    ticket: Ticket,
    who: Who,
    at: datetime,
    carrier: str = "",
    tracking: str = "",
    tracking_url: str = "",
    occurred_at: datetime | None = None,
    external_id: str = "",
) -> Ticket:
    """It is on its way back. Raises Refusal beside `carrier`, `tracking`, `tracking_url`, and as `record_event`."""
    locked = Ticket.objects.locked(ticket.pk)
    if heard_before(locked, external_id):
        return locked
    for field, value in (("carrier", carrier), ("tracking", tracking)):
        if len(value.strip()) > MAX_TRACKING_LENGTH:
            raise Refusal(
                "long", _("This is too long. Use at most %(n)d characters.") % {"n": MAX_TRACKING_LENGTH}, field
            )
    if tracking_url:
        _check_page(tracking_url)
    locked.carrier, locked.tracking, locked.tracking_url = carrier.strip(), tracking.strip(), tracking_url
    locked.save(update_fields=["carrier", "tracking", "tracking_url"])
    done, _event = record_on(
        ticket=locked, kind=EventKind.SHIPPED, who=who, at=at, occurred_at=occurred_at, external_id=external_id
    )
    return done


@transaction.atomic
def cancel(
    *, ticket: Ticket, who: Who, at: datetime, occurred_at: datetime | None = None, external_id: str = ""
) -> Ticket:
    """Call a job off; its place goes to who waits (R49). The member may until it is booked in.

    Raises Refusal: `at_centre`, and as `record_event`.
    """
    locked = Ticket.objects.locked(ticket.pk)
    is_members = bool(who.user and locked.member and locked.member.user_id == who.user.pk)
    if is_members and locked.state not in BEFORE_INTAKE:
        raise Refusal("at_centre", _("It is at the centre already. Write to the centre if you want it back."))
    done, _event = record_on(
        ticket=locked, kind=EventKind.CANCELLED, who=who, at=at, occurred_at=occurred_at, external_id=external_id
    )
    return done


def _check_page(url: str) -> None:
    try:
        is_page(url)
    except ValidationError:
        url = ""
    if not url or len(url) > MAX_URL_LENGTH:
        raise Refusal("url", _("Write the whole address of the page, with https://."), "tracking_url")
