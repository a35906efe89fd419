"""Cards are issued once, and replaced by staff (R37, R40, R41)."""

import secrets
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.partners import actions as partners
from members.actions import notices
from members.enums import Level, NoticeCode
from members.models import Member, User
from members.offers import rules
from members.offers.enums import CardEnd
from members.offers.models import Card, WelcomePack
from members.support import actions as cases
from members.support.enums import CaseKind, CaseState
from members.support.models import Case

TOKEN_BYTES = 32
CARD_REQUESTED = "membership_card.requested"
CLOSED = _("This account is closed.")


@transaction.atomic
def get_or_issue_card(*, member: Member, at: datetime) -> Card:
    """The member's valid card; the first one is issued when it is first asked for.

    Raises Refusal: `level` (the first card comes with Silver, R41), `stopped` (by staff, who issue the next), `closed`.
    """
    if card := Card.objects.live().filter(member=member).first():
        return card
    locked = Member.objects.locked().get(pk=member.pk)
    latest = Card.objects.filter(member=locked).first()
    if locked.closed_at:
        raise Refusal("closed", CLOSED)
    if latest and latest.revoked_at is None:  # issued while we waited
        return latest
    if latest:
        raise Refusal("stopped", _("Our staff stopped your card. Write to us, and we make you a new one."))
    if Level(locked.level) == Level.RED:
        raise Refusal("level", _("The card comes with Silver."))
    return _issue(locked, at)


@transaction.atomic
def report_lost(*, member: Member, by: User, at: datetime) -> Case:
    """Tell staff that the card is lost (R40); told already: the case there is. Raises Refusal: `none`, `closed`."""
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.closed_at:
        raise Refusal("closed", CLOSED)
    told = (
        Case.objects.filter(member=locked, kind=CaseKind.LOST_CARD)
        .exclude(state=CaseState.CLOSED)
        .order_by("-pk")
        .first()
    )
    if told:
        return told
    card = Card.objects.live().filter(member=locked).first()
    if card is None:
        raise Refusal("none", _("You have no valid card."))
    text = _("I lost my card %(number)s. Please stop it and make me a new one.") % {"number": card.number_in_groups}
    subject = str(_("Lost card"))
    return cases.open_case(kind=CaseKind.LOST_CARD, subject=subject, text=text, member=locked, about=card, by=by, at=at)


@transaction.atomic
def replace_card(*, card: Card, reason: CardEnd, by: User, at: datetime, post: bool = False) -> Card:
    """Another card with another number and code; the old code stops at once, and there is no second pack (R40).

    `post` asks the fulfilment house to print it and send it to where the Welcome Pack went.
    Raises Refusal: `stale` (replaced already), `address` (beside `post`), `closed`.
    """
    locked = Member.objects.locked().select_related("user").get(pk=card.member_id)
    if locked.closed_at:
        raise Refusal("closed", CLOSED)
    if Card.objects.filter(member=locked, pk__gt=card.pk).exists():
        raise Refusal("stale", _("This card was replaced already. Look at the newest one."))
    revoke_card(member=locked, reason=reason, by=by, at=at)
    new = _issue(locked, at)
    if post:
        _ask_to_print(new, at)
    key = f"card-{new.number}"
    notices.notify_member(
        member=locked, key=key, code=NoticeCode.CARD_REPLACED, params={}, path=new.get_absolute_url(), at=at
    )
    payload = outbox.rendered_later("offers.card_replaced", card=new.pk, posted=post)
    outbox.enqueue(key=key, kind="mail", to=locked.user.email, payload=payload, at=at)
    return new


@transaction.atomic
def revoke_card(*, member: Member, reason: CardEnd, by: User | None, at: datetime) -> bool:
    """End the valid card; only staff issue the next. Returns whether there was one."""
    Member.objects.locked().get(pk=member.pk)
    live = Card.objects.live().filter(member=member)
    return live.update(revoked_at=at, end=reason, revoked_by=by) == 1


def _ask_to_print(card: Card, at: datetime) -> None:
    pack = WelcomePack.objects.filter(member=card.member_id).select_related("house").first()
    if pack is None or pack.blanked_at:
        raise Refusal("address", _("We hold no postal address of this member. Leave this out."), "post")
    sent = pack.house and partners.enqueue_webhook(
        partner=pack.house,
        type=CARD_REQUESTED,
        key=f"card-{card.number}",
        subject=f"membership_cards/{card.number}",
        sequence=1,
        renderer="offers.card_requested",
        at=at,
        card=card.pk,
    )
    if not sent:
        raise Refusal(
            "address", _("No fulfilment house hears of cards. Leave this out, and tell them yourself."), "post"
        )


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
