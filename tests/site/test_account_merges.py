"""Two accounts of one person become one by two people of the staff, and two again within some days (R69)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, InternalError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from cps_portal.site import account_merges, actions, lost_addresses
from kitbag.actions import adjustments, removals
from kitbag.actions.ledger_checks import check_ledger
from kitbag.enums import RegistrationState, RemovalReason
from kitbag.models import Claim, MergedRegistration, PointsEntry, Registration
from members.enums import Level, MergeState
from members.models import AccountMerge, Device, LevelChange, Member, PendingLevelNotice, User
from members.offers.actions.cards import get_or_issue_card
from members.offers.enums import CardEnd, OfferKind, OfferState, PackState, PlaceState
from members.offers.models import Card, Offer, SignUp, WelcomePack
from members.support import actions as cases
from members.support.enums import CaseKind
from servicing.actions.events import Actor
from servicing.actions.follow_ups import open_follow_up
from servicing.actions.messages import write_message
from servicing.actions.tickets import cancel
from tests.factories import PASSWORD, UserFactory, draft, submitted, validated
from tests.mails import rendered
from tests.servicing.jobs import a_centre, a_request
from tests.world import World, join

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(days=3)
SERIAL = "100000004711"


@pytest.fixture
def lindiwe(db: None) -> User:
    return UserFactory(email="lindiwe@example.org", is_staff=True)


@pytest.fixture
def thabo(db: None) -> User:
    return UserFactory(email="thabo@example.org", is_staff=True)


@pytest.fixture
def double(world: World) -> Member:
    """Ana's second account, with a lens that counts."""
    member = join("Anna", "ZA", world.terms, AT)
    validated(member, world.lens, "200000000001", at=AT)
    member.refresh_from_db()
    return member


def fresh(member: Member) -> Member:
    return Member.objects.select_related("user").get(pk=member.pk)


def proposed(survivor: Member, ended: Member, by: User, at: datetime = AT) -> AccountMerge:
    return account_merges.propose_merge(
        survivor=fresh(survivor), ended=fresh(ended), reason="Same face on the card", by=by, at=at
    )


def merged(survivor: Member, ended: Member, by: User, second: User, at: datetime = AT) -> AccountMerge:
    return account_merges.confirm_merge(merge=proposed(survivor, ended, by, at), by=second, at=at)


def undone(merge: AccountMerge, by: User, at: datetime = LATER) -> AccountMerge:
    return account_merges.undo_merge(merge=AccountMerge.objects.get(pk=merge.pk), by=by, at=at)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as raised, transaction.atomic():
        call()
    return raised.value.code


def assert_ledger_holds() -> None:
    check = check_ledger(by=None, at=timezone.now())
    assert check.is_clean, check.differing


def kit_of(member: Member) -> list[tuple[str, str, str]]:
    rows = Registration.objects.of(member).order_by("product__name", "serial", "state")
    return [(row.product.name, row.serial, row.state) for row in rows.select_related("product")]


def levels_of(member: Member) -> tuple[int, str]:
    row = fresh(member)
    return row.points, row.level


# --- Proposing and deciding ---------------------------------------------------------------------------


def test_what_cannot_be_merged_is_refused_in_words(world: World, double: Member, lindiwe: User, thabo: User) -> None:
    clerk = join("Clerk", "ZA", world.terms, AT)
    User.objects.filter(pk=clerk.user_id).update(is_staff=True)
    closed = join("Closed", "ZA", world.terms, AT)
    Member.objects.filter(pk=closed.pk).update(closed_at=AT)
    ana = world.ana
    table = [
        ("same", lambda: proposed(ana, ana, lindiwe)),
        ("own", lambda: proposed(ana, double, ana.user)),
        ("own", lambda: proposed(ana, double, double.user)),
        ("staff", lambda: proposed(clerk, double, lindiwe)),
        ("staff", lambda: proposed(ana, clerk, lindiwe)),
        ("closed", lambda: proposed(closed, double, lindiwe)),
        ("closed", lambda: proposed(ana, closed, lindiwe)),
        (
            "empty",
            lambda: account_merges.propose_merge(survivor=ana, ended=double, reason=" \n", by=lindiwe, at=AT),
        ),
    ]
    assert [code_of(call) for _code, call in table] == [code for code, _call in table]
    merge = proposed(ana, double, lindiwe)
    assert code_of(lambda: proposed(double, ana, thabo)) == "open"
    assert code_of(lambda: proposed(world.ben, double, thabo)) == "open"
    assert code_of(lambda: account_merges.confirm_merge(merge=merge, by=lindiwe, at=AT)) == "second_person"
    assert code_of(lambda: account_merges.confirm_merge(merge=merge, by=double.user, at=AT)) == "own"
    account_merges.refuse_merge(merge=merge, by=lindiwe, at=AT)
    assert code_of(lambda: account_merges.confirm_merge(merge=merge, by=thabo, at=AT)) == "gone"
    assert code_of(lambda: account_merges.undo_merge(merge=merge, by=thabo, at=AT)) == "gone"
    assert fresh(double).closed_at is None


