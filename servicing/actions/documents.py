"""What a centre adds to a job besides words: photos, proofs of purchase, documents (R47, R60)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as stored
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from servicing.actions import telling
from servicing.actions.recording import Who
from servicing.actions.talking import may_write
from servicing.enums import TicketFileKind
from servicing.models import Ticket, TicketFile

MAX_FILES = 100  # files of one job


@transaction.atomic
def add_document(*, ticket: Ticket, kind: TicketFileKind, file: StoredFile, who: Who, at: datetime) -> TicketFile:
    """Add a file to a job; a document is meant for the customer, who is told.

    Raises Refusal: `over` long after the end, `many`, and `gone` for the file.
    """
    locked = Ticket.objects.locked(ticket.pk)
    require_room(locked, at)
    stored.attach(files=[file], at=at)
    row = TicketFile.objects.create(ticket=locked, file=file, kind=kind, partner=who.partner, at=at)
    if kind == TicketFileKind.DOCUMENT:
        telling.tell_document(document=row, ticket=locked)
    Ticket.objects.filter(pk=locked.pk).update(changed_at=at)
    return row


def require_room(ticket: Ticket, at: datetime) -> None:
    """Also asked before a file is looked at, which costs more. Raises Refusal as `add_document`."""
    if not may_write(ticket, at):
        raise Refusal("over", _("This job is over. Write to us about it instead."))
    if ticket.files.count() >= MAX_FILES:
        raise Refusal("many", _("This job has too many files. Put what belongs together into one PDF."), "file")
