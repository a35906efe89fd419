"""Web push: the published example of RFC 8291, what a browser reads, and what a push service verifies."""

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto import jwk, jwt  # type: ignore[import-untyped]

from cps_portal.core.lib import web_push
from tests.push import Browser
from tests.rows import each_row

# RFC 8291, appendix A
TEXT = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)
AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_published_example_is_encrypted_as_it_is_there() -> None:
    key = ec.derive_private_key(int.from_bytes(decoded(SENDER), "big"), ec.SECP256R1())
    body = web_push.encrypt(TEXT, p256dh=RECEIVER, auth=AUTH, key=key, salt=decoded(SALT))
    assert body == decoded(BODY)


def test_every_message_is_encrypted_anew_and_only_its_browser_reads_it() -> None:
    browser, other = Browser(), Browser()
    bodies = {web_push.encrypt(b"hello", p256dh=browser.p256dh, auth=browser.auth) for _turn in range(3)}
    assert len(bodies) == 3
    assert {browser.read(body) for body in bodies} == {b"hello"}
    with pytest.raises(InvalidTag):
        other.read(bodies.pop())


def test_a_push_service_verifies_who_sends_with_the_key_that_browsers_were_given() -> None:
    private = web_push.make_key()
    header = web_push.authorization(
        "https://push.example:8443/x/y", private=private, contact="https://p.example", at=AT
    )
    token, key = header.removeprefix("vapid t=").split(",k=")
    assert key == web_push.public_key(private)
    point = decoded(key)
    public = jwk.JWK.from_pyca(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
    with time_machine.travel(AT):
        verified = jwt.JWT(jwt=token, key=public, algs=["ES256"], check_claims={"exp": None}, expected_type="JWS")
    claims = json.loads(verified.claims)
    assert claims["aud"] == "https://push.example:8443"
    assert claims["sub"] == "https://p.example"
    assert timedelta(0) < datetime.fromtimestamp(claims["exp"], UTC) - AT < timedelta(days=1)


@each_row(
    "p256dh, auth",
    [
        ("", ""),
        (RECEIVER, ""),
        (RECEIVER, "short"),
        ("é", AUTH),
        (RECEIVER[:-4], AUTH),
        ("A" * 87, AUTH),
        (RECEIVER, "="),
    ],
)
def test_other_texts_are_no_keys_of_a_browser(p256dh: str, auth: str) -> None:
    assert not web_push.is_subscription(p256dh, auth)


def test_the_published_keys_are() -> None:
    assert web_push.is_subscription(RECEIVER, AUTH)
