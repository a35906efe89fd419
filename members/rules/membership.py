"""What membership gives, here and today (R65): by home programme, level, country visited, centre and service.

Everything that depends on where a member lives or where a centre stands asks this module: offers, Welcome Pack, card,
events, requests, intake, the API, mails and moving. Pure: the rows come from `members.queries`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from members.enums import Level, Programme, ServiceLevel


class Home(StrEnum):
    """Where a person belongs today: the programme of the country they live in, or what their card says."""

    FREE_FULL = "free_full"
    FREE_SILVER = "free_silver"
    SUBSCRIPTION = "subscription"  # a member with an account here who has moved there
    NO_PROGRAMME = "no_programme"
    SUBSCRIBER = "subscriber"  # a member of the subscription programme, without an account here
    OTHER_REGION = "other_region"  # a member of CPS in another world region
    NOBODY = "nobody"


ACTIVE_HOMES = frozenset({Home.FREE_FULL, Home.FREE_SILVER})  # everywhere else membership rests


class Visited(StrEnum):
    """The country where something is asked for."""

    FREE_FULL = "free_full"
    FREE_SILVER = "free_silver"
    SUBSCRIPTION_WITH_CENTRE = "subscription_with_centre"  # at one of its service centres
    SUBSCRIPTION = "subscription"  # it has none
    NO_PROGRAMME = "no_programme"
    OUTSIDE = "outside"  # another world region


class Treatment(StrEnum):
    """How a person is treated in the country visited."""

    BENEFITS = "benefits"  # what their level gives in that country
    TRY = "try"  # the centre tries to help at standard speed, and with what its own data say (R4)
    VISITOR = "visitor"  # a valid card of elsewhere: standard speed, the card is recorded, no level, no offers (R5)
    CUSTOMER = "customer"  # like any customer
    OWN_PROGRAMME = "own_programme"  # the programme of that country is responsible
    NEAREST = "nearest"  # no centre there: the nearest ones of the free programme
    ASK = "ask"  # outside of our region: priority is possible with a valid card, and differs (R7)


_T = Treatment
_MEMBER = (_T.BENEFITS, _T.BENEFITS, _T.TRY, _T.NEAREST, _T.NEAREST, _T.ASK)
_BY_VISITED: Mapping[Home, tuple[Treatment, ...]] = {  # in the order of Visited
    Home.FREE_FULL: _MEMBER,
    Home.FREE_SILVER: _MEMBER,
    Home.SUBSCRIPTION: (_T.CUSTOMER, _T.CUSTOMER, _T.OWN_PROGRAMME, _T.OWN_PROGRAMME, _T.NEAREST, _T.ASK),
    Home.SUBSCRIBER: (_T.VISITOR, _T.VISITOR, _T.OWN_PROGRAMME, _T.OWN_PROGRAMME, _T.NEAREST, _T.ASK),
    Home.NO_PROGRAMME: (_T.CUSTOMER, _T.CUSTOMER, _T.CUSTOMER, _T.CUSTOMER, _T.CUSTOMER, _T.ASK),
    Home.OTHER_REGION: (_T.VISITOR, _T.VISITOR, _T.VISITOR, _T.NEAREST, _T.NEAREST, _T.OWN_PROGRAMME),
    Home.NOBODY: (_T.CUSTOMER,) * len(Visited),
}
TREATMENTS: Mapping[tuple[Home, Visited], Treatment] = {
    (home, visited): treatment
    for home, treatments in _BY_VISITED.items()
    for visited, treatment in zip(Visited, treatments, strict=True)
}


@dataclass(frozen=True, slots=True)
class Benefits:
    """What a level gives at the centres of a country, or what a centre gives to travellers (R3, R4, R44, R51)."""

    fast_track_days: int | None = None
    maintenance_discount: int = 0
    free_return: bool = False
    courtesy_loan: bool = False


NO_BENEFITS = Benefits()


class Nearby(StrEnum):
    """The best kind of centre that is open in a country. What it does not give, centres in other countries do."""

    OWN = "own"  # a Professional Service Centre or a Customer Experience Centre
    PARTNERS = "partners"  # Authorised Service Partners only
    NONE = "none"

    @property
    def gives_repairs(self) -> bool:
        """Whether Fast Track repairs, and loans if they are late, are to be had in the country (R46)."""
        return self != Nearby.NONE

    @property
    def gives_everything(self) -> bool:
        """Whether Fast Track maintenance, the discount and free return shipping are, too (R46, R51)."""
        return self == Nearby.OWN


@dataclass(frozen=True, slots=True)
class Membership:
    """A member's home programme and level today, and what follows at home.

    `link` is the page of the country's own programme, empty if none is known. `is_on_hold`: no service is promised in
    the country at the moment (R1); `served_with` is the code of the one whose centres serve it, or empty (R4).
    """

    home: Home
    level: Level
    country: str
    link: str = ""
    is_on_hold: bool = False
    served_with: str = ""

    @property
    def is_active(self) -> bool:
        """Whether offers, Welcome Pack, card, events and new Fast Track jobs are open to them (R65)."""
        return self.home in ACTIVE_HOMES

    @property
    def is_subscription(self) -> bool:
        return self.home == Home.SUBSCRIPTION

    @property
    def is_silver_only(self) -> bool:
        """Whether benefits end at Silver where they live (R3)."""
        return self.home == Home.FREE_SILVER

    @property
    def service_level(self) -> str:
        """The service level of the home country; "" outside the free programme."""
        if not self.is_active:
            return ""
        return ServiceLevel.SILVER if self.is_silver_only else ServiceLevel.FULL

    @property
    def highest_level(self) -> Level | None:
        """The level above which membership gives nothing more at home; None if it gives nothing at all (R3)."""
        if not self.is_active:
            return None
        return Level.SILVER if self.is_silver_only else Level.PLATINUM

    @property
    def benefit_level(self) -> Level | None:
        """The level whose benefits they get at home: their own, at most the highest one offered there (R3)."""
        highest = self.highest_level
        return min(self.level, highest, key=lambda level: level.rank) if highest else None

    def gives_more_at(self, level: str) -> bool:
        """Whether `level` gives more at home than the member's own."""
        highest = self.highest_level
        return highest is not None and self.level.rank < Level(level).rank <= highest.rank

    @property
    def gives_more(self) -> bool:
        """Whether any higher level gives more at home."""
        return any(self.gives_more_at(level) for level in Level)


