"""Photos of what arrived at the counter (R73)."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from servicing.actions.dispatch import Payload, perform_event_action
from servicing.actions.events import Actor, EventDetails
from servicing.actions.messages import add_document, require_may_add_file
from servicing.enums import EventKind, TicketFileKind
from servicing.models import Ticket, TicketEvent


def book_in_with_photos(
    *, ticket: Ticket, payload: Payload, photos: Sequence[StoredFile], details: EventDetails
) -> None:
    """Book it in, and add photos of it as it arrived. Nothing is added if the same report was recorded before.

    Not one transaction: a sighting of a stolen product is kept though it is not booked in (R34).
    Raises Refusal as `book_in` and `add_document`.
    """
    if photos:
        require_may_add_file(ticket, details["at"])
    event = perform_event_action(ticket=ticket, kind=EventKind.BOOKED_IN, payload=payload, details=details)
    if isinstance(event, TicketEvent) and event.received_at == details["at"]:
        add_intake_photos(ticket=ticket, photos=photos, details=details)


def add_photos_later(*, ticket: Ticket, photos: Sequence[StoredFile], details: EventDetails) -> None:
    """Photos taken after it was booked in. Raises Refusal `move` before that, and as `add_document`."""
    if ticket.booked_in_at is None:
        raise Refusal("move", _("Book it in first. Photos can be taken at the same time."), "files")
    add_intake_photos(ticket=ticket, photos=photos, details=details)


@transaction.atomic
def add_intake_photos(*, ticket: Ticket, photos: Sequence[StoredFile], details: EventDetails) -> None:
    """The customer sees them on the page of the job. Raises Refusal as `add_document`."""
    actor: Actor = details["actor"]
    for photo in photos:
        add_document(ticket=ticket, kind=TicketFileKind.INTAKE, file=photo, actor=actor, at=details["at"])
