"""The random check and claims require a proof of purchase (R25, R32)."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from cps_portal.core.files.actions import Uploads
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import claims, evidence, registrations, review
from kitbag.enums import ClaimOutcome, EvidenceKind, RefusalReason, RegistrationState, ReviewReason
from kitbag.models import Claim, Registration
from tests.factories import details, draft, submitted, validated, with_receipt
from tests.files import samples
from tests.rows import each_row
from tests.world import World

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATE = NOW + timedelta(days=16)
SERIAL = "200000000009"


@pytest.fixture
def picked(world: World, settings: Settings) -> Registration:
    """Ben's product, chosen by the random check."""
    settings.REVIEW_SAMPLE_PERCENT = 100
    row = submitted(world.ben, world.body, SERIAL, at=NOW)
    return registrations.check_registration(registration=row, at=NOW)


def resubmit(row: Registration) -> Registration:
    typed = details(SERIAL)
    row = registrations.submit_registration(registration=row, details=typed, insisted=False, at=NOW)
    return registrations.check_registration(registration=row, at=NOW)


def test_a_random_pick_asks_the_member_for_the_proof_at_once(picked: Registration, as_ben: Client) -> None:
    assert (picked.state, picked.refusal_reason) == (RegistrationState.REJECTED, RefusalReason.NEEDS_PROOF)
    dashboard = " ".join(as_ben.get("/dashboard/").content.decode().split())
    assert 'Correct <bdi><bdi translate="no">EOS R Test<' in dashboard
    assert "Send us one more thing for EOS R Test" in as_ben.get("/notices/").content.decode()
    page = as_ben.get(reverse("kitbag:finish", args=[picked.pk])).content.decode()
    assert "We asked for this. Add it before you send the product in again." in page
    kitbag = as_ben.get(reverse("kitbag:list")).content.decode()
    assert f"{reverse('kitbag:finish', args=[picked.pk])}#evidence" in kitbag
    assert "we need to see the proof of purchase" in kitbag


def test_without_a_proof_it_cannot_be_submitted_again(picked: Registration) -> None:
    with pytest.raises(Refusal) as refusal:
        resubmit(picked)
    assert (refusal.value.code, refusal.value.field) == ("needs_proof", "evidence")


def test_a_photo_of_the_serial_number_is_no_proof_of_purchase(picked: Registration) -> None:
    photo = Uploads(fresh=[samples.upload(samples.jpeg())])
    evidence.add_evidence(registration=picked, uploads=photo, by=picked.member.user, at=NOW, kind=EvidenceKind.SERIAL)
    with pytest.raises(Refusal, match="proof of purchase"):
        resubmit(picked)


def test_with_a_proof_a_person_decides(picked: Registration, world: World) -> None:
    row = resubmit(with_receipt(picked))
    assert (row.state, row.review_reason) == (RegistrationState.SUBMITTED, ReviewReason.SAMPLE)
    assert review.approve_registration(registration=row, by=world.staff, at=NOW).state == RegistrationState.VALIDATED


def test_a_proof_that_was_there_before_is_not_asked_for_again(world: World, settings: Settings) -> None:
    settings.REVIEW_SAMPLE_PERCENT = 100
    assert resubmit(with_receipt(draft(world.ben, world.body, NOW))).review_reason == ReviewReason.SAMPLE


def test_staff_cannot_approve_a_random_pick_whose_proof_was_taken_back(picked: Registration, world: World) -> None:
    row = resubmit(with_receipt(picked))
    evidence.remove_evidence(evidence=row.evidence.kept().get(), by=row.member.user, at=NOW)
    with pytest.raises(Refusal, match="Ask the member for it") as refusal:
        review.approve_registration(registration=row, by=world.staff, at=NOW)
    assert refusal.value.code == "needs_proof"
    assert review.ask_for_more(registration=row, text="The receipt, please.", by=world.staff, at=NOW).needs_member


def test_being_asked_for_a_proof_is_no_refusal(picked: Registration) -> None:
    assert review.count_recent_refusals(picked.member, NOW) == 0


# --- Claims ------------------------------------------------------------------------------------------


@pytest.fixture
def claim(world: World) -> Claim:
    validated(world.ben, world.pro_body, "100000000001", at=NOW)
    return Claim.objects.get()


@each_row(
    ("shown_by", "outcome", "refused"),
    [
        ((), ClaimOutcome.CLAIMANT, True),
        ((), ClaimOutcome.HOLDER, False),
        ((), ClaimOutcome.NEITHER, False),
        (("claimant",), ClaimOutcome.CLAIMANT, False),
        (("claimant",), ClaimOutcome.HOLDER, True),
        (("claimant",), ClaimOutcome.NEITHER, False),
        (("holder",), ClaimOutcome.CLAIMANT, True),
        (("holder",), ClaimOutcome.HOLDER, False),
        (("claimant", "holder"), ClaimOutcome.CLAIMANT, False),
        (("claimant", "holder"), ClaimOutcome.HOLDER, False),
    ],
)
def test_nobody_wins_a_claim_without_the_proof_that_it_takes(
    claim: Claim, world: World, shown_by: tuple[str, ...], outcome: ClaimOutcome, *, refused: bool
) -> None:
    for side in shown_by:
        with_receipt(getattr(claim, side))
    decide = partial(claims.decide_claim, claim=claim, outcome=outcome, why="The receipts differ.", by=world.staff)
    if refused:
        with pytest.raises(Refusal, match="no proof of purchase") as refusal:
            decide(at=LATE)
        assert (refusal.value.code, refusal.value.field) == ("needs_proof", "outcome")
    else:
        assert decide(at=LATE).outcome == outcome


def test_both_are_asked_for_the_proof_with_a_date(claim: Claim) -> None:
    for case in (claim.claimant_case, claim.holder_case):
        text = case.messages.get().text
        assert "proof of purchase" in text
        assert "photo or a PDF of the receipt" in text
        assert "16 March 2026" in text
