"""Secrets that the portal has to use itself are encrypted in the database, under keys that can be replaced."""

from importlib import import_module
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from cryptography.fernet import InvalidToken
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.lib.sealing import Purpose, seal, unseal
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import EndpointSecret, Partner, WebhookEndpoint
from tests.factories import UserFactory


@pytest.fixture
def endpoint(db: None) -> WebhookEndpoint:
    partner = Partner.objects.create(name="Parcels of Utrecht", slug="utrecht", kind=PartnerKind.FULFILMENT)
    url = "https://hooks.example.org/cps"
    row, _secret = partners.add_endpoint(partner=partner, url=url, by=None, at=timezone.now())
    return row


def stored() -> str:
    rows = [*Authenticator.objects.values_list("data", flat=True), *EndpointSecret.objects.values_list("sealed")]
    return repr(rows)


def reseal() -> str:
    out = StringIO()
    call_command("reseal_secrets", stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("text", ["", "a", "JBSWY3DPEHPK3PXP", "ключ", "x" * 5000])
def test_what_is_sealed_can_be_read_only_for_its_purpose_and_never_twice_the_same(text: str) -> None:
    sealed = seal(text, Purpose.SECOND_FACTORS)
    assert unseal(sealed, Purpose.SECOND_FACTORS) == text
    assert sealed != seal(text, Purpose.SECOND_FACTORS)
    with pytest.raises(InvalidToken):
        unseal(sealed, Purpose.WEBHOOKS)


@pytest.mark.parametrize("change", [lambda text: text[:-4] + "AAA=", lambda text: "", lambda text: "JBSWY3DPEHPK3PXP"])
def test_what_we_did_not_seal_is_refused(change: Any) -> None:
    with pytest.raises(InvalidToken):
        unseal(change(seal("a secret", Purpose.WEBHOOKS)), Purpose.WEBHOOKS)


def test_secrets_of_second_factors_are_stored_encrypted(db: None) -> None:
    user, secret = UserFactory(), generate_totp_secret()
    TOTP.activate(user, secret)
    codes = RecoveryCodes.activate(user)
    assert unseal(codes.instance.data["seed"], Purpose.SECOND_FACTORS) not in stored()
    assert all(code not in stored() for code in [secret, *codes.get_unused_codes()])
    totp = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    assert unseal(totp.data["secret"], Purpose.SECOND_FACTORS) == secret


def test_a_new_key_takes_over_without_anybody_noticing(endpoint: WebhookEndpoint, settings: Settings) -> None:
    now, user = timezone.now(), UserFactory()
    TOTP.activate(user, generate_totp_secret())
    codes = RecoveryCodes.activate(user).get_unused_codes()
    secrets = partners.live_secrets(endpoint=endpoint, at=now)
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["a-new-key", *old]
    assert partners.live_secrets(endpoint=endpoint, at=now) == secrets, "before anything was sealed again"
    assert reseal().splitlines() == ["secrets of webhook endpoints: 1", "second factors: 2"]
    settings.ENCRYPTION_KEYS = ["a-new-key"]
    assert partners.live_secrets(endpoint=endpoint, at=now) == secrets
    assert RecoveryCodes.activate(user).get_unused_codes() == codes
    settings.ENCRYPTION_KEYS = old
    with pytest.raises(InvalidToken):
        partners.live_secrets(endpoint=endpoint, at=now)


def test_without_the_old_key_nothing_is_changed(endpoint: WebhookEndpoint, settings: Settings) -> None:
    TOTP.activate(UserFactory(), generate_totp_secret())
    before = stored()
    settings.ENCRYPTION_KEYS = ["another-key"]
    with pytest.raises(CommandError, match="Nothing was changed"):
        reseal()
    assert stored() == before


def test_the_migration_seals_what_was_stored_as_text_and_can_be_undone(db: None) -> None:
    migration = import_module("members.migrations.0003_seal_second_factors")
    plain = {
        "totp": {"secret": "JBSWY3DPEHPK3PXP"},
        "recovery_codes": {"seed": "0f" * 40, "used_mask": 5},
        "webauthn": {"name": "Blue key", "credential": {}},
    }
    user = UserFactory()
    for kind, data in plain.items():
        Authenticator.objects.create(user=user, type=kind, data=data)
    migration.seal_all(apps, None)
    rows = {row.type: row.data for row in Authenticator.objects.all()}
    assert unseal(rows["totp"]["secret"], Purpose.SECOND_FACTORS) == "JBSWY3DPEHPK3PXP"
    assert unseal(rows["recovery_codes"]["seed"], Purpose.SECOND_FACTORS) == "0f" * 40
    assert rows["recovery_codes"]["used_mask"] == 5 and rows["webauthn"] == plain["webauthn"]
    migration.unseal_all(apps, None)
    assert {row.type: row.data for row in Authenticator.objects.all()} == plain


def test_a_recovery_code_works_once(db: None) -> None:
    user = UserFactory()
    TOTP.activate(user, generate_totp_secret())
    codes = RecoveryCodes.activate(user)
    for code in codes.get_unused_codes():
        assert RecoveryCodes.activate(user).validate_code(code)
        assert not RecoveryCodes.activate(user).validate_code(code)
    assert RecoveryCodes.activate(user).get_unused_codes() == []


def test_recovery_codes_have_eight_digits(db: None) -> None:
    """More than 20 bits each, and none twice."""
    codes = RecoveryCodes.activate(UserFactory()).get_unused_codes()
    assert all(len(code) == 8 and code.isdecimal() for code in codes)
    assert len(set(codes)) == 10


def test_a_code_of_the_app_works_once(db: None) -> None:
    user, secret = UserFactory(), generate_totp_secret()
    TOTP.activate(user, secret)
    app = Authenticator.objects.get(user=user).wrap()
    with time_machine.travel(timezone.now(), tick=False):
        code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
        assert app.validate_code(code)
        assert not app.validate_code(code)
