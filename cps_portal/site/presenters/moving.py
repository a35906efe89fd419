"""What a move to another country stops, keeps and lets wait (R6, R65): for its pages before and after, and the mail."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_countries.fields import Country

from cps_portal.core.lib.directions import isolated
from cps_portal.core.lib.lists import comma, in_words
from cps_portal.core.lib.written_dates import date_format
from members.enums import Level, ServiceLevel
from members.models import CountryProgramme, LevelBenefit, Member, programme_in
from members.offers.enums import PackState, PlaceState
from members.offers.models import SIGNED_UP, Card, SignUp, WelcomePack
from members.queries import benefit_at, membership_in
from members.rules import Membership, Nearby
from servicing.enums import BEFORE_INTAKE, LoanState
from servicing.models import Loan, ServiceCentre, Ticket
from servicing.rules.entitlement import OWN_CENTRES

SLOWEST = float("-inf")
Rank = tuple[float, bool]  # the value, higher is better; then whether it can be had in the country itself


class Effect(StrEnum):
    """What a move does to something. The values are those of `data-k` in the style sheet."""

    STOPS = "stops"
    STAYS = "stays"


@dataclass(frozen=True)
class EffectLine:
    effect: Effect
    title: str
    detail: str = ""


@dataclass(frozen=True)
class BenefitRow:
    """A benefit in both countries. `change` is `more`, `less` or ""; `why` explains what it is afterwards."""

    name: str
    before: str
    after: str
    change: str
    why: str = ""


@dataclass(frozen=True)
class Home:
    """A country as a member's home: what membership gives there, and at which centres."""

    membership: Membership
    benefit: LevelBenefit | None
    support: LevelBenefit | None  # whose first answers they get: outside the free programme those of Red (R58)
    nearby: Nearby

    @property
    def country(self) -> str:
        return str(Country(self.membership.country).name)


@dataclass(frozen=True)
class Move:
    """A move of `member` from one home to another: before it is confirmed, or afterwards (`is_done`).

    `headings` are over the two columns of benefits, if not the countries: for a country that changes itself (R1).
    """

    member: Member
    before: Home
    after: Home
    is_done: bool
    headings: tuple[str, str] | None = None

    @property
    def before_heading(self) -> str:
        return self.headings[0] if self.headings else self.before.country

    @property
    def after_heading(self) -> str:
        return self.headings[1] if self.headings else self.after.country

    @property
    def is_resting(self) -> bool:
        return not self.after.membership.is_active

    @cached_property
    def rows(self) -> list[BenefitRow]:
        """Every benefit in both countries."""
        return [
            BenefitRow(name, old_text, new_text, "more" if new > old else "less" if new < old else "")
            for (name, old, old_text), (_name, new, new_text) in zip(
                _values(self.before), _values(self.after), strict=True
            )
        ]

    @property
    def changes_benefits(self) -> bool:
        return any(row.change for row in self.rows)

    @cached_property
    def lines(self) -> list[EffectLine]:
        """Everything else that stops or stays, what stops first."""
        lines = [*_offers(self), *_service(self), *_account(self)]
        return sorted(lines, key=lambda line: line.effect != Effect.STOPS)

    @property
    def stops(self) -> list[EffectLine]:
        return [line for line in self.lines if line.effect == Effect.STOPS]

    @property
    def stays(self) -> list[EffectLine]:
        return [line for line in self.lines if line.effect == Effect.STAYS]

    @cached_property
    def pack(self) -> WelcomePack | None:
        return WelcomePack.objects.filter(member=self.member).first()

    @cached_property
    def jobs_to_return(self) -> int:
        """How many products are at a centre, to be sent back to where the member lived (R52)."""
        return 0 if self.is_done else Ticket.objects.of(self.member).open().exclude(state__in=BEFORE_INTAKE).count()

    @property
    def should_request_pack(self) -> bool:
        """Whether they can still request the Welcome Pack before it rests."""
        membership = self.before.membership
        is_reached = membership.benefit_level is not None and membership.benefit_level.rank > 0
        return self.is_resting and not self.is_done and self.pack is None and is_reached


def build_move(member: Member, *, from_country: str, to_country: str, is_done: bool = False) -> Move:
    """Compare two countries for a member's level of today, in eight queries."""
    programmes = {row.country.code: row for row in CountryProgramme.objects.in_force()}
    return Move(
        member,
        home_with(member, from_country, programmes.get(from_country)),
        home_with(member, to_country, programmes.get(to_country)),
        is_done,
    )


