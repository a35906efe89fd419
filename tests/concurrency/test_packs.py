"""Simultaneous requests for the Welcome Pack, and a level change during one (R37)."""

import pytest

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag.actions import removals
from kitbag.enums import RemovalReason
from kitbag.models import Registration
from members.enums import Level
from members.models import Member
from members.offers.actions import packs
from members.offers.actions.reference_data import load_offers
from members.offers.models import Card, PackEvent, WelcomePack
from tests.concurrency.threads import together
from tests.offers.packing import ADDRESS, ASKED, add_partner
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def ask(member: Member) -> WelcomePack:
    return packs.request_pack(member=member, address=ADDRESS, by=member.user, at=ASKED)


@pytest.mark.parametrize("attempt", range(2))
def test_a_double_click_and_a_second_tab_create_one_request(committed_world: World, attempt: int) -> None:
    load_offers()
    add_partner()
    results = together(*(lambda: ask(committed_world.ana) for _click in range(4)))
    assert {row.pk for row in results} == {WelcomePack.objects.get().pk}
    assert PackEvent.objects.count() == Card.objects.count() == 1
    assert Message.objects.filter(kind="webhook").count() == 1


@pytest.mark.parametrize("attempt", range(2))
def test_losing_silver_during_the_request_gives_a_pack_or_a_refusal(committed_world: World, attempt: int) -> None:
    world = committed_world
    load_offers()
    rows = list(Registration.objects.filter(member=world.ana))

    def lose_silver() -> None:
        for row in rows:
            removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=world.ana.user, at=ASKED)

    result, removal = together(lambda: ask(world.ana), lose_silver)
    assert removal is None
    world.ana.refresh_from_db()
    assert world.ana.level == Level.RED
    if isinstance(result, Refusal):
        assert result.code == "level"
        assert not WelcomePack.objects.exists()
    else:
        assert WelcomePack.objects.get() == result
        assert result.level_when_asked != Level.RED
