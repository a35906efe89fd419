"""Members from another world region: checked, served at standard speed, and erased some weeks later (R5)."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as stored_files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from members.offers.models import Offer
from members.rules import Treatment, treatment, visited_of
from servicing.actions.events import Actor
from servicing.actions.service_requests import RequestedItem, open_at_counter
from servicing.enums import CardOutcome, CardRegion
from servicing.models import ServiceCentre, Ticket, VisitingMember
from servicing.queries.entitlement import NOWHERE, facts_of_countries
from servicing.rules.visitors import home_of_card

OWN_PROGRAMME = _(
    "The centre’s country is in the subscription programme, which serves its members itself. Open it there."
)


@dataclass(frozen=True)
class Visitor:
    """What is on the foreign card, and how to reach its holder."""

    region: str
    card_number: str
    expires_on: date
    name: str
    region_text: str = ""  # as on the card, for CardRegion.OTHER
    photo: StoredFile | None = None
    email: str = ""
    phone: str = ""
    language: str = "en"


def card_outcome(*, region: str, expires_on: date, centre: ServiceCentre | None, at: datetime) -> CardOutcome:
    """What a card from `region` gives at a centre, today there; without a centre whether it is valid (R5, R65)."""
    if centre is not None:
        visited = facts_of_countries(None, centre, "").get(centre.country.code, NOWHERE)
        where = visited_of(visited.programme, visited.service_level, has_centre=True)
        if treatment(home_of_card(region), where) == Treatment.OWN_PROGRAMME:
            return CardOutcome.OWN_PROGRAMME
    today = centre.today(at) if centre else timezone.localdate(at)
    return CardOutcome.EXPIRED if expires_on < today else CardOutcome.SERVED


@transaction.atomic
def check_card(
    *, visitor: Visitor, centre: ServiceCentre | None, event: Offer | None, actor: Actor, at: datetime
) -> VisitingMember:
    """Record that a foreign card was checked, without a job: what is on it, where, by whom, and what was found (R5).

    Raises Refusal beside `region`, `card_number`, `name` (`missing`), and beside `centre` if it is for nowhere.
    """
    _require_complete(visitor)
    if centre is None and event is None:
        raise Refusal("missing", _("Choose the centre or the event that it is for."), "centre")
    outcome = card_outcome(region=visitor.region, expires_on=visitor.expires_on, centre=centre, at=at)
    return _record(visitor, centre=centre, event=event, outcome=outcome, actor=actor, at=at)


@transaction.atomic
def open_for_visitor(
    *, visitor: Visitor, centre: ServiceCentre, item: RequestedItem, actor: Actor, at: datetime
) -> Ticket:
    """Keep what is on the card and open a ticket without a member; both or nothing.

    Raises Refusal beside `region` (`own_programme`: the country serves these cards itself), `card_number`, `name`,
    `expires_on` (`expired`); as `open_at_counter`.
    """
    _require_complete(visitor)
    outcome = card_outcome(region=visitor.region, expires_on=visitor.expires_on, centre=centre, at=at)
    if outcome == CardOutcome.OWN_PROGRAMME:
        raise Refusal("own_programme", OWN_PROGRAMME, "region")
    if outcome == CardOutcome.EXPIRED:
        raise Refusal(
            "expired",
            _("This card is no longer valid. Ask for the renewed one; without it this is a job outside the programme."),
            "expires_on",
        )
    row = _record(visitor, centre=centre, event=None, outcome=outcome, actor=actor, at=at)
    if visitor.photo:
        stored_files.attach(files=[visitor.photo], at=at)
    return open_at_counter(centre=centre, item=item, actor=actor, at=at, visitor=row)


@transaction.atomic
def set_card_photo(*, visitor: VisitingMember, photo: StoredFile, at: datetime) -> VisitingMember:
    """Keep a photo of the card; the one before is erased (R5, R14).

    Raises Refusal: `erased`, and `gone` for the file.
    """
    locked = VisitingMember.objects.select_for_update(of=("self",)).select_related("photo").get(pk=visitor.pk)
    require_not_erased(locked)
    previous, locked.photo = locked.photo, photo
    stored_files.attach(files=[photo], at=at)
    locked.save(update_fields=["photo"])
    if previous:
        stored_files.erase(file=previous, at=at)
    return locked


def require_not_erased(visitor: VisitingMember) -> None:
    """Raises Refusal `erased`."""
    if visitor.erased_at:
        raise Refusal("erased", _("This visiting member was erased. Nothing can be added any more."))


def _require_complete(visitor: Visitor) -> None:
    for name in ("region", "card_number", "name"):
        if not getattr(visitor, name).strip():
            raise Refusal("missing", _("Copy this from the card."), name)


def _record(
    visitor: Visitor,
    *,
    centre: ServiceCentre | None,
    event: Offer | None,
    outcome: CardOutcome,
    actor: Actor,
    at: datetime,
) -> VisitingMember:
    return VisitingMember.objects.create(
        region=visitor.region,
        region_text=visitor.region_text if visitor.region == CardRegion.OTHER else "",
        card_number=visitor.card_number.strip(),
        expires_on=visitor.expires_on,
        photo=visitor.photo,
        name=visitor.name.strip(),
        email=visitor.email,
        phone=visitor.phone,
        language=visitor.language,
        centre=centre,
        event=event,
        outcome=outcome,
        by=actor.user,
        partner=actor.partner,
        at=at,
    )
