"""Bounces and complaints that a mail provider reports (R56): signed, in any order, and never an error of ours."""

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.outbox import actions, suppressions
from cps_portal.core.outbox.enums import State, SuppressionReason
from cps_portal.core.outbox.mail import essential
from cps_portal.core.outbox.models import Message, Suppression
from cps_portal.core.outbox.rules import suppression_reason
from members.actions import erase_person
from tests.outbox.conftest import LETTER
from tests.rows import each_row
from tests.world import World

SECRET = "reports:a long password"
SIGNING_KEY = "key-of-the-webhook"
URL = "/mail-events/"
ANA = "ana@example.org"


@pytest.fixture(autouse=True)
def postmark(settings: Settings) -> None:
    settings.EMAIL_PROVIDER = "postmark"
    settings.EMAIL_BACKEND = "anymail.backends.test.EmailBackend"
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "POSTMARK_SERVER_TOKEN": "token"}


@pytest.fixture
def mailgun(settings: Settings) -> None:
    settings.EMAIL_PROVIDER = "mailgun"
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": SIGNING_KEY, "MAILGUN_API_KEY": "k"}


def send(report: object, secret: str = SECRET) -> HttpResponse:
    body = report if isinstance(report, bytes) else json.dumps(report)
    auth = "Basic " + b64encode(secret.encode()).decode()
    return Client().post(URL, body, content_type="application/json", headers={"authorization": auth})  # type: ignore[arg-type]


def bounce(**changes: Any) -> dict[str, Any]:
    """A report of Postmark."""
    when = changes.pop("at", timezone.now())
    report = {"RecordType": "Bounce", "Type": "HardBounce", "Email": ANA, "BouncedAt": when.isoformat(), "ID": 7}
    return {**report, "Description": "The server was unable to deliver", "Details": "550 no such user", **changes}


def signed(data: object, key: str = SIGNING_KEY) -> dict[str, Any]:
    """A report of Mailgun with its signature."""
    stamp, token = str(int(timezone.now().timestamp())), "t" * 50
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": data}


def failed(**changes: Any) -> dict[str, Any]:
    stamp = timezone.now().timestamp()
    return {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "recipient": ANA,
        "timestamp": stamp,
        **changes,
    }


def suppressed() -> dict[str, str]:
    return dict(Suppression.objects.active().values_list("address", "reason"))


# --- Reports ----------------------------------------------------------------------------------------


@each_row(
    "event_type, reject_reason, report, reason",
    [
        ("bounced", "bounced", {"Type": "HardBounce"}, "bounced"),
        ("bounced", "bounced", {"Type": "SoftBounce"}, None),
        ("bounced", "bounced", {"event": "soft_bounce"}, None),
        ("bounced", "bounced", {"event": "hard_bounce"}, "bounced"),
        ("bounced", "bounced", {"event-data": {"severity": "temporary"}}, None),
        ("bounced", "bounced", {"bounce": {"bounceType": "Transient"}}, None),
        ("bounced", "bounced", {"bounce": {"bounceType": "Permanent"}}, "bounced"),
        ("bounced", "bounced", {"event": "bounce", "hard_bounce": False}, None),
        ("bounced", "bounced", {"event": "bounce", "hard_bounce": True}, "bounced"),
        ("bounced", "bounced", {"msys": {"message_event": {"bounce_class": "22"}}}, None),
        ("bounced", "bounced", {"msys": {"message_event": {"bounce_class": "10"}}}, "bounced"),
        ("bounced", "bounced", {"event": "bounce", "type": "blocked"}, None),
        ("bounced", "invalid", {}, "bounced"),
        ("bounced", "other", {}, None),
        ("bounced", None, {}, None),
        ("rejected", "bounced", {}, "bounced"),
        ("rejected", "blocked", {}, None),
        ("rejected", "spam", {}, "complained"),
        ("complained", None, {}, "complained"),
        ("complained", "spam", None, "complained"),
        ("delivered", None, {}, None),
        ("deferred", None, {}, None),
        ("opened", "bounced", {}, None),
        ("bounced", "bounced", ["SoftBounce", {"type": "soft"}], None),
        ("bounced", "bounced", "SoftBounce", "bounced"),
    ],
)
def test_which_reports_suppress_an_address(
    event_type: str, reject_reason: str | None, report: object, reason: str | None
) -> None:
    assert suppression_reason(event_type, reject_reason, report) == reason


