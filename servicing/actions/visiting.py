"""Members of another world region: seen by a centre, served at standard speed, forgotten afterwards (R5)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as stored
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from servicing.actions.erasing import PARCEL, WORDS
from servicing.actions.recording import Who
from servicing.actions.requesting import Wanted, open_at_counter
from servicing.models import Estimate, Parcel, ServiceCentre, Ticket, TicketFile, TicketMessage, VisitingMember

KEPT = timedelta(weeks=6)  # after the last job: so long questions come


@dataclass(frozen=True)
class Visitor:
    """What the foreign card says, and how to reach who holds it."""

    region: str
    card_number: str
    expires_on: date
    name: str
    photo: StoredFile | None = None
    email: str = ""
    phone: str = ""
    language: str = "en"


@transaction.atomic
def open_for_visitor(*, visitor: Visitor, centre: ServiceCentre, wanted: Wanted, who: Who, at: datetime) -> Ticket:
    """Write the card down and open a job without a member; both or nothing.

    Raises Refusal beside `region`, `card_number`, `name`, `expires_on` (`expired`: and what to do), and as
    `open_at_counter`.
    """
    for name in ("region", "card_number", "name"):
        if not getattr(visitor, name).strip():
            raise Refusal("missing", _("Copy this from the card."), name)
    if visitor.expires_on < centre.today(at):
        raise Refusal(
            "expired",
            _("This card is no longer valid. Ask for the renewed one; without it this is a job outside the programme."),
            "expires_on",
        )
    row = VisitingMember.objects.create(
        region=visitor.region.strip(),
        card_number=visitor.card_number.strip(),
        expires_on=visitor.expires_on,
        photo=visitor.photo,
        name=visitor.name.strip(),
        email=visitor.email,
        phone=visitor.phone,
        language=visitor.language,
        centre=centre,
        by=who.user,
        partner=who.partner,
        at=at,
    )
    if visitor.photo:
        stored.attach(files=[visitor.photo], at=at)
    return open_at_counter(centre=centre, wanted=wanted, who=who, at=at, visitor=row)


@transaction.atomic
def keep_photo(*, visitor: VisitingMember, photo: StoredFile, at: datetime) -> VisitingMember:
    """Keep the photo of a card with what was copied from it; the one before goes (R5, R14).

    Raises Refusal: `erased`, and `gone` for the file.
    """
    row = VisitingMember.objects.select_for_update(of=("self",)).select_related("photo").get(pk=visitor.pk)
    require_known(row)
    before, row.photo = row.photo, photo
    stored.attach(files=[photo], at=at)
    row.save(update_fields=["photo"])
    if before:
        stored.erase(file=before, at=at)
    return row


def require_known(visitor: VisitingMember) -> None:
    """Raises Refusal `erased`."""
    if visitor.erased_at:
        raise Refusal("erased", _("What this card said was erased, and nothing is kept of it."))


def forget_visitors(*, at: datetime, limit: int = 200) -> int:
    """Blank the visitors whose last job ended some weeks ago (R14). Returns how many."""
    rows = VisitingMember.objects.filter(erased_at=None).exclude(tickets__ended_at=None, tickets__isnull=False)
    last = rows.annotate(last=Max("tickets__ended_at"))
    over = last.filter(Q(last__lte=at - KEPT) | Q(last=None, at__lte=at - KEPT)).order_by("pk")
    return sum(_forget(key, at) for key in over.values_list("pk", flat=True)[:limit])


@transaction.atomic
def _forget(key: int, at: datetime) -> bool:
    """Products, centres, dates, steps and amounts stay, of nobody."""
    row = VisitingMember.objects.select_for_update(of=("self",)).select_related("photo").get(pk=key)
    if row.erased_at or Ticket.objects.open().filter(visitor=row).exists():
        return False
    photo = row.photo
    row.photo, row.erased_at = None, at
    row.name = row.email = row.phone = row.card_number = ""
    row.save()
    theirs = Ticket.objects.filter(visitor=row)
    Parcel.objects.filter(tickets__in=theirs).update(carrier="", tracking="")
    TicketMessage.objects.filter(ticket__in=theirs).update(text="")
    Estimate.objects.filter(ticket__in=theirs).update(note="")
    kept = TicketFile.objects.filter(ticket__in=theirs, file__erased_at=None).values("file")
    files = [*StoredFile.objects.filter(pk__in=kept).order_by("pk"), *([photo] if photo else [])]
    theirs.update(**WORDS, **PARCEL)
    for file in files:
        stored.erase(file=file, at=at)
    return True
