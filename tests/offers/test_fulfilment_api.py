"""Signed reports of a fulfilment partner (R38)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Partner
from members.offers.models import PackEvent, WelcomePack
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def pack(world: World) -> WelcomePack:
    asked = NOW - timedelta(days=1)
    partner = Partner.objects.create(name="House", slug="house", kind="fulfilment", since=asked)
    pack = WelcomePack.objects.create(
        member=world.ana,
        reference="2K70MQ26",
        level_when_asked="gold",
        language="en",
        name="Ana",
        country="ZA",
        street="1 Oak Avenue",
        asked_at=asked,
        sending_since=asked,
        changed_at=asked,
        partner=partner,
    )
    PackEvent.objects.create(pack=pack, step="asked", sending=1, occurred_at=asked, received_at=asked)
    return pack


@pytest.fixture
def secret(pack: WelcomePack) -> str:
    assert pack.partner
    return partners.add_endpoint(partner=pack.partner, url="https://house.example/", by=None, at=NOW)[1]


def report(
    secret: str,
    said: dict[str, Any] | str,
    *,
    number: str = "r-1",
    reference: str = "2K70MQ26",
    at: datetime | None = None,
    tampered: str = "",
) -> Any:
    body = said if isinstance(said, str) else json.dumps(said)
    when = at or datetime.now(UTC)
    headers = {
        "webhook-id": number,
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": Webhook(secret).sign(number, when, body),
    }
    url = f"/api/v1/fulfilment/requests/{reference}/events"
    return Client().post(url, tampered or body, content_type="application/json", headers=headers)


def said(kind: str = "accepted", **changes: object) -> dict[str, Any]:
    return {"kind": kind, "sending": 1, "occurred_at": (NOW - timedelta(minutes=5)).isoformat(), **changes}


def test_a_report_sent_again_is_recorded_once(pack: WelcomePack, secret: str) -> None:
    first = report(secret, said("dispatched", carrier="Post", tracking="1", tracking_url="https://post.example/1"))
    again = report(secret, said("dispatched", carrier="Post", tracking="1"))
    late = report(secret, said("packed"), number="r-2")
    assert [answer.status_code for answer in (first, again, late)] == [200, 200, 200]
    assert [answer.json()["recorded"] for answer in (first, again, late)] == [True, False, True]
    assert late.json()["state"] == "dispatched"
    pack.refresh_from_db()
    assert (pack.state, pack.carrier, pack.tracking_url) == ("dispatched", "Post", "https://post.example/1")
    assert pack.story.count() == 3


@each_row(
    ("changed", "field"),
    [
        ({"kind": "lost"}, "kind"),
        ({"sending": 0}, "sending"),
        ({"occurred_at": "2026-03-02T09:00:00"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"tracking_url": "javascript:alert(1)"}, "tracking_url"),
        ({"carrier": "x" * 61}, "carrier"),
        ({"kind": "returned"}, "reason"),
        ({"state": "received"}, "state"),
    ],
)
def test_invalid_values_are_reported_with_their_field(
    pack: WelcomePack, secret: str, changed: dict[str, Any], field: str
) -> None:
    answer = report(secret, said(**changed))
    assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json")
    assert f"/{field}" in [fault["pointer"] for fault in answer.json()["errors"]]
    assert pack.story.count() == 1


def test_impossible_reports_are_refused(pack: WelcomePack, secret: str) -> None:
    assert report(secret, said(sending=2)).json()["code"] == "sending"
    ahead = report(secret, said(occurred_at=(NOW + timedelta(hours=2)).isoformat()))
    assert (ahead.status_code, ahead.json()["code"]) == (409, "future")
    for body in ("[]", '"packed"', "null", "{", "{}", '{"kind": ["packed"]}'):
        assert report(secret, body).status_code == 400
    assert report(secret, said(), number="n" * 101).status_code == 400


def test_without_the_secret_nothing_is_revealed(pack: WelcomePack, secret: str) -> None:
    other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    answers = [
        report(other, said()),
        report(secret, said(), reference="22222222"),
        report(secret, said(), at=datetime.now(UTC) - timedelta(minutes=6)),
        report(secret, said(), tampered=json.dumps(said("returned", reason="other"))),
        Client().post("/api/v1/fulfilment/requests/2K70MQ26/events", said(), content_type="application/json"),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert pack.story.count() == 1


def test_old_and_new_secret_are_valid_during_a_rotation(pack: WelcomePack, secret: str) -> None:
    assert pack.partner
    endpoint = pack.partner.endpoints.get()
    new = partners.rotate_secret(endpoint=endpoint, by=None, at=timezone.now())
    assert [report(key, said(), number=key[-5:]).status_code for key in (secret, new)] == [200, 200]
    assert report(secret, "x" * 70_000).status_code == 413