def test_a_hard_bounce_marks_the_address_of_an_account(world: World) -> None:
    assert send(bounce(Email="ANA@Example.org")).status_code == 200
    assert suppressed() == {ANA: "bounced"}
    assert Suppression.objects.get().answer


def test_a_signed_report_of_mailgun_is_believed(mailgun: None, world: World) -> None:
    assert send(signed(failed())).status_code == 200
    assert suppressed() == {ANA: "bounced"}
    assert send(signed({"event": "complained", "recipient": "ben@example.org", "timestamp": 1.5e9})).status_code == 200
    assert suppressed() == {ANA: "bounced", "ben@example.org": "complained"}


def test_forged_reports_are_refused(mailgun: None, world: World, settings: Settings) -> None:
    answers = [send(signed(failed(), key="another")), send(signed(failed()), secret="reports:guess")]
    changed = signed(failed())
    changed["signature"]["token"] = "u" * 50
    answers += [send(changed), send({"event-data": failed()})]
    settings.EMAIL_PROVIDER = "postmark"
    answers += [send(bounce(), secret=secret) for secret in ("", ":", "reports:", "x:y")]
    answers.append(Client().post(URL, json.dumps(bounce()), content_type="application/json"))
    assert [answer.status_code for answer in answers] == [400] * len(answers)
    assert suppressed() == {}


GARBAGE = [
    b"",
    b"nonsense",
    b"\xff\xfe\x00",
    b"[]",
    b"null",
    b"7",
    b'"text"',
    b"[[[[[[[]]]]]]]",
    b"[" * 5000,
    b'{"RecordType": ["Bounce"]}',
    b'{"RecordType": "Bounce", "BouncedAt": 7}',
    b'{"RecordType": "Bounce", "BouncedAt": "yesterday", "Email": "ana@example.org", "Metadata": 3}',
    b'{"FromFull": 1}',
    b'{"event-data": null}',
]


def test_garbage_is_answered_with_400_and_no_exception(world: World) -> None:
    answers = {body: send(body).status_code for body in GARBAGE}
    assert {body: status for body, status in answers.items() if status not in (200, 400)} == {}
    assert sum(status == 400 for status in answers.values()) >= 10
    assert suppressed() == {}


def test_signed_garbage_is_answered_with_400(mailgun: None, world: World) -> None:
    parts = [None, [], 7, "x", {}, {"event": []}, failed(timestamp="soon"), failed(timestamp=1e300)]
    assert {send(signed(part)).status_code for part in parts} == {400}
    assert suppressed() == {}


def test_addresses_that_are_nobodys_are_ignored(world: World) -> None:
    strange = [
        "stranger@example.org",
        "",
        "x",
        "@",
        "a" * 400 + "@x.example",
        "ana@example.org\0",
        None,
        7,
        ["a@b.c"],
        {},
    ]
    for recipient in strange:
        assert send(bounce(Email=recipient)).status_code in (200, 400), recipient
    assert suppressed() == {}


def test_only_the_provider_that_is_set_up_can_report(world: World, settings: Settings) -> None:
    assert Client().get(URL).status_code == 405
    settings.EMAIL_PROVIDER = ""
    assert send(bounce()).status_code == 404


# --- Order and repetition ---------------------------------------------------------------------------


def test_reports_may_come_twice_late_and_in_any_order(world: World) -> None:
    first = timezone.now() - timedelta(hours=3)
    for _delivery in range(3):
        send(bounce(at=first))
    send(bounce(at=first - timedelta(days=1)))
    assert Suppression.objects.get().since == first
    suppressions.lift(address=ANA, at=first + timedelta(hours=1))
    send(bounce(at=first))
    send(bounce(at=first + timedelta(minutes=59)))
    assert suppressed() == {}, "reports from before it was confirmed again"
    send(bounce(at=first + timedelta(hours=2)))
    assert suppressed() == {ANA: "bounced"}


def test_a_report_from_the_future_counts_as_of_now(world: World) -> None:
    send(bounce(at=datetime(2999, 1, 1, tzinfo=UTC)))
    assert Suppression.objects.get().since <= timezone.now()
    suppressions.lift(address=ANA, at=timezone.now())
    assert suppressed() == {}


