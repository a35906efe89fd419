"""The review queue: one registration after the other, each taken by one person, in few queries (R19, R54)."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.files.actions import Uploads
from cps_portal.core.outbox.models import Message
from kitbag.actions import appeals, registrations, removals, review
from kitbag.actions.evidence import add_evidence
from kitbag.enums import ClaimOutcome, RegistrationState, ReviewReason
from kitbag.models import Appeal, Claim, Registration
from members.models import User
from tests.admin.conftest import SignIn
from tests.factories import UserFactory, submitted, validated, with_receipt
from tests.files import samples
from tests.mails import rendered
from tests.queries import SNAPSHOT_QUERIES
from tests.world import World

QUEUE = "/admin/kitbag/registrationinreview/"
NEXT = "/admin/kitbag/registrationinreview/next/"


def desk(row: Registration) -> str:
    return reverse("admin:kitbag_registrationinreview_desk", args=[row.pk])


def waiting_one(world: World, number: int, days: int) -> Registration:
    row = submitted(world.ben, world.body, f"5821{number}", insisted=True, at=timezone.now() - timedelta(days=days))
    return registrations.check_registration(registration=row, at=timezone.now())


@pytest.fixture
def three(world: World) -> list[Registration]:
    """Of Ben's, the longest waiting first."""
    return [waiting_one(world, number, days=20 - number) for number in range(3)]


def press(client: Client, row: Registration, button: str, **data: str) -> str:
    """Press a button of the page as it is, and return where it leads, or the page again."""
    seen = client.get(desk(row)).context["seen"]
    answer = client.post(desk(row), {"seen": seen, "do": button, **data})
    row.refresh_from_db()
    return answer["Location"] if answer.status_code == 302 else answer.content.decode()


def test_next_takes_the_longest_waiting_and_a_decision_opens_the_following(
    as_support: Client, three: list[Registration]
) -> None:
    assert as_support.post(NEXT)["Location"] == desk(three[0])
    assert press(as_support, three[0], "approve") == desk(three[1])
    assert press(as_support, three[1], "refuse", reason="serial_wrong") == desk(three[2])
    assert press(as_support, three[2], "ask", asked_for="A photo of the number, please.") == QUEUE
    assert [row.state for row in three] == ["validated", "rejected", "rejected"]
    assert [row.taken_by for row in three] == [None] * 3
    assert three[2].asked_for == "A photo of the number, please."
    assert LogEntry.objects.count() == 3
    assert "Nothing else is waiting" in as_support.get(QUEUE).content.decode()


def test_the_page_shows_everything_there_is_to_know(as_support: Client, world: World) -> None:
    gone = submitted(world.chloe, world.pro_body, "58215", insisted=True)
    removals.remove_registration(registration=gone, reason="sold", by=None, at=timezone.now())
    row = waiting_one(world, 5, days=9)
    text = as_support.get(desk(row)).content.decode()
    for fact in [
        "looks unusual",
        "58215",
        "Rosebank Camera Co.",
        "South Africa",
        str(world.ben),
        "Red",
        "overdue",
        "This doesn’t look like a serial number",
        world.chloe.last_name,
        "EOS R1 Test",
        "Removed",
        "0 refused",
    ]:
        assert fact in text, fact
    assert "Taken" not in text
    row.refresh_from_db()
    assert row.taken_by is None, "looking takes nothing"


def test_two_agents_never_review_the_same_registration(staff: SignIn, three: list[Registration]) -> None:
    first, second = staff("Support"), staff("Support")
    assert first.post(NEXT)["Location"] == desk(three[0])
    assert second.post(NEXT)["Location"] == desk(three[1])
    assert first.post(NEXT)["Location"] == desk(three[0]), "one's own comes back"
    page = second.get(desk(three[0])).content.decode()
    assert "is working on this" in page
    assert 'value="approve"' not in page
    assert "A colleague is working on this one" in press(second, three[0], "approve")
    assert three[0].state == RegistrationState.SUBMITTED
    assert (
        second.post(desk(three[0]), {"do": "take"}, follow=True)
        .content.decode()
        .count("A colleague is working on this one")
    )


def test_a_registration_that_an_agent_forgot_is_released_after_a_while(
    staff: SignIn, three: list[Registration]
) -> None:
    first, second = staff("Support"), staff("Support")
    first.post(NEXT)
    Registration.objects.filter(pk=three[0].pk).update(taken_at=timezone.now() - timedelta(minutes=16))
    assert second.post(NEXT)["Location"] == desk(three[0])
    assert press(second, three[0], "approve") == desk(three[1])


