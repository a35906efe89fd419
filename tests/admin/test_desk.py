"""The review queue: one registration after the other, each taken by one person, in few queries (R19, R54)."""

from datetime import timedelta
from typing import Any

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
from kitbag.models import Appeal, Claim, HeldDecision, Registration
from members.models import User
from tests.admin.conftest import SignIn
from tests.factories import UserFactory, submitted, validated, with_receipt
from tests.files import samples
from tests.held import apply_held
from tests.mails import rendered
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
    """Press a button of the page as it is, wait for the worker, and return where it leads, or the page again."""
    seen = client.get(desk(row)).context["item"]["version"]
    answer = client.post(desk(row), {"seen": seen, "do": button, **data})
    apply_held()
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
        world.ben.full_name,
        world.ben.number_in_groups,
        "Red",
        "overdue",
        "Not the form ",
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
    page = second.get(desk(three[0]))
    assert "is working on this" in page.content.decode()
    assert not page.context["item"]["decidable"]
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
    seen = as_support.get(desk(three[0])).context["item"]["version"]
    with CaptureQueriesContext(connection) as deciding_it:
        answer = as_support.post(desk(three[0]), {"seen": seen, "do": button, **data})
    with CaptureQueriesContext(connection) as looking:
        as_support.get(answer["Location"])
    assert answer["Location"] == desk(three[1])
    working = [query["sql"] for query in deciding_it if "SAVEPOINT" not in query["sql"]]
    assert len(working) <= 28  # two of them collect the mail of a burst, one keeps the form to be taken once
    assert len(looking) < 30, "this one, and two that are loaded ahead"


def test_errors_are_shown_and_no_input_is_lost(as_support: Client, three: list[Registration]) -> None:
    row = three[0]
    assert "Choose the reason that the member will read." in press(as_support, row, "refuse")
    assert "Choose a reason from the list." in press(as_support, row, "refuse", reason="lost_claim")
    assert "Choose what is missing" in press(as_support, row, "ask", asked_for=" ")
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
    assert "Send us one more thing for EOS R Test" in as_ben.get("/notices/").content.decode()
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
    data = {"seen": answer.context["item"]["seen"], "outcome": ClaimOutcome.CLAIMANT, "why": "The receipt fits."}
    assert "Choose whose it is." in as_support.post(claim_page(claim), {**data, "outcome": ""}).content.decode()
    assert "The receipt fits." in as_support.post(claim_page(claim), {**data, "seen": "old"}).content.decode()
    named = as_support.post(claim_page(claim), {**data, "why": f"{world.ana.user.email} wrote"}).content.decode()
    assert "This tells one member who the other is" in named
    assert as_support.post(claim_page(claim), data).status_code == 302
    claim.refresh_from_db()
    assert claim.outcome == "", "held"
    assert "has just decided" not in as_support.get(claim_page(claim)).content.decode(), "it was oneself"
    apply_held()
    claim.refresh_from_db()
    assert claim.outcome == ClaimOutcome.CLAIMANT
    assert LogEntry.objects.get().change_message == "Claim decided: It goes to whoever claimed it"
    assert 'name="why"' not in as_support.get(claim_page(claim)).content.decode()


@pytest.fixture
def three_claims(world: World) -> list[Claim]:
    """Of Ben against Ana, Chloe and Ana, the earliest deadline first."""
    validated(world.ben, world.lens, "1000003")
    validated(world.ben, world.pro_body, "100000000001")
    validated(world.chloe, world.lens, "1000003")
    rows = list(Claim.objects.order_by("pk"))
    for days, row in enumerate(rows, start=1):
        Claim.objects.filter(pk=row.pk).update(respond_by=timezone.localdate() - timedelta(days=9 - days))
    return list(Claim.objects.order_by("pk"))


