"""Pack, card and sign-ups of an account that goes into another one, and back again (R37, R59, R69)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from members.models import Member, User
from members.offers.actions.cards import replace_card, revoke_card
from members.offers.actions.offers import cancel_sign_up
from members.offers.actions.packs import cancel_pack
from members.offers.enums import CardEnd, PlaceState
from members.offers.models import SIGNED_UP, Card, Offer, SignUp, WelcomePack
from members.offers.rules import CANCELLABLE_STATES


def move_offers(*, survivor: Member, ended: Member, by: User, at: datetime) -> list[int]:
    """End the card, cancel a second pack that has not left, and hand the sign-ups over with their places.

    Both members are locked. Returns the keys of the offers whose sign-up was handed over; of an event that both signed
    up for, one place goes back.
    """
    revoke_card(member=ended, reason=CardEnd.MERGED, by=by, at=at)
    if WelcomePack.objects.of_person(survivor).exclude(member=ended).exists():
        for pack in WelcomePack.objects.filter(member=ended, state__in=CANCELLABLE_STATES):
            cancel_pack(pack=pack, by=by, at=at)
    moved = []
    for offer in _signed_up_by(ended):
        if SignUp.objects.filter(offer=offer, member=survivor, state__in=SIGNED_UP).exists():
            cancel_sign_up(member=ended, offer=offer, at=at)
        else:
            _hand_over(offer, source=ended, target=survivor, at=at)
            moved.append(offer.pk)
    return moved


def return_offers(*, survivor: Member, ended: Member, offers: Sequence[int], by: User, at: datetime) -> None:
    """Give back the sign-ups that the merge handed over, if they stand, and a new card if the merge ended one."""
    for offer in _signed_up_by(survivor, only=offers):
        _hand_over(offer, source=survivor, target=ended, at=at)
    last = Card.objects.filter(member=ended).order_by("-pk").first()
    if last and last.end == CardEnd.MERGED:
        replace_card(card=last, reason=CardEnd.MERGED, by=by, at=at)


def _signed_up_by(member: Member, only: Iterable[int] | None = None) -> list[Offer]:
    """Locked, in key order."""
    entries = SignUp.objects.filter(member=member, state__in=SIGNED_UP)
    entries = entries if only is None else entries.filter(offer__in=list(only))
    return list(Offer.objects.filter(sign_ups__in=entries).order_by("pk").select_for_update(of=("self",), no_key=True))


def _hand_over(offer: Offer, *, source: Member, target: Member, at: datetime) -> None:
    """Close the sign-up of one account, and open that of the other with the same place or turn."""
    entry = SignUp.objects.get(offer=offer, member=source)
    state, place, since = entry.state, entry.place, entry.since
    entry.state, entry.place, entry.ended_at = PlaceState.GIVEN_BACK, None, at
    entry.save()
    SignUp.objects.update_or_create(
        offer=offer, member=target, defaults={"state": state, "place": place, "since": since, "ended_at": None}
    )
