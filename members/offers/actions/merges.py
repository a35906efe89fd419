"""Pack, card and sign-ups of an account that goes into another one, and back again (R37, R59, R69)."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from cps_portal.core.lib.errors import Refusal
from members.models import Member, User
from members.offers.actions.cards import get_or_issue_card, replace_card, revoke_card
from members.offers.actions.offers import cancel_sign_up
from members.offers.actions.packs import cancel_pack, print_another_card
from members.offers.enums import CardEnd, PackState, PlaceState
from members.offers.models import SIGNED_UP, Card, Offer, SignUp, WelcomePack
from members.offers.rules import CANCELLABLE_STATES


def move_offers(*, survivor: Member, ended: Member, by: User, at: datetime) -> list[int]:
    """End the card, cancel a second pack that has not left, and hand the sign-ups over with their places.

    Both members are locked. Returns the keys of the offers whose sign-up was handed over; of an event that both signed
    up for, one place goes back.
    """
    revoke_card(member=ended, reason=CardEnd.MERGED, by=by, at=at)
    if has_pack(survivor, but=ended):
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


def has_pack(member: Member, *, but: Member) -> bool:
    """Whether the person has had a pack that left or will leave, in another account than `but` (R37)."""
    packs = WelcomePack.objects.of_person(member).exclude(member=but)
    return packs.exclude(state=PackState.CANCELLED).exists()


def send_pack_with_valid_card(*, ended: Member, by: User, at: datetime) -> None:
    """A pack of `ended` that has not left gets the card of the account that the person signs in to now (R37).

    Both members are locked; it is one account, or two again. The address stays.
    """
    for pack in WelcomePack.objects.filter(member=ended, state__in=CANCELLABLE_STATES):
        with suppress(Refusal):  # without a valid card the partner prints none, and staff replace it (R40)
            get_or_issue_card(member=Member.objects.get(pk=pack.person.pk), at=at)
        print_another_card(pack=pack, by=by, at=at)


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