def home_of(programme: str, service_level: str) -> Home:
    """The home of a member whose country takes part in `programme` today."""
    if programme == Programme.FREE:
        return Home.FREE_SILVER if service_level == ServiceLevel.SILVER else Home.FREE_FULL
    return Home.SUBSCRIPTION if programme == Programme.SUBSCRIPTION else Home.NO_PROGRAMME


def visited_of(programme: str, service_level: str, *, has_centre: bool) -> Visited:
    """The country visited, by its programme today; `has_centre`: a service centre stands there (R4)."""
    if programme == Programme.FREE:
        return Visited.FREE_SILVER if service_level == ServiceLevel.SILVER else Visited.FREE_FULL
    if programme == Programme.SUBSCRIPTION:
        return Visited.SUBSCRIPTION_WITH_CENTRE if has_centre else Visited.SUBSCRIPTION
    return Visited.NO_PROGRAMME


def treatment(home: Home, visited: Visited, *, has_valid_card: bool = True) -> Treatment:
    """How somebody of `home` is treated in the country visited (R4, R5, R6, R7).

    `has_valid_card` counts for guests only: without a valid card they are customers like any other.
    """
    decided = TREATMENTS[home, visited]
    return Treatment.CUSTOMER if decided == Treatment.VISITOR and not has_valid_card else decided


def benefits_here(decided: Treatment, *, of_level: Benefits | None, of_centre: Benefits = NO_BENEFITS) -> Benefits:
    """What the person gets at a centre there: by level, by the centre's own data for travellers, or nothing."""
    if decided == Treatment.BENEFITS:
        return of_level or NO_BENEFITS
    return of_centre if decided == Treatment.TRY else NO_BENEFITS
