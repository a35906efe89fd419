"""Events and a special offer of the demo world, all invented and marked as samples (R59)."""

from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from members.enums import Level
from members.models import Member, User
from members.offers.actions.offers import publish, sign_up
from members.offers.enums import OfferKind
from members.offers.models import Offer

BEGINS, ENDS = time(10), time(15)


@transaction.atomic
def make_offers() -> None:
    """An event with free places, a full one with Ana on its waiting list, and an offer for a higher level."""
    staff = User.objects.get(email="programme@example.org")
    _offer(
        "pit-stop-at-the-cycle-tour",
        staff,
        kind=OfferKind.EVENT,
        title="Pit stop at the Cycle Tour",
        summary="Sensor clean while you wait. Bring your card.",
        venue="Cape Town",
        levels=[Level.SILVER, Level.GOLD],
        countries=["ZA"],
        open_to_travellers=True,
        open_to_visitors=True,
        places=40,
        **_day(24),
        text="Come by between two stages. We clean the sensors of up to two bodies and check your lenses.",
    )
    _offer(
        "portrait-day-in-nairobi",
        staff,
        kind=OfferKind.EVENT,
        title="A day of portraits in Nairobi",
        summary="Light, lenses and people to photograph. Travelling members are welcome.",
        venue="Nairobi",
        levels=[Level.RED, Level.SILVER, Level.GOLD, Level.PLATINUM],
        countries=["KE"],
        open_to_travellers=True,
        places=30,
        **_day(31),
        text="Bring a body; we bring portrait lenses, lamps and people who like to be photographed.",
    )
    evening = _offer(
        "an-evening-with-long-lenses",
        staff,
        kind=OfferKind.EVENT,
        title="An evening with long lenses",
        summary="Try telephoto lenses on wildlife at dusk. Places are few, so there is a waiting list.",
        venue="Pretoria",
        levels=[Level.RED, Level.SILVER, Level.GOLD, Level.PLATINUM],
        places=2,
        **_day(38),
        text="We bring the lenses and a guide; you bring a body and a card with room on it.",
    )
    _offer(
        "loan-week-for-platinum",
        staff,
        kind=OfferKind.SPECIAL,
        title="A lens of your choice for a week",
        summary="Borrow any lens of the loan pool for seven days, without a repair.",
        levels=[Level.PLATINUM],
        since=_at(-3),
        until=_at(60),
        text="Choose at a service centre. Bring your card.",
    )
    if evening:
        for position, name in enumerate(("emil", "dana", "ana")):
            member = Member.objects.filter(user__email=f"{name}@example.org").first()
            if member:
                signed_up_at = timezone.now() - timedelta(hours=9 - position)
                sign_up(member=member, offer=evening, at=signed_up_at)


def _offer(slug: str, by: User, **facts: Any) -> Offer | None:
    """Create and publish an offer. None if it exists already."""
    if Offer.objects.filter(slug=slug).exists():
        return None
    return publish(offer=Offer.objects.create(slug=slug, sample=True, **facts), by=by, at=timezone.now())


def _day(days: int) -> dict[str, datetime]:
    return {"since": _at(-2), "starts_at": _at(days), "ends_at": _at(days, ENDS)}


def _at(days: int, hour: time = BEGINS) -> datetime:
    return timezone.make_aware(datetime.combine(timezone.localdate() + timedelta(days=days), hour))