def test_the_database_refuses_what_would_go_round_the_second_person(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    merge = proposed(world.ana, double, lindiwe)
    rows = AccountMerge.objects.filter(pk=merge.pk)
    done: dict[str, Any] = {"state": "done", "decided_at": AT}
    for values in [
        {**done, "decided_by": lindiwe},
        {**done, "decided_by": None},
        {"state": "done"},
        {"decided_by": thabo},
        {"requested_by": thabo},
        {"requested_by": thabo, **done, "decided_by": lindiwe},
        {"survivor": world.ben},
        {"ended": world.ben},
        {"survivor": double},
        {"state": "undone", "decided_by": thabo, "decided_at": AT, "undone_by": thabo, "undone_at": AT},
        {"state": "other", "decided_by": thabo, "decided_at": AT},
    ]:
        with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
            rows.update(**values)


def test_what_has_to_be_decided_first_is_named(world: World, double: Member, lindiwe: User, thabo: User) -> None:
    ana = world.ana

    def lost() -> None:
        lost_addresses.request_change(
            member=fresh(ana), new_email="new@example.org", reason="Called", attached=[], by=lindiwe, at=AT
        )

    def recovered() -> None:
        lost()
        request = ana.lost_addresses.get()
        lost_addresses.approve_change(request=request, by=thabo, at=AT)

    def pack() -> None:
        WelcomePack.objects.create(
            member=double,
            reference="ABCD1234",
            asked_at=AT,
            sending_since=AT,
            changed_at=AT,
            contents=[],
            blanked_at=AT,
        )

    table: list[tuple[Callable[[], object], str]] = [
        (lambda: submitted(double, world.body, "58211", insisted=True, at=AT), "wait for a check"),
        (lost, "asked for another sign-in address"),
        (recovered, "nothing leaves it yet"),
        (pack, "is on its way"),
    ]
    for prepare, words in table:
        with transaction.atomic():
            prepare()
            plan = account_merges.plan_merge(survivor=fresh(ana), ended=fresh(double), at=AT)
            assert any(words in str(blocker) for blocker in plan.blockers), (words, plan.blockers)
            assert code_of(lambda: proposed(ana, double, lindiwe)) == "blocked"
            transaction.set_rollback(True)
    assert account_merges.plan_merge(survivor=fresh(ana), ended=fresh(double), at=AT).blockers == []


# --- Points, level and kit ----------------------------------------------------------------------------


def test_points_move_by_a_closing_and_an_opening_entry_and_no_row_changes_its_owner(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    owners = {row.pk: row.member_id for row in Registration.objects.all()}
    entries = list(PointsEntry.objects.order_by("pk").values_list("pk", "member", "amount"))
    before = levels_of(world.ana)[0]
    plan = account_merges.plan_merge(survivor=fresh(world.ana), ended=fresh(double), at=AT)
    merge = merged(world.ana, double, lindiwe, thabo)
    assert levels_of(double) == (0, Level.RED)
    assert levels_of(world.ana)[0] == before + 200 == plan.points
    assert {row.pk: row.member_id for row in Registration.objects.filter(pk__in=owners)} == owners
    assert list(PointsEntry.objects.order_by("pk").values_list("pk", "member", "amount"))[: len(entries)] == entries
    link = MergedRegistration.objects.get(merge=merge)
    written = PointsEntry.objects.filter(cause="merged").order_by("amount")
    assert [(entry.member_id, entry.registration_id, entry.amount) for entry in written] == [
        (double.pk, link.registration_id, -200),
        (world.ana.pk, link.became_id, 200),
    ]
    assert link.became.serial == "200000000001" and link.became.purchased_on == link.registration.purchased_on
    assert not PendingLevelNotice.objects.filter(member__in=[world.ana, double]).exists()
    assert_ledger_holds()


def test_undoing_gives_both_accounts_back_as_they_were(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    draft(double, world.body, AT)
    adjustments.adjust_points(member=double, points=50, reason="Kind", expires_on=None, by=world.staff, at=AT)
    people = (world.ana, double)
    before = [(kit_of(member), levels_of(member)) for member in people]
    merge = merged(world.ana, double, lindiwe, thabo)
    assert levels_of(world.ana)[0] == before[0][1][0] + 250
    assert_ledger_holds()
    undone(merge, thabo)
    after = [(kit_of(member), levels_of(member)) for member in people]
    assert after[1] == before[1]
    gone = [row for row in after[0][0] if row[2] == "transferred"]
    assert [row for row in after[0][0] if row not in gone] == before[0][0] and after[0][1] == before[0][1]
    assert fresh(double).closed_at is None and fresh(world.ana).absorbed == []
    assert User.objects.get(pk=double.user_id).is_active
    assert AccountMerge.objects.get().state == MergeState.UNDONE
    assert double.adjustments.get().ended_at is None
    assert_ledger_holds()
    again = merged(world.ana, double, thabo, lindiwe, at=LATER)
    assert again.is_done and levels_of(world.ana)[0] == before[0][1][0] + 250
    assert_ledger_holds()


def test_a_serial_number_that_both_have_counts_once(world: World, double: Member, lindiwe: User, thabo: User) -> None:
    """Whoever of the two holds it: the claim between them ends by itself (R31, R32)."""
    for holder, claimant in [(world.ana, double), (double, world.ana)]:
        with transaction.atomic():
            validated(holder, world.body, SERIAL, at=AT)
            validated(claimant, world.body, SERIAL, at=AT)  # opens a claim
            assert Claim.objects.open().count() == 1
            total = levels_of(holder)[0] + levels_of(claimant)[0]
            before = [levels_of(world.ana), levels_of(double)]
            merge = merged(world.ana, double, lindiwe, thabo)
            assert levels_of(world.ana)[0] == total
            counting = Registration.objects.filter(serial_key=SERIAL, state=RegistrationState.VALIDATED)
            assert [row.member_id for row in counting] == [world.ana.pk]
            assert not Claim.objects.open().exists()
            assert_ledger_holds()
            undone(merge, thabo)
            assert [levels_of(world.ana), levels_of(double)] == before
            assert_ledger_holds()
            transaction.set_rollback(True)


def test_what_new_things_keep_a_merge_from_being_undone(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    merge = merged(world.ana, double, lindiwe, thabo)
    became = MergedRegistration.objects.get().became

    def remove() -> None:
        removals.remove_registration(registration=became, reason=RemovalReason.SOLD, by=world.ana.user, at=LATER)

    def pack() -> None:
        WelcomePack.objects.create(
            member=world.ana,
            reference="ABCD1234",
            asked_at=LATER,
            sending_since=LATER,
            changed_at=LATER,
            contents=[],
            blanked_at=AT,
        )

    def close() -> None:
        actions.close_account(member=fresh(world.ana), by=world.ana.user, at=LATER)

    table: list[tuple[Callable[[], object], str]] = [
        (remove, "changed since"),
        (pack, "Welcome Pack was requested"),
        (close, "closed or merged"),
        (lambda: merged(world.ben, world.ana, lindiwe, thabo, at=LATER), "closed or merged"),
    ]
    for prepare, words in table:
        with transaction.atomic():
            prepare()
            row = AccountMerge.objects.select_related("survivor", "ended").get(pk=merge.pk)
            assert any(words in str(why) for why in account_merges.blockers_of_undoing(merge=row, at=LATER)), words
            assert code_of(lambda: undone(merge, thabo)) == "depends"
            transaction.set_rollback(True)
    assert code_of(lambda: undone(merge, thabo, at=AT + timedelta(days=14, seconds=1))) == "depends"
    assert code_of(lambda: undone(merge, world.ana.user)) == "own"
    undone(merge, thabo, at=AT + timedelta(days=14))
    assert_ledger_holds()


def test_a_third_account_goes_into_the_same_one_and_all_are_read(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    merged(double, world.ben, lindiwe, thabo)
    first = levels_of(double)[0]
    merged(world.ana, double, lindiwe, thabo, at=LATER)
    ana = fresh(world.ana)
    assert set(ana.accounts) == {ana.pk, double.pk, world.ben.pk}
    assert fresh(world.ben).account_in_use == ana
    assert first == 200
    assert_ledger_holds()


# --- Card, pack, events, cases, signing in ------------------------------------------------------------


def test_the_card_that_is_not_kept_ends_and_comes_back_as_another_one(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    for n in range(2):
        validated(double, world.body, f"20000000010{n}", at=AT)
    old, kept = get_or_issue_card(member=fresh(double), at=AT), get_or_issue_card(member=fresh(world.ana), at=AT)
    merge = merged(world.ana, double, lindiwe, thabo)
    old.refresh_from_db()
    assert (old.end, Card.objects.live().get()) == (CardEnd.MERGED, kept)
    undone(merge, thabo)
    assert Card.objects.live().filter(member=double).get().number != old.number


def test_a_person_gets_one_pack_ever(world: World, double: Member, lindiwe: User, thabo: User) -> None:
    """Also if nothing but the database is asked (R37)."""
    WelcomePack.objects.create(
        member=double,
        reference="ABCD1234",
        asked_at=AT,
        sending_since=AT,
        changed_at=AT,
        contents=[],
        blanked_at=AT,
        state=PackState.RECEIVED,
    )
    merged(world.ana, double, lindiwe, thabo)
    ana = fresh(world.ana)
    assert WelcomePack.objects.of_person(ana).get().member == double
    with pytest.raises((IntegrityError, InternalError)), transaction.atomic():
        WelcomePack.objects.create(
            member=ana, reference="ABCD1235", asked_at=AT, sending_since=AT, changed_at=AT, contents=[], blanked_at=AT
        )


def test_places_at_events_come_along_and_of_the_same_event_one_goes_back(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    both, only = (
        Offer.objects.create(
            kind=OfferKind.EVENT,
            state=OfferState.PUBLISHED,
            title=name,
            slug=name,
            places=5,
            levels=list(Level),
            starts_at=LATER,
            venue="Durban",
            since=AT,
        )
        for name in ("both", "only")
    )
    for place, (offer, member) in enumerate([(both, world.ana), (both, double), (only, double)], 1):
        SignUp.objects.create(offer=offer, member=member, state=PlaceState.HELD, place=place, since=AT)
    merge = merged(world.ana, double, lindiwe, thabo)
    held = SignUp.objects.filter(state=PlaceState.HELD).order_by("offer__slug")
    assert [(entry.offer.slug, entry.member, entry.place) for entry in held] == [
        ("both", world.ana, 1),
        ("only", world.ana, 3),
    ]
    undone(merge, thabo)
    assert SignUp.objects.get(offer=only, state=PlaceState.HELD).member == double


def test_the_account_that_stays_reads_and_answers_the_cases_of_both(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    case = cases.open_case(
        kind=CaseKind.CONTACT, subject="My lens", text="It is mine", member=double, by=double.user, at=AT
    )
    merged(world.ana, double, lindiwe, thabo)
    client = Client()
    client.force_login(world.ana.user)
    assert "My lens" in client.get(reverse("cases:list")).content.decode()
    page = reverse("cases:case", args=[case.reference])
    assert "It is mine" in client.get(page).content.decode()
    client.post(page, {"text": "And here is more"})
    assert case.messages.count() == 2
    cases.answer(case=case, text="Thank you", by=lindiwe, at=LATER)
    assert Message.objects.filter(kind="mail").latest("pk").to == "ana@example.org"
    assert world.ana.notices.filter(code="case_answered").exists()
    ben = Client()
    ben.force_login(world.ben.user)
    assert ben.get(page).status_code == 404


def test_the_history_reads_both_accounts_as_one(world: World, double: Member, lindiwe: User, thabo: User) -> None:
    merged(world.ana, double, lindiwe, thabo)
    ana = fresh(world.ana)
    rows = list(PointsEntry.objects.of(ana).with_total().order_by("pk"))
    assert rows[-1].total == ana.points  # type: ignore[attr-defined]
    client = Client()
    client.force_login(ana.user)
    page = client.get(reverse("kitbag:points"))
    assert page.status_code == 200
    assert f"{world.lens.name} counted" in page.content.decode()
    assert client.get(reverse("dashboard")).status_code == 200
    assert "RF 70-200mm F2.8 Test" in client.get(reverse("kitbag:list")).content.decode()


def test_the_account_that_ended_cannot_sign_in_and_says_why(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    inside = Client()
    inside.post("/accounts/login/", {"login": double.user.email, "password": PASSWORD})
    assert inside.get(reverse("dashboard")).status_code == 200
    merge = merged(world.ana, double, lindiwe, thabo)
    assert inside.get(reverse("dashboard")).status_code == 302
    assert not Device.objects.filter(user=double.user).exists()
    answer = Client().post("/accounts/login/", {"login": double.user.email, "password": PASSWORD}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("account_merged")
    assert "Sign in with the email address of the other one" in answer.content.decode()
    assert world.ana.user.email not in answer.content.decode()
    assert code_of(lambda: actions.reopen_account(member=fresh(double), by=double.user, at=AT)) == "merged"
    undone(merge, thabo)
    back = Client()
    back.post("/accounts/login/", {"login": double.user.email, "password": PASSWORD})
    assert back.get(reverse("dashboard")).status_code == 200


def test_both_addresses_are_told_what_holds_when_it_is_sent(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    merge = merged(world.ana, double, lindiwe, thabo)
    stays, ends = world.ana.number_in_groups, double.number_in_groups
    for address, words in [("ana@example.org", "Sign in as before"), ("anna@example.org", "Sign in to that one")]:
        message = Message.objects.get(to=address, key__startswith="portal.accounts_merged")
        text = rendered(message)["text"]
        assert words in text and stays in text and ends in text and "16 March" in text
        other = "anna@example.org" if address == "ana@example.org" else "ana@example.org"
        assert other not in text
    undone(merge, thabo)
    for address in ("ana@example.org", "anna@example.org"):
        message = Message.objects.get(to=address, key__startswith="portal.accounts_unmerged")
        assert "are separate again" in rendered(message)["text"]


# --- Jobs ---------------------------------------------------------------------------------------------


def test_open_jobs_keep_their_places_and_an_account_with_one_is_not_the_one_that_ends(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    job = a_request(world, a_centre())
    assert job.place == 1
    plan = account_merges.plan_merge(survivor=fresh(double), ended=fresh(world.ana), at=AT)
    assert any("has a job" in str(blocker) for blocker in plan.blockers)
    assert code_of(lambda: proposed(double, world.ana, lindiwe)) == "blocked"
    merged(world.ana, double, lindiwe, thabo)
    job.refresh_from_db()
    assert (job.place, job.member) == (1, world.ana)
    assert_ledger_holds()


def test_the_account_that_stays_reads_the_jobs_of_both_and_writes_as_the_customer(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    job = a_request(world, a_centre())
    cancel(ticket=job, actor=Actor(user=world.staff), at=AT)
    merged(double, world.ana, lindiwe, thabo, at=LATER)
    client = Client()
    client.force_login(double.user)
    assert job.get_absolute_url() in client.get(reverse("servicing:list")).content.decode()
    page = client.get(job.get_absolute_url())
    assert page.status_code == 200
    message = write_message(ticket=job, text="One more thing", actor=Actor(user=double.user), at=LATER)
    assert message.from_member
    job.refresh_from_db()
    assert job.member == world.ana
    assert code_of(lambda: open_follow_up(ticket=job, actor=Actor(user=double.user), at=LATER)) == "merged"
    ben = Client()
    ben.force_login(world.ben.user)
    assert ben.get(job.get_absolute_url()).status_code == 404


# --- Erasing ------------------------------------------------------------------------------------------


def test_an_account_that_went_into_another_one_is_erased_after_that_one(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    merged(world.ana, double, lindiwe, thabo)
    much_later = AT + timedelta(days=400)
    assert double not in Member.objects.to_erase(much_later)
    actions.close_account(member=fresh(world.ana), by=world.ana.user, at=LATER)
    assert set(Member.objects.to_erase(much_later)) == {world.ana}
    assert actions.erase_account(member=world.ana.pk, at=much_later)
    assert set(Member.objects.to_erase(much_later)) == {double}
    assert actions.erase_account(member=double.pk, at=much_later)
    assert fresh(double).first_name == "" and not LevelChange.objects.filter(member=double, points__lt=0).exists()
