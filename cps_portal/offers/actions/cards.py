"""Cards are issued once, and replaced by staff (R37, R40, R41)."""

import secrets
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.lib.errors import Refusal
from cps_portal.offers import rules
from cps_portal.offers.enums import CardEnd
from cps_portal.offers.models import Card
from members.enums import Level
from members.models import Member, User

TOKEN_BYTES = 32


@transaction.atomic
def card_of(*, member: Member, at: datetime) -> Card:
    """The member's valid card; the first one is issued when it is first asked for.

    Raises Refusal: `level` (the first card comes with Silver, R41), `closed`.
    """
    locked = Member.objects.locked().get(pk=member.pk)
    card = Card.objects.live().filter(member=locked).first()
    if card:
        return card
    if locked.closed_at:
        raise Refusal("closed", _("This account is closed."))
    if Level(locked.level) == Level.RED:
        raise Refusal("level", _("The card comes with Silver."))
    return _issue(locked, at)


@transaction.atomic
def replace_card(*, member: Member, reason: CardEnd, by: User, at: datetime) -> Card:
    """Another card with another number and code; the old code stops at once, and there is no second pack (R40).

    Raises Refusal `none` if there is no valid card to replace, `closed`.
    """
    locked = Member.objects.locked().get(pk=member.pk)
    if locked.closed_at:
        raise Refusal("closed", _("This account is closed."))
    if not revoke_card(member=locked, reason=reason, by=by, at=at):
        raise Refusal("none", _("This member has no valid card."))
    return _issue(locked, at)


@transaction.atomic
def revoke_card(*, member: Member, reason: CardEnd, by: User | None, at: datetime) -> bool:
    """End the valid card. Returns whether there was one."""
    Member.objects.locked().get(pk=member.pk)
    live = Card.objects.live().filter(member=member)
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
