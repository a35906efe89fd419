"""Two people, also when everybody presses at the same moment (R69)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from cps_portal.site import account_merges, lost_addresses
from kitbag.actions import adjustments, removals
from kitbag.enums import RegistrationState, RemovalReason
from kitbag.models import Registration
from members.models import AccountFreeze, AccountMerge, LostAddress, Member, User
from members.support.models import Case
from servicing.actions.events import Actor
from servicing.actions.service_requests import RequestedItem, open_parcel
from servicing.actions.tickets import cancel
from servicing.enums import PlaceWish, ServiceKind
from servicing.models import Ticket
from servicing.queries.entitlement import Item
from tests.concurrency.test_races import assert_ledger_agrees
from tests.concurrency.threads import together
from tests.factories import UserFactory, validated
from tests.servicing.jobs import a_centre, a_request, platinum
from tests.world import World

NOW = timezone.now() - timedelta(hours=1)
NEW = "new@example.org"
pytestmark = pytest.mark.django_db(transaction=True)


def codes(results: list[Any]) -> list[str]:
    """The codes of the refusals. Any other exception fails the test."""
    broken = [result for result in results if isinstance(result, Exception) and not isinstance(result, Refusal)]
    assert broken == []
    return sorted(result.code for result in results if isinstance(result, Refusal))


def staff(count: int) -> list[User]:
    return [UserFactory(is_staff=True) for _n in range(count)]


def asked(member: Member, by: User, new_email: str = NEW) -> LostAddress:
    return lost_addresses.request_change(
        member=member, new_email=new_email, reason="Called back", attached=[], by=by, at=NOW
    )


def test_one_of_several_requests_at_once_is_open(committed_world: World) -> None:
    people = staff(4)
    results = together(*(lambda by=by: asked(committed_world.ana, by, f"n{by.pk}@example.org") for by in people))
    assert codes(results) == ["open"] * 3
    assert LostAddress.objects.open().count() == 1


def test_the_one_who_asked_never_wins_a_race_and_one_decision_counts(committed_world: World) -> None:
    first, second, third = staff(3)
    request = asked(committed_world.ana, first)
    results = together(
        lambda: lost_addresses.approve_change(request=request, by=first, at=NOW),
        lambda: lost_addresses.approve_change(request=request, by=second, at=NOW),
        lambda: lost_addresses.approve_change(request=request, by=third, at=NOW),
        lambda: lost_addresses.approve_change(request=request, by=first, at=NOW),
    )
    assert codes(results)[:1] == ["gone"] and set(codes(results)) <= {"gone", "second_person"}
    row = LostAddress.objects.get()
    assert row.decided_by_id in {second.pk, third.pk}
    assert Message.objects.filter(to=NEW, key__startswith="portal.address_given").count() == 1


def test_two_accounts_never_get_the_same_address(committed_world: World) -> None:
    first, second = staff(2)
    requests = [asked(committed_world.ana, first), asked(committed_world.ben, first)]
    results = together(
        *(lambda row=row: lost_addresses.approve_change(request=row, by=second, at=NOW) for row in requests)
    )
    assert codes(results) == ["taken"]
    assert User.objects.filter(email=NEW).count() == 1


def test_a_link_that_is_pressed_while_it_is_approved_stops_the_account_once(committed_world: World) -> None:
    first, second = staff(2)
    request = asked(committed_world.ana, first)
    results = together(
        lambda: lost_addresses.freeze_by_link(request=request, at=NOW),
        lambda: lost_addresses.approve_change(request=request, by=second, at=NOW),
        lambda: lost_addresses.freeze_by_link(request=request, at=NOW),
    )
    assert codes(results) == []
    assert AccountFreeze.objects.count() == Case.objects.count() == 1
    assert not User.objects.get(pk=committed_world.ana.user_id).is_active


def test_a_stopped_account_is_released_by_a_second_person_only(committed_world: World) -> None:
    first, second = staff(2)
    freeze = lost_addresses.freeze_by_link(request=asked(committed_world.ana, first), at=NOW)
    results = together(
        lambda: lost_addresses.ask_to_release(freeze=freeze, reason="Passport", by=first, at=NOW),
        lambda: lost_addresses.release_account(freeze=freeze, by=first, at=NOW),
        lambda: lost_addresses.ask_to_release(freeze=freeze, reason="Passport", by=second, at=NOW),
        lambda: lost_addresses.release_account(freeze=freeze, by=second, at=NOW),
    )
    row = AccountFreeze.objects.get()
    assert set(codes(results)) <= {"asked", "unasked", "second_person", "released"}
    assert row.asked_by_id in {first.pk, second.pk}
    assert row.released_by_id != row.asked_by_id


# --- Merging two accounts -----------------------------------------------------------------------------


def proposed(survivor: Member, ended: Member, by: User) -> AccountMerge:
    return account_merges.propose_merge(survivor=survivor, ended=ended, reason="Same face", by=by, at=NOW)


def test_one_of_several_decisions_about_a_merge_counts_and_never_that_of_who_proposed_it(
    committed_world: World,
) -> None:
    world, (first, second, third) = committed_world, staff(3)
    total = sum(Member.objects.values_list("points", flat=True))
    merge = proposed(world.ben, world.ana, first)
    results = together(
        lambda: account_merges.confirm_merge(merge=merge, by=first, at=NOW),
        lambda: account_merges.confirm_merge(merge=merge, by=second, at=NOW),
        lambda: account_merges.confirm_merge(merge=merge, by=third, at=NOW),
        lambda: account_merges.confirm_merge(merge=merge, by=first, at=NOW),
    )
    assert set(codes(results)) <= {"gone", "second_person"} and len(codes(results)) == 3
    assert AccountMerge.objects.get().decided_by_id in {second.pk, third.pk}
    assert Member.objects.get(pk=world.ben.pk).points == total
    assert_ledger_agrees()


def test_accounts_are_never_merged_into_each_other(committed_world: World) -> None:
    world, people = committed_world, staff(2)
    results = together(
        lambda: proposed(world.ana, world.ben, people[0]),
        lambda: proposed(world.ben, world.ana, people[1]),
        lambda: proposed(world.ben, world.chloe, people[1]),
        lambda: proposed(world.chloe, world.ana, people[0]),
    )
    assert set(codes(results)) == {"open"}
    assert 1 <= AccountMerge.objects.open().count() <= 2
    assert len({key for pair in AccountMerge.objects.values_list("survivor", "ended") for key in pair}) == (
        2 * AccountMerge.objects.count()
    )


def test_kit_that_changes_while_its_accounts_are_merged_counts_once(committed_world: World) -> None:
    """A removal, a validation and an adjustment of the account that ends are in time or refused; the ledger holds."""
    world, (first, second) = committed_world, staff(2)
    kept = Registration.objects.filter(member=world.ana, state=RegistrationState.VALIDATED).order_by("pk")[0]
    merge = proposed(world.ben, world.ana, first)
    results = together(
        lambda: account_merges.confirm_merge(merge=merge, by=second, at=NOW),
        lambda: removals.remove_registration(registration=kept, reason=RemovalReason.SOLD, by=world.ana.user, at=NOW),
        lambda: adjustments.adjust_points(
            member=world.ana, points=50, reason="Kind", expires_on=None, by=second, at=NOW
        ),
        lambda: validated(world.ben, world.lens, "200000000001", at=NOW),
    )
    assert set(codes(results)) <= {"gone", "closed"}
    assert Member.objects.get(pk=world.ana.pk).points == 0
    assert_ledger_agrees()


def test_a_merge_is_undone_once(committed_world: World) -> None:
    world, (first, second) = committed_world, staff(2)
    before = dict(Member.objects.values_list("pk", "points"))
    merge = account_merges.confirm_merge(merge=proposed(world.ben, world.ana, first), by=second, at=NOW)
    results = together(*(lambda by=by: account_merges.undo_merge(merge=merge, by=by, at=NOW) for by in (first, second)))
    assert codes(results) == ["gone"]
    assert dict(Member.objects.values_list("pk", "points")) == before
    assert_ledger_agrees()


def test_two_accounts_that_become_one_never_have_four_places(committed_world: World) -> None:
    """Requests of both accounts and the merge, at once: whoever is later finds the places of both (R49, R69)."""
    world, (first, second) = committed_world, staff(2)
    centre = a_centre()
    for member in (world.ana, world.ben):
        platinum(member)
    a_request(world, centre, "012345670001", NOW, member=world.ana)
    a_request(world, centre, "012345670002", NOW, member=world.ben)
    merge = proposed(world.ben, world.ana, first)
    rows = [validated(member, world.pro_body, f"01234568000{n}") for n, member in enumerate([world.ben] * 2)]

    def request(row: Registration) -> object:
        item = RequestedItem(Item(row.product, registration=row), ServiceKind.REPAIR, fault="x", wish=PlaceWish.WAIT)
        return open_parcel(member=row.member, centre=centre, items=[item], by=row.member.user, at=NOW)

    results = together(
        lambda: account_merges.confirm_merge(merge=merge, by=second, at=NOW),
        *(lambda row=row: request(row) for row in rows),
    )
    assert set(codes(results)) <= {"blocked"}, results
    taken = list(Ticket.objects.filter(place__isnull=False).values_list("place", flat=True))
    if AccountMerge.objects.get().is_done:
        assert set(taken) == {1, 2, 3} and len(taken) == 3, "one of the two requests waits"
        assert Ticket.objects.filter(state="waiting").count() == 1
    else:
        assert len(taken) == 4, "the merge came last, and was refused"


def test_places_of_both_accounts_are_freed_and_given_without_a_deadlock(committed_world: World) -> None:
    world, (first, second) = committed_world, staff(2)
    centre = a_centre()
    for member in (world.ana, world.ben):
        platinum(member)
    theirs = [a_request(world, centre, f"01234567100{n}", NOW, member=world.ana) for n in range(2)]
    ours = [a_request(world, centre, f"01234567200{n}", NOW, member=world.ben) for n in range(1)]
    account_merges.confirm_merge(merge=proposed(world.ben, world.ana, first), by=second, at=NOW)
    Member.objects.filter(pk=world.ben.pk).update(level="platinum")
    ben = Member.objects.select_related("user").get(pk=world.ben.pk)
    waiting = [a_request(world, centre, f"01234567300{n}", NOW, member=ben, wish=PlaceWish.WAIT) for n in range(3)]
    assert [job.place for job in waiting] == [None] * 3
    results = together(
        *(lambda job=job: cancel(ticket=job, actor=Actor(user=ben.user), at=NOW) for job in [*theirs, *ours])
    )
    assert codes(results) == []
    taken = Ticket.objects.filter(place__isnull=False).order_by("place").values_list("place", flat=True)
    assert list(taken) == [1, 2, 3]