def test_skipping_releases_the_registration_and_opens_the_next(staff: SignIn, three: list[Registration]) -> None:
    first, second = staff("Support"), staff("Support")
    first.post(NEXT)
    assert press(first, three[0], "skip") == desk(three[1])
    assert second.post(NEXT)["Location"] == desk(three[0])
    assert press(first, three[1], "skip") == desk(three[2])
    assert press(first, three[2], "skip") == desk(three[1]), "after the last comes the first that is free"


@pytest.mark.parametrize(
    ("button", "data"), [("approve", {}), ("refuse", {"reason": "serial_wrong"}), ("ask", {"asked_for": "The receipt"})]
)
def test_a_decision_costs_two_requests_of_few_queries(
    as_support: Client, three: list[Registration], button: str, data: dict[str, str]
) -> None:
    as_support.post(NEXT)
    seen = as_support.get(desk(three[0])).context["seen"]
    with CaptureQueriesContext(connection) as deciding_it:
        answer = as_support.post(desk(three[0]), {"seen": seen, "do": button, **data})
    with CaptureQueriesContext(connection) as looking:
        as_support.get(answer["Location"])
    assert answer["Location"] == desk(three[1])
    working = [query["sql"] for query in deciding_it if "SAVEPOINT" not in query["sql"]]
    assert len(working) <= 28  # two of them collect the mail of a burst, one keeps the form to be taken once
    assert len(looking) <= 25 + SNAPSHOT_QUERIES


def test_errors_are_shown_and_no_input_is_lost(as_support: Client, three: list[Registration]) -> None:
    row = three[0]
    assert "Choose the reason that the member will read." in press(as_support, row, "refuse")
    assert "Choose a reason from the list." in press(as_support, row, "refuse", reason="lost_claim")
    assert "Tell the member what to add." in press(as_support, row, "ask", asked_for=" ")
    assert "at most 500" in press(as_support, row, "ask", asked_for="x" * 501)
    assert "x" * 501 in press(as_support, row, "ask", asked_for="x" * 501)
    answer = as_support.post(desk(row), {"do": "ask", "seen": "old", "asked_for": "The receipt"}).content.decode()
    assert "It has changed since you opened it" in answer
    assert "The receipt" in answer
    for odd in ({"do": "nonsense"}, {}, {"do": "approve"}, {"do": "approve", "seen": "\x00"}):
        assert as_support.post(desk(row), odd).status_code == 200
    row.refresh_from_db()
    assert row.state == RegistrationState.SUBMITTED
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_desk_is_for_those_who_may_decide(
    staff: SignIn, as_ben: Client, three: list[Registration], method: str
) -> None:
    pages = [desk(three[0]), NEXT] if method == "post" else [desk(three[0])]
    for page in pages:
        assert getattr(staff("Programme"), method)(page).status_code == 403
        assert getattr(staff(), method)(page).status_code == 403
        assert getattr(staff("Support", second_factor=False), method)(page).status_code == 302
        assert getattr(as_ben, method)(page).status_code == 302
        assert getattr(Client(), method)(page).status_code == 302
    three[0].refresh_from_db()
    assert (three[0].state, three[0].taken_by) == (RegistrationState.SUBMITTED, None)
    assert staff("Support").get(NEXT).status_code == 405


def test_a_resubmission_that_staff_asked_for_comes_first(
    as_support: Client, as_ben: Client, three: list[Registration], world: World
) -> None:
    row = three[2]
    press(as_support, row, "ask", asked_for="A photo of the number, please.")
    mail = Message.objects.get(key__startswith="registration_refused")
    assert "A photo of the number, please." in rendered(mail)["text"]
    assert "We need something more for EOS R Test" in as_ben.get("/dashboard/").content.decode()
    for page in (f"/kitbag/{row.pk}/", f"/kitbag/{row.pk}/finish/"):
        text = as_ben.get(page).content.decode()
        assert "A photo of the number, please." in text
    assert 'class="dot"' in text
    details = registrations.Details("123456789012", "KE", timezone.localdate() - timedelta(days=9), "Shop")
    photo = Uploads(fresh=[samples.upload(samples.jpeg())])
    add_evidence(registration=row, uploads=photo, by=world.ben.user, at=timezone.now())
    registrations.submit_registration(registration=row, details=details, insisted=False, at=timezone.now())
    row = registrations.check_registration(registration=row, at=timezone.now())
    assert row.review_reason == ReviewReason.ASKED
    assert as_support.post(NEXT)["Location"] == desk(row)
    assert as_support.get(QUEUE).context["cl"].result_list[0].pk == row.pk
    press(as_support, row, "approve")
    assert (row.state, row.asked_for) == (RegistrationState.VALIDATED, "")


