"""Membership cards: issued once, reported lost, replaced or revoked by staff (R37, R40, R41)."""

import secrets
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.partners.models import Partner
from members.actions import notices
from members.addresses import Address
from members.enums import Level, NoticeCode
from members.models import Member, User
from members.offers import rules
from members.offers.actions.card_requests import ask_again, ask_to_print, cancel_unsent, keep_address
from members.offers.actions.pack_requests import current_partner
from members.offers.actions.resting import resting_refusal
from members.offers.enums import CardEnd
from members.offers.models import Card, CardRequest
from members.support import actions as cases
from members.support.enums import CaseKind, CaseState
from members.support.models import Case

TOKEN_BYTES = 32
CLOSED = _("This account is closed.")


@transaction.atomic
def get_or_issue_card(*, member: Member, at: datetime) -> Card:
    """The member's valid card; the first card is issued when it is first needed.

    Raises Refusal: `level` (the first card comes with Silver, R41), `stopped` (staff issue the next), `closed`,
    `resting` (outside the free programme: the card itself is kept, R65).
    """
    if refusal := resting_refusal(member, at):
        raise refusal
    if card := Card.objects.live().filter(member=member).first():
        return card
    locked = Member.objects.locked().get(pk=member.pk)
    latest = Card.objects.filter(member=locked).first()
    if locked.closed_at:
        raise Refusal("closed", CLOSED)
    if latest and latest.revoked_at is None:  # issued while we waited for the lock
        return latest
    if latest:
        raise Refusal("stopped", _("Your card has been blocked. Write to us, and we’ll make you a new one."))
    if Level(locked.level) == Level.RED:
        raise Refusal("level", _("The card comes with Silver."))
    return _issue(locked, at)


@transaction.atomic
def report_lost(*, member: Member, by: User, at: datetime, address: Address | None = None) -> Case:
    """Open a case about a lost card (R40), or return the one that is open already.

    `address`: where the new card is posted; without it they only need it on their phone.
    Raises Refusal: `none`, `closed`, and `resting` for an address while the membership rests.
    """
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.closed_at:
        raise Refusal("closed", CLOSED)
    if address and (refusal := resting_refusal(locked, at)):
        raise refusal
    if address:
        keep_address(member=locked, address=address, at=at)
    open_cases = Case.objects.filter(member=locked, kind=CaseKind.LOST_CARD).exclude(state=CaseState.CLOSED)
    if case := open_cases.order_by("-pk").first():
        return case
    card = Card.objects.live().filter(member=locked).first()
    if card is None:
        raise Refusal("none", _("You don’t have a valid card."))
    text = _("I lost my card %(number)s. Please block it and make me a new one.") % {"number": card.number_in_groups}
    subject = str(_("Lost card"))
    return cases.open_case(kind=CaseKind.LOST_CARD, subject=subject, text=text, member=locked, about=card, by=by, at=at)


@transaction.atomic
def replace_card(
    *, card: Card, reason: CardEnd, by: User, at: datetime, post: bool = False, partner: Partner | None = None
) -> Card:
    """Issue a new card with a new number and code. The old code is invalid at once; there is no second pack (R40).

    With `post` the fulfilment partner (`partner`, or else `current_partner`) is asked to print the card and send it to
    the address that the member gave, or else to that of the Welcome Pack.
    Raises Refusal: `stale` (replaced already), `address` (beside `post`), `closed`, `resting` (beside `post`).
    """
    locked = Member.objects.locked().select_related("user").get(pk=card.member_id)
    if locked.closed_at:
        raise Refusal("closed", CLOSED)
    if Card.objects.filter(member=locked, pk__gt=card.pk).exists():
        raise Refusal("stale", _("This card has been replaced already. Open the newest one."))
    if post and resting_refusal(locked, at):
        sentence = _("Their membership rests in %(country)s. Leave this unticked.")
        raise Refusal("resting", sentence % {"country": locked.country.name}, "post")
    revoke_card(member=locked, reason=reason, by=by, at=at)
    new = _issue(locked, at)
    if post:
        ask_to_print(card=new, at=at, partner=partner or current_partner())
    key = f"card-{new.number}"
    notices.notify_member(
        member=locked,
        key=key,
        code=NoticeCode.CARD_REPLACED,
        params={"card": new.pk},
        path=new.get_absolute_url(),
        at=at,
    )
    payload = outbox.rendered_later("offers.card_replaced", card=new.pk, posted=post)
    outbox.enqueue(key=key, kind="mail", to=locked.user.email, payload=payload, at=at)
    return new


@transaction.atomic
def send_card_again(*, request: CardRequest, at: datetime, address: Address | None = None) -> CardRequest:
    """Post a card that came back once more, with the same number and code (R40).

    `address`: where it goes now; None for the same one.
    Raises Refusal: `closed`, `resting`, and as `ask_again`.
    """
    locked = Member.objects.locked().get(pk=request.member_id)
    if locked.closed_at:
        raise Refusal("closed", CLOSED)
    if refusal := resting_refusal(locked, at):
        raise refusal
    return ask_again(request=request, address=address, at=at)


@transaction.atomic
def revoke_card(*, member: Member, reason: CardEnd, by: User | None, at: datetime) -> bool:
    """Revoke the valid card; only staff can issue the next. Returns whether there was one."""
    Member.objects.locked().get(pk=member.pk)
    live = Card.objects.live().filter(member=member)
    for card in live:
        cancel_unsent(card=card, at=at)
    return live.update(revoked_at=at, end=reason, revoked_by=by) == 1


def _issue(member: Member, at: datetime) -> Card:
    with connection.cursor() as cursor:
        cursor.execute("select nextval(pg_get_serial_sequence('offers_card', 'id'))")
        (key,) = cursor.fetchone()
    return Card.objects.create(
        pk=key,
        member=member,
        number=rules.card_number(key),
        token=secrets.token_urlsafe(TOKEN_BYTES),
        issued_at=at,
    )
