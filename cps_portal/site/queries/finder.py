"""The one box of the desk: whatever is typed, pasted or scanned, in what the reader may see (R54).

Each kind is looked up by an index of its own, so that the box answers while somebody types.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet

from cps_portal.core.lib.folding import LETTER_BY_LETTER, fold
from cps_portal.core.lib.reference import parse_reference
from cps_portal.core.lib.text import clean_code, clean_email
from kitbag.models import Registration, SerialChange
from kitbag.rules import look_up_keys
from members.models import Member, User
from members.offers.models import Card, CardRequest, WelcomePack
from members.support.models import Case
from servicing.models import Parcel, Shipment, Ticket, VisitingMember
from servicing.models.parcels import tracking_key
from servicing.queries.arrivals import expected_tickets

MAX_TERM_LENGTH = 300
MIN_LETTERS = 2
MAX_HITS = 8  # of each kind
MAX_KEYS = 200  # rows of one kind among which those are looked for that the reader may see
TAKE_IN = "servicing.work_on_ticket"


@dataclass(frozen=True)
class Found:
    """A row that matches. `exact`: what was typed can mean nothing else of this kind."""

    kind: str
    row: Model
    exact: bool


def clean_term(text: str) -> str:
    return " ".join(text.replace("\0", "").split())[:MAX_TERM_LENGTH]


def is_long_enough(term: str) -> bool:
    """Two letters or digits, or one of a script that writes words in single signs."""
    letters = [sign for sign in fold(term) if sign.isalnum()]
    return len(letters) >= MIN_LETTERS or bool(LETTER_BY_LETTER.search("".join(letters)))


def find(user: User, term: str) -> list[Found]:
    """At most MAX_HITS of each kind, exact ones first. Nothing for a term that is too short."""
    if not is_long_enough(term):
        return []
    hits = [
        hit for kind, (right, look_up) in KINDS.items() if user.has_perm(right) for hit in look_up(kind, user, term)
    ]
    return sorted(hits, key=lambda hit: not hit.exact)


def _any_of(model: type[Model], *queries: QuerySet[Any]) -> QuerySet[Any]:
    """The rows of any of these, the newest MAX_KEYS of them. A query is of the model, or of the keys in another table.

    Their keys are read first. Combined by OR, every row of the table would be compared; and as parts of one statement
    the planner cannot know how few they are, and reads the whole table to be safe.
    """
    keys = [query.order_by().values_list("pk") if query.model is model else query for query in queries]
    found = [key for (key,) in keys[0].union(*keys[1:]).order_by("-pk")[:MAX_KEYS]]
    return model._default_manager.filter(pk__in=found)


def _tracked(shipments: QuerySet[Shipment]) -> QuerySet[Any]:
    """The keys of the jobs in these parcels."""
    return Shipment.tickets.through.objects.filter(shipment__in=shipments).values_list("ticket")


def _members(term: str) -> QuerySet[Member]:
    return Member.objects.search(term).select_related("user")[:MAX_HITS]


def _serials(term: str) -> QuerySet[Registration]:
    keys = look_up_keys(term)
    if not keys:
        return Registration.objects.none()
    replaced = SerialChange.objects.filter(serial_key__in=keys, registration__isnull=False).values("registration")
    rows = _any_of(
        Registration,
        Registration.objects.filter(serial_key__in=keys),
        Registration.objects.filter(pk__in=replaced),  # the number that it had before a repair (R64)
    )
    return rows.select_related("product", "member").order_by("-pk")[:MAX_HITS]


def _jobs(user: User, term: str) -> QuerySet[Ticket]:
    tickets, reference = Ticket.objects, parse_reference(term)
    found = _any_of(
        Ticket,
        tickets.filter(reference=reference),
        tickets.filter(parcel__in=Parcel.objects.filter(reference=reference)),
        tickets.filter(serial_key__in=look_up_keys(term)),
        _tracked(Shipment.objects.tracked_as(term)),
    )
    seen = Ticket.objects.seen_by(user).filter(pk__in=found)
    return seen.select_related("product", "member", "visitor", "centre", "parcel").order_by("-pk")[:MAX_HITS]


def _arrivals(user: User, term: str) -> QuerySet[Parcel]:
    """Parcels that a centre expects, by their own number or the courier's (R61)."""
    tickets, reference = Ticket.objects, parse_reference(term)
    found = _any_of(
        Ticket,
        tickets.filter(parcel__in=Parcel.objects.filter(reference=reference)),
        _tracked(Shipment.objects.to_centre().tracked_as(term)),
    )
    expected = expected_tickets(user).filter(pk__in=found).order_by().values("parcel")
    return Parcel.objects.filter(pk__in=expected).select_related("centre").order_by("-pk")[:MAX_HITS]