# --- What follows -----------------------------------------------------------------------------------


def post(key: str, payload: dict[str, Any]) -> Message:
    with transaction.atomic():
        message = actions.enqueue(key=key, kind="mail", to="Ana@example.org", payload=payload)
    assert message is not None
    actions.deliver(message.pk)
    message.refresh_from_db()
    return message


def test_only_essential_mails_go_to_a_suppressed_address(world: World, no_broker: None) -> None:
    send(bounce())
    assert post("news", LETTER).state == State.CANCELLED
    assert post("reset", essential(LETTER)).state == State.SENT
    suppressions.lift(address=ANA, at=timezone.now())
    assert post("later", LETTER).state == State.SENT
    assert [sent.subject for sent in mail.outbox] == ["Hello", "Hello"]


def test_the_member_reads_it_on_the_dashboard_and_confirms_the_address_again(as_ana: Client, world: World) -> None:
    EmailAddress.objects.update_or_create(user=world.ana.user, email=ANA, defaults={"primary": True, "verified": True})
    send(bounce())
    page = as_ana.get("/dashboard/").content.decode()
    assert "come back" in page and 'action="/profile/confirm-again/"' in page
    assert as_ana.post("/profile/confirm-again/", {"email": ANA}).status_code == 302
    message = Message.objects.filter(to=ANA, key__startswith="account-").latest("pk")
    assert message.payload["essential"]
    link = next(word for word in message.payload["text"].split() if "/confirm-email/" in word)
    assert suppressed() == {ANA: "bounced"}, "not before the link is followed"
    as_ana.post("/" + link.split("/", 3)[3])
    assert suppressed() == {}
    assert EmailAddress.objects.get(email=ANA).verified
    assert "come back" not in as_ana.get("/dashboard/").content.decode()


def test_nobody_else_can_ask_for_the_link(as_ben: Client, world: World) -> None:
    EmailAddress.objects.update_or_create(user=world.ana.user, email=ANA, defaults={"primary": True, "verified": True})
    send(bounce())
    before = Message.objects.count()
    for email in (ANA, "ben@example.org", "", "x", "a\0b"):
        assert as_ben.post("/profile/confirm-again/", {"email": email}).status_code == 302
    assert Message.objects.count() == before
    assert EmailAddress.objects.get(email=ANA).verified


def test_a_complaint_is_said_in_its_own_words(as_ana: Client, world: World) -> None:
    EmailAddress.objects.update_or_create(user=world.ana.user, email=ANA, defaults={"primary": True, "verified": True})
    send({"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": ANA})
    assert "marked as spam" in as_ana.get("/dashboard/").content.decode()


def test_it_goes_with_the_account(world: World) -> None:
    """R14"""
    suppressions.suppress(address=ANA, reason=SuppressionReason.BOUNCED, since=timezone.now())
    world.ana.closed_at = timezone.now()
    world.ana.save()
    addresses = erase_person(member=world.ana, at=timezone.now())
    actions.erase_addresses(addresses=addresses, at=timezone.now())
    assert not Suppression.objects.exists()


# --- Setting up -------------------------------------------------------------------------------------


@each_row(
    "provider, keys, problem",
    [
        ("postmark", {"WEBHOOK_SECRET": SECRET}, "POSTMARK_SERVER_TOKEN"),
        ("postmark", {"POSTMARK_SERVER_TOKEN": "t"}, "report bounces"),
        ("postmark", {"POSTMARK_SERVER_TOKEN": "t", "WEBHOOK_SECRET": "reports:"}, "report bounces"),
        ("mailgun", {"WEBHOOK_SECRET": SECRET}, "MAILGUN_API_KEY"),
        ("postmark", {"POSTMARK_SERVER_TOKEN": "t", "WEBHOOK_SECRET": SECRET}, ""),
    ],
)
def test_a_missing_key_is_found_at_start(provider: str, keys: dict[str, str], problem: str, settings: Settings) -> None:
    settings.EMAIL_PROVIDER, settings.ANYMAIL = provider, keys
    settings.EMAIL_BACKEND = f"anymail.backends.{provider}.EmailBackend"
    if not problem:
        call_command("check")
        return
    with pytest.raises(SystemCheckError, match=problem):
        call_command("check")
