"""The rules of foreign cards, which staff edit (R5)."""

from datetime import date

from servicing.enums import CardDoubt
from servicing.models import CardRule
from servicing.rules.visitors import doubts_about_card


def find_card_rule(region: str) -> CardRule | None:
    return CardRule.objects.filter(region=region).first()


def find_doubts(*, region: str, number: str, expires_on: date | None, today: date) -> list[CardDoubt]:
    """Why somebody has to look again at a card, by the rule of its region; nothing for a region without a rule."""
    rule = find_card_rule(region)
    if rule is None:
        return []
    return doubts_about_card(
        number=number, expires_on=expires_on, today=today, shapes=rule.shapes, max_years=rule.max_years_valid
    )
