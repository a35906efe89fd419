"""What partners did is written down once, and nobody is kept out because nobody can count (R55)."""

import uuid
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone
from oauth2_provider.models import AccessToken
from pytest_django import Settings

from cps_portal.core.lib import buffered_counts
from cps_portal.core.partners import actions
from cps_portal.core.partners.actions import api_calls
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import ApiCall
from tests.api.machines import Machine, machine


@pytest.fixture
def shop(db: None) -> Machine:
    return machine("shop", PartnerKind.RETAILER)


def call(shop: Machine, **changes: Any) -> dict[str, Any]:
    return {
        "credential_id": shop.credential.pk,
        "at": timezone.now(),
        "request_id": uuid.uuid4().hex,
        "method": "GET",
        "path": "/api/v1/products",
        "status": 200,
        "code": "",
        "took_ms": 3,
        "address": "192.0.2.7",
        **changes,
    }


def test_what_is_noted_is_written_once_even_when_it_is_written_twice(shop: Machine) -> None:
    actions.log_call(call(shop))
    lines = dict(buffered_counts.read(api_calls.CALLS_BUFFER, 10))
    assert actions.write_buffered_calls() == 1
    for line in lines.values():  # a worker was killed between writing and taking away
        buffered_counts.append(api_calls.CALLS_BUFFER, line, max_length=10)
    actions.write_buffered_calls()
    assert ApiCall.objects.count() == 1
    shop.credential.refresh_from_db()
    assert shop.credential.last_used_from == "192.0.2.7"


def test_an_earlier_request_that_is_written_late_does_not_set_the_last_use_back(shop: Machine) -> None:
    now = timezone.now()
    actions.log_call(call(shop, at=now))
    actions.write_buffered_calls()
    actions.log_call(call(shop, at=now.replace(year=now.year - 1), address="192.0.2.8"))
    actions.log_call(call(shop, credential_id=0))  # of a credential that is not there
    actions.write_buffered_calls()
    shop.credential.refresh_from_db()
    assert (shop.credential.last_used_at, shop.credential.last_used_from) == (now, "192.0.2.7")
    assert ApiCall.objects.count() == 2


def test_while_nothing_can_be_counted_or_noted_partners_are_served(
    shop: Machine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # nobody answers there
    monkeypatch.setitem(buffered_counts._backoff_until, "redis", 0.0)
    assert shop.fetch().status_code == 200
    assert shop.get("products").status_code == 200
    assert buffered_counts._backoff_until["redis"] > 0


def test_fetching_too_many_tokens_is_refused(shop: Machine, settings: Settings) -> None:
    settings.TOKEN_LIMIT = (2, 60)
    assert [shop.fetch().status_code for _again in range(3)] == [200, 200, 429]
    answer = shop.fetch()
    assert (answer.json()["error"], answer["Retry-After"]) == ("slow_down", "60")
    assert shop.get("products").status_code == 200


def test_neither_secrets_nor_tokens_are_in_any_table(shop: Machine) -> None:
    shop.fetch()
    assert shop.get("products").status_code == 200
    actions.write_buffered_calls()
    tables = [model._meta.db_table for model in apps.get_models() if not model._meta.proxy and model._meta.managed]
    for secret in (shop.secret, shop.token):
        with connection.cursor() as cursor:
            looks = [f'select 1 from "{table}" t where strpos(t::text, %s) > 0' for table in tables]  # noqa: S608
            cursor.execute(" union all ".join(looks), [secret] * len(looks))
            assert cursor.fetchall() == []


def test_revoking_takes_the_tokens_that_are_out(shop: Machine) -> None:
    shop.fetch()
    actions.revoke_credential(credential=shop.credential, by=None, at=timezone.now())
    assert not AccessToken.objects.exists()
    assert shop.fetch().status_code == 401
