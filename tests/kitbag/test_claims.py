"""Two members, one serial number: both are asked, a person decides, neither learns who the other is (R31, R32)."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.models import Message
from kitbag.actions import appeals, claims, registrations, removals, review
from kitbag.enums import ClaimOutcome, RefusalReason, RegistrationState, RemovalReason, ReviewReason
from kitbag.models import Claim, Registration
from members.models import Member, Notice, User
from members.support import actions as cases
from members.support.enums import CaseKind, CaseState
from members.support.models import Case, CaseMessage
from tests.factories import UserFactory, details, draft, submitted, validated, with_receipt
from tests.mails import mails_to
from tests.rows import each_row
from tests.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATE = NOW + timedelta(days=16)
SERIAL = "1000003"


@pytest.fixture
def claim(world: World) -> Claim:
    """Ben registers the serial number of Ana's lens."""
    row = draft(world.ben, world.lens, NOW)
    typed = details("SN 1000003", country="KE", store="Nairobi Lens House")
    row = registrations.submit_registration(registration=row, details=typed, insisted=False, at=NOW)
    registrations.check_registration(registration=row, at=NOW)
    claim = Claim.objects.get()
    with_receipt(claim.claimant)
    with_receipt(claim.holder)
    return claim


def decide(claim: Claim, outcome: ClaimOutcome, by: User, why: str = "The receipt fits.", at: datetime = LATE) -> Claim:
    return claims.decide_claim(claim=claim, outcome=outcome, why=why, by=by, at=at)


def points(*members: Member) -> list[int]:
    return [Member.objects.get(pk=member.pk).points for member in members]


def states(claim: Claim) -> list[str]:
    return [Registration.objects.get(pk=key).state for key in (claim.claimant_id, claim.holder_id)]


def told(member: Member) -> str:
    """Everything that a member was ever told: messages of their cases, notices, mails."""
    said = CaseMessage.objects.filter(case__member=member).values_list("text", flat=True)
    subjects = Case.objects.filter(member=member).values_list("subject", flat=True)
    notices = [f"{notice.params} {notice.path}" for notice in Notice.objects.filter(member=member)]
    letters = [str(mail) for mail in mails_to(member)]
    return "\n".join([*said, *subjects, *notices, *letters])


def test_a_claim_asks_both_with_a_date_and_the_holder_keeps_the_points(claim: Claim, world: World) -> None:
    assert (claim.claimant.member, claim.holder.member) == (world.ben, world.ana)
    assert (claim.claimant.state, claim.claimant.review_reason) == ("submitted", ReviewReason.DUPLICATE)
    assert claim.respond_by == date(2026, 3, 16)
    for case in (claim.claimant_case, claim.holder_case):
        assert (case.kind, case.state) == (CaseKind.CLAIM, CaseState.WAITING)
        assert "16 March 2026" in case.messages.get().text
        assert Message.objects.filter(to=case.email, key__startswith=f"case-{case.pk}-asked").exists()
    assert "you keep your points" in claim.holder_case.messages.get().text
    assert points(world.ana, world.ben) == [1000, 0]
    registrations.check_registration(registration=claim.claimant, at=NOW)
    assert Claim.objects.count() == 1


def decide_each_way(claim: Claim, world: World) -> None:
    """Ana loses to Ben, appeals and wins it back: everything that is ever said is said to both."""
    decide(claim, ClaimOutcome.CLAIMANT, world.staff)
    lost = Registration.objects.get(pk=claim.holder_id)
    appeals.make_appeal(registration=lost, text="It is mine.", by=world.ana.user, at=LATE)
    review.approve_registration(registration=lost, by=UserFactory(is_staff=True), at=LATE)
    again = Claim.objects.open().get()
    decide(again, ClaimOutcome.CLAIMANT, world.staff, at=LATE + timedelta(days=16))


