"""What comes in signed: by the published vector, and one answer to everything else."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from standardwebhooks import Webhook

from cps_portal.core.rest.signed import MAX_BYTES, SignedView, verify_signed
from tests.rows import each_row

SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
VECTOR = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
BODY = b'{"test": 2432232314}'
THEN = datetime.fromtimestamp(1614265330, UTC)


class View(SignedView):
    def secrets_of(self, **kwargs: Any) -> Iterable[str]:
        return [OTHER, SECRET] if kwargs["reference"] == "known" else []

    def post(self, request: Request, reference: str) -> Response:
        return Response({"id": request.auth.webhook_id, "data": request.data})


def send(body: bytes = BODY, reference: str = "known", **headers: Any) -> Any:
    values = {name: str(value) for name, value in {**VECTOR, **headers}.items() if value is not None}
    request = APIRequestFactory().post("/", body, content_type="application/json", headers=values)
    answer = View.as_view()(request, reference=reference)
    if hasattr(answer, "render"):
        answer.render()
    return answer


def sign(body: bytes, secret: str = SECRET) -> dict[str, str]:
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", now, body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}


@time_machine.travel(THEN, tick=False)
def test_the_published_vector_is_signed_and_verified() -> None:
    assert Webhook(SECRET).sign(VECTOR["webhook-id"], THEN, BODY.decode()) == VECTOR["webhook-signature"]
    answer = send()
    assert answer.status_code == 200
    assert json.loads(answer.content) == {"id": VECTOR["webhook-id"], "data": {"test": 2432232314}}


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_during_a_rotation_either_secret_counts(secret: str) -> None:
    assert send(**sign(BODY, secret)).status_code == 200


WRONG: dict[str, dict[str, Any]] = {
    "unknown object": {"reference": "unknown"},
    "another body": {"body": b'{"test": 2432232315}'},
    "no utf-8": {"body": b"\xff\xfe"},
    "another id": {"webhook-id": "msg_other"},
    "another time": {"webhook-timestamp": 1614265331},
    "no number": {"webhook-timestamp": "nan"},
    "huge": {"webhook-timestamp": "9" * 400},
    "no id": {"webhook-id": None},
    "no signature": {"webhook-signature": None},
    "no pair": {"webhook-signature": "g0hM9SsE"},
    "three parts": {"webhook-signature": "v1,a,b"},
    "no base64": {"webhook-signature": "v1,é"},
    "another version": {"webhook-signature": VECTOR["webhook-signature"].replace("v1,", "v2,")},
    "empty": {"webhook-signature": "v1,"},
}


@each_row("kind", WRONG)
@time_machine.travel(THEN, tick=False)
def test_everything_wrong_gets_the_same_answer(kind: str) -> None:
    answer = send(**WRONG[kind])
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert answer["WWW-Authenticate"] == "Webhook-Signature"
    assert json.loads(answer.content) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": "authentication_failed",
        "detail": "The signature is not valid.",
    }


@each_row(("minutes", "status"), [(-6, 401), (-4, 200), (4, 200), (6, 401)])
def test_a_signature_is_good_for_five_minutes(minutes: int, status: int) -> None:
    with time_machine.travel(THEN + timedelta(minutes=minutes), tick=False):
        assert send().status_code == status


@each_row("body", [b"{", b"[" * 30000, b'"\\ud800"', b"9" * 9000, b"NaN", b""])
def test_a_body_that_is_signed_and_no_json_is_a_clear_error(body: bytes) -> None:
    assert send(body, **sign(body)).status_code == (200 if not body else 400)


def test_a_body_that_is_too_large_is_not_read() -> None:
    body = b" " * (MAX_BYTES + 1)
    answer = send(body, **sign(body))
    assert answer.status_code == 413
    assert json.loads(answer.content)["code"] == "too_large"


def test_without_any_secret_no_signature_is_valid() -> None:
    request = APIRequestFactory().post("/", BODY, content_type="application/json")
    assert verify_signed(request, []) is None