def benefits_at_home(member: Member) -> tuple[Membership, list[tuple[str, str]]]:
    """The membership of today, and what it gives where the member lives: the name and the value of each (R65)."""
    country = member.country.code
    home = home_with(member, country, programme_in(country))
    return home.membership, [(name, value) for name, _rank, value in _values(home)]


def home_with(member: Member, country: str, programme: CountryProgramme | None) -> Home:
    """A country as the member's home, if it takes part in this programme; None: in none."""
    membership = membership_in(member, programme, country=country)
    benefit = benefit_at(membership, membership.level)
    support = benefit or LevelBenefit.objects.of(Level.RED, "", ServiceLevel.FULL)
    return Home(membership, benefit, support, _nearby(country))


def _nearby(country: str) -> Nearby:
    kinds = set(ServiceCentre.objects.open().filter(country=country).values_list("kind", flat=True))
    if kinds.isdisjoint(OWN_CENTRES):
        return Nearby.PARTNERS if kinds else Nearby.NONE
    return Nearby.OWN


# --- Benefits --------------------------------------------------------------------------------------


def _values(home: Home) -> Iterator[tuple[str, Rank, str]]:
    """Each benefit: its name, what to compare it by, and its value in words."""
    row, nearby = home.benefit, home.nearby
    days = row.fast_track_days if row else None
    yield _("Fast Track repair"), *_target(days, is_nearby=nearby.gives_repairs)
    yield _("Fast Track maintenance"), *_target(days, is_nearby=nearby.gives_everything)
    discount = row.maintenance_discount if row else 0
    percent = _("%(percent)s percent") % {"percent": discount}
    yield _("Maintenance discount"), *_benefit(discount, percent, is_nearby=nearby.gives_everything)
    free_return = bool(row and row.free_return)
    yield _("Free return shipping"), *_benefit(free_return, _("Yes"), is_nearby=nearby.gives_everything)
    loan = bool(row and row.courtesy_loan)
    yield _("Loan if a repair is late"), *_benefit(loan, _("Yes"), is_nearby=nearby.gives_repairs)
    yield _("First answer from support"), *_answer(home.support)
    yield _("Offers, card and Welcome Pack"), *_benefit(home.membership.is_active, _("Yes"), is_nearby=True)


def _target(days: int | None, *, is_nearby: bool) -> tuple[Rank, str]:
    if days is None:
        return (SLOWEST, True), _("Standard speed")
    text = ngettext("%(days)s working day", "%(days)s working days", days) % {"days": days}
    return (-days, is_nearby), _where(text, is_nearby=is_nearby)


def _benefit(value: float, text: str, *, is_nearby: bool) -> tuple[Rank, str]:
    return ((value, is_nearby), _where(text, is_nearby=is_nearby)) if value else ((0, True), _("No"))


def _where(text: str, *, is_nearby: bool) -> str:
    return text if is_nearby else _("%(benefit)s, only abroad") % {"benefit": text}


def _answer(row: LevelBenefit | None) -> tuple[Rank, str]:
    if row is None:
        return (SLOWEST, True), _("No target")
    hours = row.first_answer_hours
    text = ngettext("%(hours)s working hour", "%(hours)s working hours", hours) % {"hours": hours}
    return (-hours, True), text


# --- Offers, card and pack -------------------------------------------------------------------------


def _offers(move: Move) -> Iterator[EffectLine]:
    yield from _pack(move)
    if Card.objects.live().filter(member=move.member).exists():
        yield _card(move)
    entries = SignUp.objects.filter(member=move.member, state__in=SIGNED_UP).select_related("offer").order_by("pk")
    for entry in entries:
        yield _sign_up(entry, is_resting=move.is_resting)


def _card(move: Move) -> EffectLine:
    if move.is_resting:
        detail = _("Whoever scans it reads “Not valid today”. It works again, with the same number, if you move back.")
        if move.headings:
            detail = _("Whoever scans it reads “Not valid today”. Its number stays yours.")
        return EffectLine(Effect.STOPS, _("Your card"), detail)
    if move.before.membership.is_active:
        return EffectLine(Effect.STAYS, _("Your card"), _("The same card, with the same number."))
    return EffectLine(Effect.STAYS, _("Your card"), _("It’s valid again, with the same number."))


def _sign_up(entry: SignUp, *, is_resting: bool) -> EffectLine:
    title = _title(entry)
    if entry.state == PlaceState.HELD:
        return EffectLine(Effect.STAYS, title, _("You keep your place. If you can’t come, give it up."))
    if is_resting:
        return EffectLine(Effect.STOPS, title, _("Your place in line rests: free places go to the others."))
    return EffectLine(Effect.STAYS, title, _("You keep your place in line."))


