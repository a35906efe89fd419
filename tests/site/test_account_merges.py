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
from cps_portal.site.queries.member import read_kit, read_level_changes
from kitbag.actions import adjustments, removals
from kitbag.actions.ledger_checks import check_ledger
from kitbag.actions.owner_details import set_photo
from kitbag.actions.transitions import hold_registration
from kitbag.enums import HoldReason, RegistrationState, RemovalReason
from kitbag.models import Claim, Hold, MergedRegistration, OwnerDetails, PointsEntry, Registration
from members.enums import Level, MergeState, NoticeCode, PointsCause
from members.models import AccountMerge, Device, LevelChange, Member, Notice, PendingLevelNotice, User
from members.offers.actions import packs
from members.offers.actions.cards import get_or_issue_card
from members.offers.enums import CardEnd, OfferKind, OfferState, PackState, PackStep, PlaceState
from members.offers.models import Card, Offer, SignUp, WelcomePack
from members.offers.webhooks import pack_requested
from members.support import actions as cases
from members.support.enums import CaseKind
from servicing.actions.erasure import is_busy
from servicing.actions.events import Actor
from servicing.actions.follow_ups import open_follow_up
from servicing.actions.loan_dates import notify_of_loan
from servicing.actions.loans import loan_hold_key
from servicing.actions.messages import write_message
from servicing.actions.tickets import book_in, cancel
from servicing.enums import PlaceWish, TicketState
from servicing.models import Loan, LoanUnit, ServiceCentre, Ticket
from servicing.queries.entitlement import count_places
from tests.factories import PASSWORD, UserFactory, draft, submitted, validated
from tests.files import samples
from tests.mails import rendered
from tests.offers.packing import asked
from tests.servicing.jobs import a_centre, a_request, platinum
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


def a_pack(member: Member, state: PackState, **changes: Any) -> WelcomePack:
    return WelcomePack.objects.create(
        member=member,
        reference=f"ABCD{member.pk:04}",
        asked_at=AT,
        sending_since=AT,
        changed_at=AT,
        contents=[],
        state=state,
        **{"blanked_at": AT, **changes},
    )


