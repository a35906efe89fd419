"""What is left of a member's jobs once the person is gone (R14): the law makes us keep jobs and what they cost."""

from datetime import datetime

from django.db import transaction

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from members.models import Member
from servicing.models import Estimate, Loan, Ticket, TicketFile, TicketMessage

WORDS = {"fault": "", "condition": "", "accessories": "", "serial": "", "serial_key": None}
PARCEL = {"carrier": "", "tracking": "", "tracking_url": ""}


def is_busy(member: Member) -> bool:
    """Whether something of theirs is with us, or of ours with them: nobody is erased before it is settled."""
    return Ticket.objects.of(member).open().exists() or Loan.objects.open().filter(member=member).exists()


@transaction.atomic
def erase_jobs(*, member: Member, at: datetime) -> None:
    """Blank what was written and the serial numbers. Products, centres, dates, steps and amounts stay, of nobody."""
    mine = Ticket.objects.of(member)
    mine.update(**WORDS, **PARCEL)
    TicketMessage.objects.filter(ticket__member=member).update(text="")
    Estimate.objects.filter(ticket__member=member).update(note="")
    Loan.objects.filter(member=member).update(condition_out="", condition_in="")
    for parcel in {ticket.parcel for ticket in mine.select_related("parcel")}:
        parcel.carrier = parcel.tracking = ""
        parcel.save(update_fields=["carrier", "tracking"])
    kept = TicketFile.objects.filter(ticket__member=member, file__erased_at=None).values("file")
    for file in StoredFile.objects.filter(pk__in=kept).order_by("pk"):
        files.erase(file=file, at=at)