def test_a_claim_comes_with_the_next_ones_loaded(as_support: Client, three_claims: list[Claim]) -> None:
    """As registrations do: the script shows the next one, sends the decision, and gets what to load (R54)."""
    first, second, third = three_claims
    page = as_support.get(claim_page(second))
    assert [item["row"] for item in page.context["ahead"]] == [third, first], "those behind, then those before"
    data = {"outcome": "holder", "why": "Nothing else was shown.", "seen": page.context["item"]["seen"]}
    sent = {"shown": str(third.pk), "loaded": str(first.pk), "passed": str(second.pk)}
    answer = as_support.post(claim_page(second), {**data, **sent}).json()
    assert "Undo" in answer["toast"]
    assert answer["items"] == [], "nothing else is open"
    refused = as_support.post(claim_page(third), {"outcome": "", "why": "x", "shown": str(first.pk)})
    assert (refused.status_code, "Choose whose it is." in refused.json()["item"]) == (409, True)
    skipped = as_support.post(claim_page(third), {"do": "skip", "shown": str(first.pk), "loaded": "", "passed": ""})
    assert skipped.json()["items"] == []
    assert as_support.post(claim_page(third), {"do": "skip"})["Location"] == claim_page(first)
    assert HeldDecision.objects.get().claim == second


def test_a_claim_that_is_loaded_ahead_costs_no_query_more(as_support: Client, three_claims: list[Claim]) -> None:
    as_support.get(claim_page(three_claims[0]))  # the counts of the rail are kept for a while
    with CaptureQueriesContext(connection) as three:
        as_support.get(claim_page(three_claims[0]))
    Claim.objects.exclude(pk=three_claims[0].pk).update(outcome=ClaimOutcome.WITHDRAWN, decided_at=timezone.now())
    with CaptureQueriesContext(connection) as one:
        as_support.get(claim_page(three_claims[0]))
    assert len(three) <= len(one) <= 30


def test_appeals_come_with_the_next_appeal_loaded(staff: SignIn, three: list[Registration]) -> None:
    first, second = staff("Support"), staff("Support")
    for row in three[:2]:
        press(first, row, "refuse", reason="serial_wrong")
        appeals.make_appeal(registration=row, text="It is right.", by=row.member.user, at=timezone.now())
    page = second.get(f"{desk(three[0])}?only=appeal")
    assert [item["row"] for item in page.context["ahead"]] == [three[1]], "and not what waits for a check"


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


# --- Held decisions (R54) ----------------------------------------------------------------------------


def undo_url(decision: HeldDecision) -> str:
    return reverse("admin:kitbag_helddecision_undo", args=[decision.pk])


def send(client: Client, row: Registration, button: str, **data: str) -> Any:
    """Press a button as the script does, which shows the next registration by itself. Returns the answer."""
    seen = client.get(desk(row)).context["item"]["version"]
    return client.post(desk(row), {"seen": seen, "do": button, "shown": "", **data})


def test_a_decision_is_taken_back_by_its_button_and_shown_again(
    as_support: Client, staff: SignIn, three: list[Registration]
) -> None:
    seen = as_support.get(desk(three[0])).context["item"]["version"]
    page = as_support.post(desk(three[0]), {"seen": seen, "do": "approve"}, follow=True).content.decode()
    decision = HeldDecision.objects.get()
    assert undo_url(decision) in page
    assert staff("Support").post(undo_url(decision)).status_code == 404, "a colleague's"
    assert as_support.get(undo_url(decision)).status_code == 405
    assert as_support.post(undo_url(decision))["Location"] == desk(three[0])
    apply_held()
    three[0].refresh_from_db()
    assert three[0].state == RegistrationState.SUBMITTED
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == ["Approved.", "Taken back: Approved."]


def test_too_late_is_said_and_changes_nothing(as_support: Client, three: list[Registration]) -> None:
    press(as_support, three[0], "approve")
    decision = HeldDecision.objects.get()
    assert "too late" in as_support.post(undo_url(decision), follow=True).content.decode()
    assert "too late" in as_support.post(undo_url(decision), {"shown": "1"}).json()["problem"]
    three[0].refresh_from_db()
    assert three[0].state == RegistrationState.VALIDATED