def _title(entry: SignUp) -> str:
    offer = entry.offer
    if offer.starts_at is None:
        return offer.local.title
    return f"{isolated(offer.local.title)}{comma()}{date_format(timezone.localtime(offer.starts_at), 'j F Y')}"


def _pack(move: Move) -> Iterator[EffectLine]:
    title, pack = _("Welcome Pack"), move.pack
    if pack is None:
        if move.should_request_pack:
            detail = _("You haven’t requested it. Do it before you move, or it waits until you’re back.")
            if move.headings:
                detail = _("You haven’t requested it. Do it before that day, or it waits for the free programme.")
            yield EffectLine(Effect.STOPS, title, detail)
        elif move.is_resting:
            yield EffectLine(Effect.STOPS, title, _("You haven’t requested it. It waits until you’re back."))
        return
    if pack.can_be_requested_again:
        if move.is_resting:
            detail = _("It wasn’t packed yet, so it’s cancelled. If you move back, you can request it again.")
            yield EffectLine(Effect.STOPS, title, detail)
        else:
            yield EffectLine(Effect.STAYS, title, _("It was cancelled when you left. You can request it again."))
        return
    if detail := _pack_detail(PackState(pack.state), is_resting=move.is_resting):
        is_stopped = move.is_resting and pack.state in (PackState.REQUESTED, PackState.ACCEPTED, PackState.RETURNED)
        yield EffectLine(Effect.STOPS if is_stopped else Effect.STAYS, title, detail)


def _pack_detail(state: PackState, *, is_resting: bool) -> str:
    """What becomes of a pack in each state; "" if nothing is left to do."""
    if state in (PackState.REQUESTED, PackState.ACCEPTED):
        if is_resting:
            return _("It isn’t packed yet, so we cancel it. If you move back, you can request it again.")
        return _("It goes to the address you gave us. Write to us if that’s no longer right.")
    if state in (PackState.PACKED, PackState.DISPATCHED):
        return _("It’s packed already, and goes to the address you gave us.")
    if state == PackState.RETURNED:
        return _("It came back to us, and waits until you’re back.") if is_resting else _("We’ll send it again.")
    return ""


# --- Service ---------------------------------------------------------------------------------------


def _service(move: Move) -> Iterator[EffectLine]:
    tickets = list(Ticket.objects.of(move.member).open().select_related("product"))
    to_come = [ticket for ticket in tickets if ticket.state in BEFORE_INTAKE]
    if at_centre := [ticket for ticket in tickets if ticket.state not in BEFORE_INTAKE]:
        yield EffectLine(
            Effect.STAYS,
            ngettext("%(number)s job at the centre", "%(number)s jobs at the centre", len(at_centre))
            % {"number": len(at_centre)},
            _("%(products)s: finished as promised, with the level you had when it was booked in.")
            % {"products": _names(at_centre)},
        )
    if to_come:
        title = ngettext("%(number)s job not booked in yet", "%(number)s jobs not booked in yet", len(to_come))
        detail = (
            _("%(products)s: at standard speed, and no longer waiting for a Fast Track place. You can still cancel.")
            if move.is_resting
            else _("%(products)s: as you requested it.")
        )
        yield EffectLine(
            Effect.STOPS if move.is_resting else Effect.STAYS,
            title % {"number": len(to_come)},
            detail % {"products": _names(to_come)},
        )
    loans = Loan.objects.open().filter(member__in=move.member.accounts)
    for loan in loans.select_related("unit__product").order_by("pk"):
        yield EffectLine(
            Effect.STAYS, _("Your loan: %(product)s") % {"product": loan.unit.product.name}, _loan_detail(loan)
        )


def _loan_detail(loan: Loan) -> str:
    if loan.state == LoanState.OUT and loan.due_back:
        return _("It goes back by %(day)s, as agreed.") % {"day": date_format(loan.due_back, "j F Y")}
    if loan.state == LoanState.OUT:
        return _("It goes back once your own product is back, as agreed.")
    return _("It’s reserved for you, as agreed.")


def _names(tickets: list[Ticket]) -> str:
    return in_words(ticket.product.name for ticket in tickets)


# --- The account -----------------------------------------------------------------------------------


def _account(move: Move) -> Iterator[EffectLine]:
    member = move.member
    kit: dict[str, Any] = {"points": intcomma(member.points), "level": member.get_level_display()}
    yield EffectLine(
        Effect.STAYS,
        _("Your Kitbag, %(points)s points and their history") % kit,
        _("Your level is still %(level)s: it always follows your points.") % kit,
    )
    yield EffectLine(
        Effect.STAYS,
        _("Your member number"),
        _("%(number)s, for good.") % {"number": member.number_in_groups},
    )
