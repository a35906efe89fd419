"""What the check of a foreign card means, in plain words for whoever stands in front of its holder (R5, R65)."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from servicing.enums import CardOutcome
from servicing.models import CardRule, VisitingMember
from servicing.rules.entitlement import STANDARD_TARGET_DAYS


@dataclass(frozen=True)
class CardAnswer:
    """What to tell the holder of a card: what they get here, what not, and what to ask them for."""

    title: str
    is_served: bool
    gets: list[str]
    gets_not: list[str]
    ask_for: list[str]


def answer_for_card(visitor: VisitingMember, rule: CardRule | None) -> CardAnswer:
    """The answer to one check, by its outcome, its centre and event, and the rule of the region."""
    outcome = CardOutcome(visitor.outcome)
    is_served = outcome == CardOutcome.SERVED
    titles = {
        CardOutcome.SERVED: _("Yes, a visiting member"),
        CardOutcome.EXPIRED: _("No, this card is no longer valid"),
        CardOutcome.OWN_PROGRAMME: _("Not here: their own programme serves them"),
    }
    return CardAnswer(
        titles[outcome],
        is_served,
        list(_gets(visitor, outcome, rule)),
        list(_gets_not(visitor, outcome)),
        list(_ask_for(visitor, outcome, rule)),
    )


def _gets(visitor: VisitingMember, outcome: CardOutcome, rule: CardRule | None) -> Iterator[str]:
    if outcome == CardOutcome.EXPIRED:
        yield _("Repair and maintenance like any other customer, at the usual price.")
        return
    if outcome == CardOutcome.SERVED and visitor.centre:
        yield ngettext(
            "Repair and maintenance at %(centre)s at standard speed, about %(days)s working day.",
            "Repair and maintenance at %(centre)s at standard speed, about %(days)s working days.",
            STANDARD_TARGET_DAYS,
        ) % {"centre": visitor.centre, "days": STANDARD_TARGET_DAYS}
    if outcome == CardOutcome.OWN_PROGRAMME and visitor.centre:
        yield _("What their own programme gives: %(country)s is in it, so %(centre)s serves them as its member.") % {
            "country": visitor.centre.country.name,
            "centre": visitor.centre,
        }
    if visitor.event and visitor.event.open_to_visitors:
        yield _("Entry to “%(event)s”, as long as there is room.") % {"event": visitor.event}
    if rule and rule.what_they_get:
        yield rule.what_they_get


def _gets_not(visitor: VisitingMember, outcome: CardOutcome) -> Iterator[str]:
    if visitor.event and outcome == CardOutcome.EXPIRED:
        yield _("No entry to “%(event)s” with this card.") % {"event": visitor.event}
    elif visitor.event and not visitor.event.open_to_visitors:
        yield _("No entry to “%(event)s”: it does not welcome visiting members.") % {"event": visitor.event}
    if outcome == CardOutcome.OWN_PROGRAMME:
        yield _("No job as a visiting member in this country.")
        return
    yield _("No level here, whatever the card says: no Fast Track, discount, free return shipping or loan.")
    yield _("No offers and no Welcome Pack. For those they join with an address in a participating country.")


def _ask_for(visitor: VisitingMember, outcome: CardOutcome, rule: CardRule | None) -> Iterator[str]:
    if outcome == CardOutcome.EXPIRED:
        yield _("The renewed card, on paper or in the app of their region.")
        return
    if outcome == CardOutcome.OWN_PROGRAMME:
        yield _("Their number in that programme. Open the job there, not here.")
        return
    yield _("The card itself, and something with the same name on it.")
    if visitor.centre:
        yield _("A photo of the card, once they hand in a product.")
    if rule and rule.check_on_card:
        yield rule.check_on_card
