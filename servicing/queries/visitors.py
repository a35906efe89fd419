"""The rules of foreign cards, which staff edit (R5)."""

from datetime import date

from django.db.models import QuerySet

from members.models import User
from servicing.enums import CardDoubt
from servicing.models import CardRule, VisitingMember
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


def earlier_checks(visitor: VisitingMember, user: User) -> QuerySet[VisitingMember]:
    """When the same card was checked before, the latest first; only what the user may see (R54)."""
    rows = VisitingMember.objects.seen_by(user).filter(region=visitor.region, card_number__iexact=visitor.card_number)
    before = rows.filter(pk__lt=visitor.pk, erased_at=None).select_related("centre", "event", "by")
    return before.order_by("-pk") if visitor.card_number else before.none()