def test_neither_learns_who_the_other_is(claim: Claim, world: World, as_ana: Client, as_ben: Client) -> None:
    decide_each_way(claim, world)
    secrets = {
        member.pk: [member.first_name + " ", member.last_name, member.number, member.user.email, country, store]
        for member, country, store in [
            (world.ana, "South Africa", "Rosebank"),
            (world.ben, "Kenya", "Nairobi"),
        ]
    }
    # Everybody in the cast has the same last name, so that one cannot tell; and one's own things one may see.
    for client, member, other in [(as_ana, world.ana, world.ben), (as_ben, world.ben, world.ana)]:
        pages = ["/dashboard/", "/kitbag/", "/kitbag/?view=table", "/kitbag/points/", "/cases/"]
        pages += [row.get_absolute_url() for row in Registration.objects.of(member)]
        pages += [case.get_absolute_url() for case in Case.objects.of(member)]
        seen = told(member) + "".join(client.get(page).content.decode() for page in pages)
        grouped = f"{other.number[:4]} {other.number[4:8]} {other.number[8:]}"
        for secret in [*secrets[other.pk], grouped]:
            if secret != world.ana.last_name:
                assert not re.search(rf"\b{re.escape(secret.strip())}\b", seen), (secret, member)


@pytest.mark.parametrize(
    ("outcome", "after"),
    [
        (ClaimOutcome.HOLDER, (["rejected", "validated"], [1000, 0], RefusalReason.LOST_CLAIM)),
        (ClaimOutcome.CLAIMANT, (["validated", "rejected"], [800, 200], RefusalReason.LOST_CLAIM)),
        (ClaimOutcome.NEITHER, (["rejected", "rejected"], [800, 0], RefusalReason.SERIAL_UNREADABLE)),
    ],
)
def test_a_decision_moves_the_points_and_gives_both_members_the_reason(
    claim: Claim, world: World, outcome: ClaimOutcome, after: tuple[list[str], list[int], str]
) -> None:
    expected, total, reason = after
    decide(claim, outcome, world.staff, why="The dates on the receipts differ.")
    assert states(claim) == expected
    assert points(world.ana, world.ben) == total
    for row in Registration.objects.filter(pk__in=[claim.claimant_id, claim.holder_id]):
        assert row.refusal_reason == (reason if row.state == RegistrationState.REJECTED else "")
        if row.state == RegistrationState.REJECTED:
            assert appeals.appeal_blocker(row, None) is None, "the loser may appeal"
    for case in (claim.claimant_case, claim.holder_case):
        case.refresh_from_db()
        assert case.state == CaseState.CLOSED
        last = case.messages.last()
        assert last
        assert "The dates on the receipts differ." in last.text
        letters = [mail["text"] for mail in mails_to(case.member)]
        assert sum("The dates on the receipts differ." in text for text in letters) == 1
    with pytest.raises(Refusal, match="closed in the meantime"):
        decide(claim, ClaimOutcome.HOLDER, world.staff)


def test_before_the_date_no_holder_loses_without_a_say(claim: Claim, world: World) -> None:
    with pytest.raises(Refusal, match="has not answered"):
        decide(claim, ClaimOutcome.CLAIMANT, world.staff, at=NOW + timedelta(days=2))
    case = Case.objects.get(pk=claim.holder_case_id)
    cases.write_message(case=case, text="Here is my receipt.", by=world.ana.user, at=NOW)
    decide(claim, ClaimOutcome.CLAIMANT, world.staff, at=NOW + timedelta(days=2))


@each_row(
    ("why", "code"),
    [
        (" ", "empty"),
        ("x" * 2501, "long"),
        ("As ben@EXAMPLE.org wrote", "names"),
        ("Ana Example has the receipt", "names"),
        ("Bought at Nairobi Lens House", "names"),
        ("It is {number}’s", "names"),
    ],
)
def test_neither_member_learns_who_the_other_is(claim: Claim, world: World, why: str, code: str) -> None:
    grouped = f"{world.ana.number[:4]} {world.ana.number[4:8]} {world.ana.number[8:]}"
    with pytest.raises(Refusal) as refusal:
        decide(claim, ClaimOutcome.HOLDER, world.staff, why=why.format(number=grouped))
    assert (refusal.value.code, refusal.value.field) == (code, "why")