def test_a_dropped_decision_is_told_to_the_one_who_made_it_until_it_is_read(
    as_support: Client, staff: SignIn, three: list[Registration]
) -> None:
    send(as_support, three[0], "approve")
    registrations.reopen_registration(registration=three[0], at=timezone.now())
    apply_held()
    decision = HeldDecision.objects.get()
    for page in (QUEUE, desk(three[1]), "/admin/kitbag/claim/", "/admin/kitbag/helddecision/toast/"):
        assert "was not applied" in as_support.get(page).content.decode(), page
    assert "was not applied" not in staff("Support").get(QUEUE).content.decode()
    read = reverse("admin:kitbag_helddecision_read", args=[decision.pk])
    assert as_support.post(read)["Location"] == desk(three[0])
    assert "was not applied" not in as_support.get(QUEUE).content.decode()


def test_the_script_gets_the_next_ones_and_what_a_colleague_has_taken(
    as_support: Client, staff: SignIn, world: World, three: list[Registration]
) -> None:
    more = [waiting_one(world, number, days=20 - number) for number in range(3, 8)]
    staff("Support").post(NEXT)
    three[0].refresh_from_db()
    assert three[0].taken_by is not None
    shown = f"{three[0].pk}"
    answer = send(as_support, three[1], "approve", shown=shown, loaded=f"{three[2].pk}", passed=f"{more[0].pk}").json()
    assert answer["gone"] == [three[0].pk]
    assert [f'data-item="{row.pk}"' in html for row, html in zip(more[1:3], answer["items"], strict=True)] == [True] * 2
    assert "Approved." in answer["toast"]
    full = send(as_support, three[2], "approve", loaded=",".join(str(row.pk) for row in more[:3])).json()
    assert full["items"] == []


def test_what_the_script_may_send_breaks_nothing(as_support: Client, three: list[Registration]) -> None:
    for odd in ["", ",", "x", "1,,2", "-1", "9" * 40, "\x00", "٣", "1" * 20, ",".join("1" * 300), "1.5", " "]:
        row = three[0]
        answer = send(as_support, row, "skip", shown=odd, loaded=odd, passed=odd)
        assert answer.status_code == 200, odd
    conflict = send(as_support, three[0], "refuse")
    assert conflict.status_code == 409
    assert "Choose the reason" in conflict.json()["item"]


def test_questions_that_are_asked_often_are_worded_for_the_member(
    as_support: Client, three: list[Registration]
) -> None:
    press(as_support, three[0], "ask", question="receipt")
    assert three[0].asked_for == "The receipt or invoice, as a photo or a PDF, please."
    assert "Choose from the list" in press(as_support, three[1], "ask", question="nonsense")


def test_appeals_are_a_queue_of_their_own(staff: SignIn, three: list[Registration]) -> None:
    first, second = staff("Support"), staff("Support")
    row = three[2]
    press(first, row, "refuse", reason="serial_wrong")
    appeals.make_appeal(registration=row, text="It is right.", by=row.member.user, at=timezone.now())
    assert first.post(NEXT, {"only": "appeal"})["Location"] == f"{QUEUE}?review_reason__exact=appeal"
    assert second.post(NEXT, {"only": "appeal"})["Location"] == f"{desk(row)}?only=appeal"
    page = second.get(f"{desk(row)}?only=appeal")
    assert [tab["count"] for tab in page.context["tabs"]] == [2, 1, 0]
    assert page.context["ahead"] == []
    assert 'value="ask"' not in page.content.decode(), "the member is asked in the case"


def test_held_decisions_are_for_those_who_may_decide(
    staff: SignIn, as_ben: Client, as_support: Client, three: list[Registration]
) -> None:
    send(as_support, three[0], "approve")
    decision = HeldDecision.objects.get()
    read = reverse("admin:kitbag_helddecision_read", args=[decision.pk])
    for client, status in [(staff("Programme"), 404), (staff("Centre"), 404), (staff(), 404), (as_ben, 302)]:
        assert [client.post(url).status_code for url in (undo_url(decision), read)] == [status] * 2
    toast = "/admin/kitbag/helddecision/toast/"
    clients = [staff("Programme"), staff("Centre"), staff(), as_ben, as_support]
    assert [client.get(toast).status_code for client in clients] == [403, 403, 403, 302, 200]
    assert as_support.get("/admin/kitbag/helddecision/").status_code == 200
    assert HeldDecision.objects.get().state == "held"
