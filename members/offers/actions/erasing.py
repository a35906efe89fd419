"""What is left of a member's pack, card and sign-ups once the person is gone (R14)."""

from datetime import datetime

from django.db import transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from cps_portal.core.partners import actions as partners
from members.models import Member
from members.offers.actions.cards import revoke_card
from members.offers.actions.packs import blank
from members.offers.enums import CardEnd
from members.offers.models import Card, WelcomePack


@transaction.atomic
def erase_pack_and_card(*, member: Member, at: datetime) -> None:
    """Blank the address, end the card for good. That there was one pack stays: it is one per member, ever (R37)."""
    mine = WelcomePack.objects.filter(member=member)
    blank(mine.filter(blanked_at=None), at)
    mine.update(carrier="", tracking="", tracking_url="")
    for pack in mine:
        sent = [f"pack-{pack.reference}-{number}" for number in range(1, pack.sending + 1)]
        partners.forget_answers(keys=[*sent, *(f"{key}-cancelled" for key in sent)])
    revoke_card(member=member, reason=CardEnd.CLOSED, by=None, at=at)
    Card.objects.filter(member=member).update(token=Concat(Value("erased-"), Cast("pk", CharField())))