def test_staff_do_not_get_their_own_kit_to_review(staff: SignIn, world: World, three: list[Registration]) -> None:
    world.ben.user.is_staff = True
    world.ben.user.save()
    with pytest.raises(Exception, match="your own kit"):
        review.approve_registration(registration=three[0], by=world.ben.user, at=timezone.now())
    assert review.take_next(by=world.ben.user, at=timezone.now()) is None
    agent = UserFactory(is_staff=True)
    assert review.take_next(by=agent, at=timezone.now()) == three[0]


# --- Claims and appeals at the desk --------------------------------------------------------------------


@pytest.fixture
def claim(world: World) -> Claim:
    """Ben registers the serial number of Ana's lens."""
    validated(world.ben, world.lens, "1000003")
    return Claim.objects.get()


def claim_page(claim: Claim) -> str:
    return reverse("admin:kitbag_claim_change", args=[claim.pk])


def test_a_claim_shows_both_sides_and_is_decided_there(as_support: Client, claim: Claim, world: World) -> None:
    Claim.objects.update(respond_by=timezone.localdate() - timedelta(days=1))
    with_receipt(claim.claimant)
    answer = as_support.get(claim_page(claim))
    text = answer.content.decode()
    for fact in [world.ana, world.ben, str(claim.claimant_case), str(claim.holder_case), "date has passed"]:
        assert str(fact) in text
    data = {"seen": answer.context["seen"], "outcome": ClaimOutcome.CLAIMANT, "why": "The receipt fits."}
    assert "Choose whose it is." in as_support.post(claim_page(claim), {**data, "outcome": ""}).content.decode()
    assert "The receipt fits." in as_support.post(claim_page(claim), {**data, "seen": "old"}).content.decode()
    named = as_support.post(claim_page(claim), {**data, "why": f"{world.ana.user.email} wrote"}).content.decode()
    assert "This tells one member who the other is" in named
    assert as_support.post(claim_page(claim), data).status_code == 302
    claim.refresh_from_db()
    assert claim.outcome == ClaimOutcome.CLAIMANT
    assert LogEntry.objects.get().change_message == "Decided: It goes to whoever claimed it"
    assert 'name="why"' not in as_support.get(claim_page(claim)).content.decode()


def test_claims_are_decided_only_by_those_who_may(staff: SignIn, as_ben: Client, claim: Claim) -> None:
    for client in (staff("Programme"), staff()):
        assert client.get(claim_page(claim)).status_code == 403
        assert client.post(claim_page(claim), {"outcome": "holder", "why": "x"}).status_code == 403
    for client in (as_ben, Client()):
        assert client.post(claim_page(claim)).status_code == 302
    claim.refresh_from_db()
    assert claim.outcome == ""


def test_a_claimed_registration_is_not_assigned_and_its_page_links_to_the_claim(
    as_support: Client, claim: Claim
) -> None:
    assert as_support.post(NEXT)["Location"] == QUEUE
    page = as_support.get(desk(claim.claimant)).content.decode()
    assert claim_page(claim) in page
    assert 'value="refuse"' not in page
    assert "decide the claim" in press(as_support, claim.claimant, "approve")


def test_an_appeal_is_not_assigned_to_the_person_who_refused(staff: SignIn, three: list[Registration]) -> None:
    first, second = staff("Support"), staff("Support")
    row = three[0]
    press(first, row, "refuse", reason="serial_wrong")
    appeals.make_appeal(registration=row, text="It is right.", by=row.member.user, at=timezone.now())
    assert first.post(NEXT)["Location"] != desk(row)
    assert "You refused this registration" in first.get(desk(row)).content.decode()
    assert "a colleague has to decide" in press(first, row, "approve")
    page = second.get(desk(row)).content.decode()
    assert "It is right." in page
    press(second, row, "approve")
    assert row.state == RegistrationState.VALIDATED
    assert Appeal.objects.get().decided_by == User.objects.get(pk=second.session["_auth_user_id"])
