"""Erase persons from tickets (R14). The law requires us to keep the jobs and what they cost."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q

from cps_portal.core.files import actions as stored_files
from cps_portal.core.files.models import StoredFile
from members.models import BLANK_ADDRESS, Member
from servicing.enums import WaitingFor
from servicing.models import (
    Estimate,
    EstimateDraft,
    Loan,
    PackedTicket,
    Parcel,
    ServiceReport,
    Shipment,
    Ticket,
    TicketFile,
    TicketMessage,
    TicketNote,
    TicketQuerySet,
    VisitingMember,
)

VISITORS_KEPT_FOR = timedelta(weeks=6)  # after the last job, for questions about it
BLANK = {
    "fault": "",
    "condition": "",
    "accessories": "",
    "serial": "",
    "serial_key": None,
    "unread_since": None,
    "waiting_for": WaitingFor.NOBODY,
}


def is_busy(member: Member) -> bool:
    """Whether a job or a loan of theirs is open. Nobody is erased before it is settled."""
    return Ticket.objects.of(member).open().exists() or Loan.objects.open().filter(member__in=member.accounts).exists()


@transaction.atomic
def erase_tickets(*, member: Member, at: datetime) -> None:
    """Blank texts, files and serial numbers of a member's jobs. Products, centres, dates, events and amounts stay.

    So do reports of what was done, with the serial number of the product, but without notes and names (R64).
    """
    _blank_tickets(Ticket.objects.of(member), at)
    Loan.objects.filter(member=member).update(condition_out="", condition_in="")


def erase_visitors(*, at: datetime, limit: int = 200) -> int:
    """Erase the visiting members whose last job ended some weeks ago (R5). Returns how many."""
    visitors = VisitingMember.objects.filter(erased_at=None).exclude(tickets__ended_at=None, tickets__isnull=False)
    before = at - VISITORS_KEPT_FOR
    due = visitors.annotate(last=Max("tickets__ended_at")).filter(Q(last__lte=before) | Q(last=None, at__lte=before))
    return sum(_erase_visitor(pk, at) for pk in due.order_by("pk").values_list("pk", flat=True)[:limit])


@transaction.atomic
def _erase_visitor(pk: int, at: datetime) -> bool:
    visitor = VisitingMember.objects.select_for_update(of=("self",)).select_related("photo").get(pk=pk)
    if visitor.erased_at or Ticket.objects.open().filter(visitor=visitor).exists():
        return False
    photo = visitor.photo
    visitor.photo, visitor.erased_at = None, at
    visitor.name = visitor.email = visitor.phone = visitor.card_number = visitor.region_text = ""
    visitor.save()
    _blank_tickets(Ticket.objects.filter(visitor=visitor), at)
    if photo:
        stored_files.erase(file=photo, at=at)
    return True


def _blank_tickets(tickets: TicketQuerySet, at: datetime) -> None:
    TicketMessage.objects.filter(ticket__in=tickets).update(text="")
    TicketNote.objects.filter(ticket__in=tickets).update(text="")
    PackedTicket.objects.filter(ticket__in=tickets).delete()
    EstimateDraft.objects.filter(ticket__in=tickets).delete()
    Estimate.objects.filter(ticket__in=tickets).update(note="")
    # What was done stays with the serial number for the next owner (R64).
    ServiceReport.objects.filter(ticket__in=tickets).update(notes="", technician="", by=None)
    Parcel.objects.filter(tickets__in=tickets, blanked_at=None).update(blanked_at=at, **BLANK_ADDRESS)
    shipments = Shipment.objects.filter(tickets__in=tickets).values("pk")
    Shipment.objects.filter(pk__in=shipments).update(carrier_name="", number="", number_key="", url="")
    files = TicketFile.objects.filter(ticket__in=tickets, file__erased_at=None).values("file")
    for file in StoredFile.objects.filter(pk__in=files).order_by("pk"):
        stored_files.erase(file=file, at=at)
    tickets.update(**BLANK)