def requested(world: World, member: Member) -> WelcomePack:
    """A Welcome Pack that this member has just asked for; for that they need Silver."""
    for n in range(2):
        validated(member, world.body, f"20000000020{n}", at=AT)
    return asked(fresh(member))


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

    def packs_of_both() -> None:
        a_pack(double, PackState.RETURNED)
        a_pack(world.ana, PackState.RECEIVED)

    table: list[tuple[Callable[[], object], str]] = [
        (lambda: submitted(double, world.body, "58211", insisted=True, at=AT), "wait for a check"),
        (lost, "asked for another sign-in address"),
        (recovered, "nothing leaves it yet"),
        (packs_of_both, "came back"),
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


def test_the_photo_of_a_product_goes_with_it_and_comes_back(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    row = double.registrations.get()
    set_photo(registration=row, upload=samples.upload(samples.jpeg()), by=double.user, at=AT)
    merge = merged(world.ana, double, lindiwe, thabo)
    link = MergedRegistration.objects.get(merge=merge)
    details = OwnerDetails.objects.get()
    assert details.registration == link.became and details.photo and details.photo.owner == world.ana.user
    undone(merge, thabo)
    details.refresh_from_db()
    details.photo.refresh_from_db()
    assert details.registration == row and details.photo.owner == double.user


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


def test_a_pack_under_way_goes_on_to_the_same_address_with_the_card_that_is_valid(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    """R37, R69: the same pack and no second one; it is printed again only while it has not left."""
    row = requested(world, double)
    old = get_or_issue_card(member=fresh(double), at=AT)
    before = pack_requested(pack=row.pk, sending=1)
    assert before and before["card"]["number"] == old.number
    merge = merged(world.ana, double, lindiwe, thabo)
    row.refresh_from_db()
    assert (row.member, row.state, row.sending) == (double, PackState.REQUESTED, 2)
    payload = pack_requested(pack=row.pk, sending=2)
    kept = Card.objects.live().get()
    assert payload and kept.member == world.ana
    assert (payload["card"]["number"], payload["member"]["number"]) == (kept.number, world.ana.number)
    assert payload["address"] == before["address"]
    assert pack_requested(pack=row.pk, sending=1) is None
    client = Client()
    client.force_login(world.ana.user)
    assert row.reference_in_groups in client.get(reverse("offers:pack")).content.decode()
    Message.objects.all().delete()
    packs.record_report(
        pack=row, report=packs.Report(PackStep.DISPATCHED, 2, LATER, "one", {}), at=LATER, by=world.staff
    )
    mail = Message.objects.get(kind="mail")
    assert mail.to == world.ana.user.email and rendered(mail)["text"]
    assert world.ana.notices.filter(code="pack_dispatched").exists()
    undone(merge, thabo)
    row.refresh_from_db()
    assert (row.state, row.sending) == (PackState.DISPATCHED, 2), "it has left, and stays what it is"


def test_undoing_prints_the_pack_with_the_new_card_of_its_account(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    row = requested(world, double)
    merge = merged(world.ana, double, lindiwe, thabo)
    undone(merge, thabo)
    card = Card.objects.live().get(member=double)
    payload = pack_requested(pack=row.pk, sending=3)
    assert payload and payload["card"]["number"] == card.number


def test_a_pack_that_came_back_is_sent_again_by_the_account_that_stays(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    row = requested(world, double)
    packs.record_report(pack=row, report=packs.Report(PackStep.RETURNED, 1, LATER, "one", {}), at=LATER, by=world.staff)
    merged(world.ana, double, lindiwe, thabo, at=LATER)
    client = Client()
    client.force_login(world.ana.user)
    assert client.get(reverse("offers:pack_again")).status_code == 200
    again = packs.resend_pack(pack=row, by=world.ana.user, at=LATER)
    assert (again.state, again.sending) == (PackState.REQUESTED, 2)
    payload = pack_requested(pack=row.pk, sending=2)
    assert payload and payload["member"]["number"] == world.ana.number


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


def test_what_had_happened_in_the_account_that_ended_is_read_by_its_person_and_by_staff(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    removed = validated(double, world.grip, "300000000001", at=AT)
    removals.remove_registration(registration=removed, reason=RemovalReason.SOLD, by=double.user, at=AT)
    joined = LevelChange.objects.create(
        member=double, from_level=Level.RED, to_level=Level.SILVER, points=500, cause=PointsCause.VALIDATED, at=AT
    ).pk
    params = {"first": joined, "last": joined}
    Notice.objects.create(member=double, code=NoticeCode.LEVEL_UP, params=params, key="old", path="/kitbag/", at=AT)
    merged(world.ana, double, lindiwe, thabo)
    ana = fresh(world.ana)
    own = Client()
    own.force_login(ana.user)
    lens = Registration.objects.get(member=double, product=world.lens)
    counting = Registration.objects.get(member=ana, product=world.lens, serial_key=lens.serial_key)
    product = "kitbag:product"
    assert own.get(reverse(product, args=[lens.pk])).headers["Location"] == reverse(product, args=[counting.pk])
    ended = own.get(reverse(product, args=[removed.pk]))
    assert ended.status_code == 200 and "<form" not in ended.content.decode().split('id="main"')[1].split("</main>")[0]
    told = [line for _day, lines in own.get(reverse("notices")).context["days"] for line in lines]
    assert not [line for line in told if line.is_current and line.key in double.notices.values_list("pk", flat=True)]
    assert {line.key for line in told} >= set(double.notices.values_list("pk", flat=True))
    assert removed in read_kit(ana).kit.rows and lens not in read_kit(ana).kit.rows
    assert set(read_level_changes(ana)) >= set(double.level_changes.all())

    stranger = Client()
    stranger.force_login(world.ben.user)
    assert {stranger.get(reverse(product, args=[row.pk])).status_code for row in (lens, removed)} == {404}


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


def fast_jobs(member: Member, world: World, count: int, start: int = 0) -> list[Ticket]:
    """Jobs of this member at one centre, each with a place."""
    platinum(member)
    centre = ServiceCentre.objects.filter(slug="joburg").first() or a_centre()
    jobs = [a_request(world, centre, f"01234567{start + n:04}", AT, member=member) for n in range(count)]
    assert [job.place for job in jobs] == list(range(1, count + 1))
    return jobs


def lent(job: Ticket) -> Loan:
    """A unit that the member of this job has reserved."""
    assert job.member and job.registration
    unit = LoanUnit.objects.create(centre=job.centre, product=job.product, serial="99887766")
    loan = Loan.objects.create(unit=unit, ticket=job, member=job.member, reserved_at=AT, by=job.member.user)
    hold_registration(registration=job.registration, key=loan_hold_key(loan), why=HoldReason.LOAN, at=AT)
    return loan


def places() -> list[tuple[int, int | None]]:
    return list(Ticket.objects.filter(place__isnull=False).order_by("pk").values_list("pk", "place"))


def test_open_jobs_of_both_keep_their_owner_and_share_three_places(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    """R49, R69: numbers that clash are given anew, and no fourth product gets a place by either account."""
    ours, (theirs,) = fast_jobs(world.ana, world, 2), fast_jobs(double, world, 1, start=10)
    product = theirs.registration
    merge = merged(world.ana, double, lindiwe, thabo)
    assert places() == [(ours[0].pk, 1), (ours[1].pk, 2), (theirs.pk, 3)]
    theirs.refresh_from_db()
    assert (theirs.member, theirs.registration) == (double, MergedRegistration.objects.get(registration=product).became)
    ana = fresh(world.ana)
    assert count_places(ana) == 3
    Member.objects.filter(pk=ana.pk).update(level=Level.PLATINUM)
    fourth = a_request(world, ours[0].centre, "012345679999", AT, member=fresh(ana), wish=PlaceWish.WAIT)
    assert (fourth.place, fourth.state) == (None, TicketState.WAITING)
    cancel(ticket=theirs, actor=Actor(user=ana.user), at=LATER)
    fourth.refresh_from_db()
    assert fourth.place == 3, "the place of the one account goes to the other"
    undone(merge, thabo)
    assert [place for _key, place in places()] == [1, 2, 3], "the new job has nothing to do with the merge"
    assert_ledger_holds()


def test_the_database_gives_a_place_to_one_of_the_accounts(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    fast_jobs(world.ana, world, 2)
    (theirs,) = fast_jobs(double, world, 1, start=10)
    merged(world.ana, double, lindiwe, thabo)
    for place in (1, 2):
        with pytest.raises(IntegrityError, match="another account of this person"), transaction.atomic():
            Ticket.objects.filter(pk=theirs.pk).update(place=place)


def test_a_product_in_service_is_held_in_the_account_that_stays_and_goes_back(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    (job,) = fast_jobs(double, world, 1)
    loan = lent(job)
    before, total = job.registration_id, levels_of(double)[0]
    merge = merged(world.ana, double, lindiwe, thabo)
    job.refresh_from_db()
    became = job.registration
    assert became and became.member == world.ana
    assert set(Hold.objects.values_list("registration", flat=True)) == {became.pk}
    assert Hold.objects.count() == 2
    with pytest.raises(Refusal, match="loan"):
        removals.remove_registration(registration=became, reason=RemovalReason.SOLD, by=world.ana.user, at=LATER)
    loan.refresh_from_db()
    assert loan.member == double
    undone(merge, thabo)
    job.refresh_from_db()
    assert (job.registration_id, job.place, levels_of(double)[0]) == (before, 1, total)
    assert set(Hold.objects.values_list("registration", flat=True)) == {before}
    assert_ledger_holds()


def test_the_account_that_stays_works_on_the_job_and_hears_of_it(
    world: World, double: Member, lindiwe: User, thabo: User
) -> None:
    (job,) = fast_jobs(double, world, 1)
    loan = lent(job)
    street = job.parcel.street
    merged(world.ana, double, lindiwe, thabo)
    Member.objects.filter(pk=world.ana.pk).update(level=Level.PLATINUM)
    client = Client()
    client.force_login(world.ana.user)
    assert job.get_absolute_url() in client.get(reverse("servicing:list")).content.decode()
    Message.objects.all().delete()
    book_in(ticket=job, actor=Actor(user=world.staff), at=LATER)
    job.refresh_from_db()
    assert (job.level, job.is_fast, job.parcel.street) == (Level.PLATINUM, True, street)
    mail = Message.objects.get(kind="mail", key__startswith="ticket-event")
    assert mail.to == world.ana.user.email
    assert rendered(mail)["text"]
    notify_of_loan(loan=Loan.objects.get(pk=loan.pk), what="due", at=LATER)
    assert Message.objects.filter(kind="mail", key__startswith="loan").get().to == world.ana.user.email
    assert set(world.ana.notices.filter(code="ticket").values_list("params__ticket", flat=True)) == {job.pk}
    assert not double.notices.filter(code="ticket", at__gte=LATER).exists()
    with pytest.raises(Refusal):
        cancel(ticket=job, actor=Actor(user=world.ana.user), at=LATER)
    assert is_busy(fresh(world.ana))


def test_which_jobs_have_to_end_first(world: World, double: Member, lindiwe: User, thabo: User) -> None:
    def four() -> None:
        fast_jobs(world.ana, world, 2)
        fast_jobs(double, world, 2, start=10)

    def same_product() -> None:
        validated(world.ana, world.body, SERIAL, at=AT)
        validated(double, world.body, SERIAL, at=AT)
        for row in Registration.objects.filter(serial_key=SERIAL):
            Ticket.objects.filter(pk=fast_jobs(row.member, world, 1, start=row.pk)[0].pk).update(registration=row)

    def chain() -> None:
        merged(double, world.ben, lindiwe, thabo)
        fast_jobs(fresh(double), world, 1)

    table: list[tuple[Callable[[], object], str]] = [
        (four, "4 products in Fast Track, and one person has 3 places"),
        (same_product, "a job in both accounts"),
        (chain, "propose it the other way round"),
    ]
    for prepare, words in table:
        with transaction.atomic():
            prepare()
            plan = account_merges.plan_merge(survivor=fresh(world.ana), ended=fresh(double), at=AT)
            said = " ".join(str(blocker) for blocker in plan.blockers if words in str(blocker))
            assert said, (words, plan.blockers)
            jobs = Ticket.objects.exclude(registration=None) if prepare is not chain else Ticket.objects.none()
            assert [job for job in jobs if job.reference_in_groups not in said] == []
            assert code_of(lambda: proposed(world.ana, double, lindiwe)) == "blocked"
            transaction.set_rollback(True)


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