def _parcels(term: str) -> QuerySet[Parcel]:
    reference = parse_reference(term)
    rows = Parcel.objects.filter(reference=reference) if reference else Parcel.objects.none()
    return rows.select_related("centre")[:MAX_HITS]


def _cases(term: str) -> QuerySet[Case]:
    cases = Case.objects
    found = _any_of(Case, cases.filter(reference=parse_reference(term)), cases.filter(visitor_words__named=term))
    return found.select_related("member").order_by("-pk")[:MAX_HITS]


def _packs(term: str) -> QuerySet[WelcomePack]:
    packs, reference, tracking = WelcomePack.objects, parse_reference(term), tracking_key(term)
    found = _any_of(
        WelcomePack,
        packs.filter(reference=reference) if reference else packs.none(),
        packs.tracked_as(tracking) if tracking else packs.none(),
    )
    return found.select_related("member")[:MAX_HITS]


def _requests(term: str) -> QuerySet[CardRequest]:
    """Cards on their way, by the reference of the request or the courier's number."""
    requests, reference, tracking = CardRequest.objects, parse_reference(term), tracking_key(term)
    found = _any_of(
        CardRequest,
        requests.filter(reference=reference) if reference else requests.none(),
        requests.tracked_as(tracking) if tracking else requests.none(),
    )
    return found.select_related("member")[:MAX_HITS]


def _cards(term: str) -> QuerySet[Card]:
    return Card.objects.presented(term).select_related("member")[:MAX_HITS]


def _visitors(user: User, term: str) -> QuerySet[VisitingMember]:
    rows = VisitingMember.objects.seen_by(user).filter(Q(name_words__named=term))
    return rows.order_by("-pk")[:MAX_HITS]


def _hit_members(kind: str, _user: User, term: str) -> Iterator[Found]:
    number, email = clean_code(term).replace(" ", "").replace("-", ""), clean_email(term)
    for member in _members(term):
        yield Found(kind, member, exact=number == member.number or email == member.user.email.lower())


def _hit_serials(kind: str, _user: User, term: str) -> Iterator[Found]:
    return (Found(kind, row, exact=True) for row in _serials(term))


def _hit_arrivals(kind: str, user: User, term: str) -> Iterator[Found]:
    return (Found(kind, row, exact=True) for row in _arrivals(user, term))


def _hit_jobs(kind: str, user: User, term: str) -> Iterator[Found]:
    """What arrives is taken in as a whole parcel, so its jobs are no exact hits beside it."""
    arriving = {row.pk for row in _arrivals(user, term)} if user.has_perm(TAKE_IN) else set()
    return (Found(kind, row, exact=row.parcel_id not in arriving) for row in _jobs(user, term))


def _hit_parcels(kind: str, _user: User, term: str) -> Iterator[Found]:
    return (Found(kind, row, exact=False) for row in _parcels(term))


def _hit_cases(kind: str, _user: User, term: str) -> Iterator[Found]:
    reference = parse_reference(term)
    return (Found(kind, row, exact=row.reference == reference) for row in _cases(term))


def _hit_packs(kind: str, _user: User, term: str) -> Iterator[Found]:
    return (Found(kind, row, exact=True) for row in _packs(term))


def _hit_cards(kind: str, _user: User, term: str) -> Iterator[Found]:
    return (Found(kind, row, exact=True) for row in _cards(term))


def _hit_requests(kind: str, _user: User, term: str) -> Iterator[Found]:
    return (Found(kind, row, exact=True) for row in _requests(term))


def _hit_visitors(kind: str, user: User, term: str) -> Iterator[Found]:
    return (Found(kind, row, exact=False) for row in _visitors(user, term))


# In the order of the page. Each asks for the right to see such rows in the admin, or to work on them.
KINDS: dict[str, tuple[str, Callable[[str, User, str], Iterator[Found]]]] = {
    "members": ("members.view_member", _hit_members),
    "serials": ("kitbag.view_registration", _hit_serials),
    "arrivals": (TAKE_IN, _hit_arrivals),
    "jobs": ("servicing.view_ticket", _hit_jobs),
    "parcels": ("servicing.view_parcel", _hit_parcels),
    "cases": ("cases.view_case", _hit_cases),
    "packs": ("offers.view_welcomepack", _hit_packs),
    "cards": ("offers.view_card", _hit_cards),
    "requests": ("offers.view_cardrequest", _hit_requests),
    "visitors": ("servicing.view_visitingmember", _hit_visitors),
}
