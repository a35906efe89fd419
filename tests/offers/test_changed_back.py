"""An event that was changed and changed back is not said to have changed, but to those who heard of it (R59, R70)."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.exceptions import Obsolete
from cps_portal.core.outbox.models import Message
from members.enums import NoticeCode
from members.models import Notice
from members.offers.actions import offers
from members.offers.enums import OfferKind, OfferState
from members.offers.models import Offer
from tests.mails import rendered
from tests.notices import shown
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
DAY = timedelta(days=1)
# The venue is "A" at first. A letter changes it; "mail" sends what waits; "read" marks the notice as read, as
# members could do once. At the end:
# whether the dashboard says so, and whether a mail about it would leave.
STORIES = [
    ("B", True, True),
    ("B A", False, False),
    ("B C A", False, False),
    ("B C", True, True),
    ("B A B", True, True),
    ("B A B A", False, False),
    ("B mail", True, False),
    ("B mail A", True, True),
    ("B mail A mail", True, False),
    ("B mail A B", True, False),
    ("B mail C B", True, False),
    ("B mail C A", True, True),
    ("B read A", True, True),
    ("B read C B", True, False),
    ("B A mail B", True, True),
    ("B mail A mail B A", True, False),
]


def event(world: World) -> Offer:
    offer = Offer.objects.create(
        kind=OfferKind.EVENT,
        title="Workshop",
        slug="workshop",
        summary="x",
        levels=[world.ana.level],
        since=NOW - DAY,
        starts_at=NOW + 9 * DAY,
        ends_at=NOW + 10 * DAY,
        venue="A",
        state=OfferState.PUBLISHED,
    )
    offers.sign_up(member=world.ana, offer=offer, at=NOW)
    return offer


def waiting_mails() -> int:
    """How many mails about a change would leave now."""
    count = 0
    for message in Message.objects.filter(key__startswith=NoticeCode.OFFER_CHANGED, state=State.QUEUED):
        with suppress(Obsolete):
            count += bool(rendered(message))
    return count


def play(world: World, story: str) -> None:
    offer = event(world)
    for number, step in enumerate(story.split()):
        if step == "mail":
            Message.objects.filter(state=State.QUEUED).update(state=State.SENT, next_at=None, sent_at=NOW, attempts=1)
        elif step == "read":
            Notice.objects.update(read_at=NOW)
        else:
            at = NOW + timedelta(seconds=number)
            offers.change_offer(offer=offer, values={"venue": step}, by=world.staff, at=at)


@each_row("story, is_shown, is_mailed", STORIES)
def test_who_is_told_of_a_change(world: World, story: str, is_shown: bool, is_mailed: bool) -> None:
    play(world, story)
    codes = [line.code for line in shown(world.ana)]
    assert (NoticeCode.OFFER_CHANGED in codes) is is_shown
    assert (waiting_mails() == 1) is is_mailed


def test_other_changes_tell_nobody(world: World) -> None:
    offer = event(world)
    values = {"title": "Another title", "summary": "y", "places": 30}
    offers.change_offer(offer=offer, values=values, by=world.staff, at=NOW)
    assert not Notice.objects.filter(code=NoticeCode.OFFER_CHANGED).exists()