@pytest.mark.parametrize("ends", ["reopened", "removed"])
def test_a_claim_ends_when_the_claimant_takes_it_back(claim: Claim, world: World, ends: str) -> None:
    row = claim.claimant
    if ends == "reopened":
        registrations.reopen_registration(registration=row, at=NOW)
    else:
        removals.remove_registration(registration=row, reason=RemovalReason.MISTAKE, by=None, at=NOW)
    claim.refresh_from_db()
    assert claim.outcome == ClaimOutcome.WITHDRAWN
    assert set(Case.objects.filter(kind=CaseKind.CLAIM).values_list("state", flat=True)) == {CaseState.CLOSED}
    assert "sorted itself out" in told(world.ana)
    assert points(world.ana) == [1000]


def test_when_the_holder_lets_go_the_claimant_counts(claim: Claim, world: World) -> None:
    removals.remove_registration(registration=claim.holder, reason=RemovalReason.SOLD, by=None, at=NOW)
    claim.refresh_from_db()
    assert claim.outcome == ClaimOutcome.WITHDRAWN
    waiting = Registration.objects.undecided(since=NOW)
    assert list(waiting) == [claim.claimant], "the sweep finds it even if its task is lost"
    registrations.check_registration(registration=claim.claimant, at=NOW)
    assert points(world.ana, world.ben) == [800, 200]


def test_other_claims_continue_against_the_winner(claim: Claim, world: World) -> None:
    validated(world.chloe, world.lens, SERIAL, at=NOW)
    third = Claim.objects.get(claimant__member=world.chloe)
    assert third.holder == claim.holder
    decide(claim, ClaimOutcome.CLAIMANT, world.staff)
    third.refresh_from_db()
    assert third.outcome == ClaimOutcome.WITHDRAWN
    registrations.check_registration(registration=third.claimant, at=LATE)
    anew = Claim.objects.open().get()
    assert (anew.claimant, anew.holder) == (third.claimant, claim.claimant)


def test_a_claim_is_not_decided_as_if_it_were_a_registration(claim: Claim, world: World) -> None:
    row = claim.claimant
    for act in (
        lambda: review.approve_registration(registration=row, by=world.staff, at=NOW),
        lambda: review.refuse_registration(
            registration=row, reason=RefusalReason.HELD_ELSEWHERE, by=world.staff, at=NOW
        ),
        lambda: review.ask_for_more(registration=row, text="A photo", by=world.staff, at=NOW),
    ):
        with pytest.raises(Refusal, match="ecide the claim"):
            act()
    for own in (world.ana.user, world.ben.user):
        with pytest.raises(Refusal, match="your own kit"):
            decide(claim, ClaimOutcome.HOLDER, own)


def test_a_check_that_goes_against_the_holder_ends_the_claim_too(claim: Claim, world: World) -> None:
    review.refuse_registration(registration=claim.holder, reason=RefusalReason.DETAILS_WRONG, by=world.staff, at=NOW)
    claim.refresh_from_db()
    assert claim.outcome == ClaimOutcome.WITHDRAWN
    assert registrations.check_registration(registration=claim.claimant, at=NOW).state == "validated"


def test_approving_a_product_that_another_member_holds_by_now_opens_a_claim(world: World) -> None:
    rows = [submitted(who, world.body, "58214", insisted=True, at=NOW) for who in (world.ben, world.chloe)]
    rows = [registrations.check_registration(registration=row, at=NOW) for row in rows]
    assert [row.review_reason for row in rows] == [ReviewReason.SHAPE] * 2
    review.approve_registration(registration=rows[0], by=world.staff, at=NOW)
    row = review.approve_registration(registration=rows[1], by=world.staff, at=NOW)
    assert (row.state, row.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.DUPLICATE)
    assert Claim.objects.get().holder == rows[0]
