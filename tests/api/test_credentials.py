"""Who comes in, how often, and that it is noted (R55)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from cps_portal.core.partners import actions
from cps_portal.core.partners.enums import PartnerKind, Scope
from cps_portal.core.partners.models import ApiCall, Credential, Partner
from tests.api.machines import API, FORM, Machine, machine
from tests.rows import each_row

LATE = timedelta(days=-1)


@pytest.fixture
def shop(db: None) -> Machine:
    return machine("shop", PartnerKind.RETAILER)


def change(**values: Any) -> Callable[[Machine], None]:
    return lambda one: Credential.objects.filter(pk=one.credential.pk).update(**values) and None


@each_row(
    ("undo", "code"),
    [
        (change(expires_at=timezone.now() + LATE), "token"),
        (change(revoked_at=timezone.now()), "token"),
        (lambda one: Partner.objects.update(active=False), "token"),
        (lambda one: AccessToken.objects.update(expires=timezone.now() + LATE), "token"),
        (lambda one: actions.revoke_credential(credential=one.credential, by=None, at=timezone.now()), "token"),
        (change(networks=["192.0.2.0/24", "2001:db8::/32"]), "network"),
    ],
)
def test_lost_rights_are_lost_at_once(shop: Machine, undo: Callable[[Machine], Any], code: str) -> None:
    assert shop.get("products").status_code == 200
    undo(shop)
    answer = shop.get("products")
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert "invalid_token" in answer["WWW-Authenticate"]
    if not Credential.objects.live(timezone.now()).exists():
        assert shop.fetch().status_code in (400, 401)


def test_a_scope_that_is_narrowed_is_gone_from_the_tokens_that_are_out(shop: Machine) -> None:
    assert shop.get("sales").status_code == 200
    change(scopes=[Scope.CATALOGUE])(shop)
    answer = shop.get("sales")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope")
    assert shop.get("products").status_code == 200


def test_a_token_may_ask_for_less_and_never_for_more(shop: Machine) -> None:
    assert shop.fetch(scope="catalogue").json()["scope"] == "catalogue"
    assert shop.get("sales").status_code == 403
    assert shop.fetch(scope="tickets:read").json()["error"] == "invalid_scope"


@each_row(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"client_id": "a\x00b"}, "invalid_request"),
    ],
)
def test_the_token_endpoint_refuses(shop: Machine, changes: dict[str, str], error: str) -> None:
    answer = shop.fetch(**changes)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == error
    assert answer.json()["error_description"], "it says what to do"
    assert Client().post(f"{API}oauth/token", "{}", content_type="application/json").status_code == 400
    assert Client().get(f"{API}oauth/token").status_code == 405


def test_neither_secret_nor_token_is_in_the_database(shop: Machine) -> None:
    shop.fetch()
    with connection.cursor() as cursor:
        cursor.execute("select client_secret from partners_credential")
        secrets = [row[0] for row in cursor.fetchall()]
        cursor.execute("select t::text from oauth2_provider_accesstoken t")
        tokens = [row[0] for row in cursor.fetchall()]
    assert shop.secret not in " ".join(secrets) and secrets[0].partition("$")[1]
    assert shop.token not in " ".join(tokens)


def test_two_credentials_work_while_one_replaces_the_other(shop: Machine) -> None:
    made, secret = actions.rotate_credential(credential=shop.credential, by=None, at=timezone.now())
    other = Machine(shop.partner, made, secret)
    assert shop.get("products").status_code == other.get("products").status_code == 200
    shop.credential.refresh_from_db()
    assert shop.credential.expires_at and made.scopes == shop.credential.scopes


def test_a_revoked_token_is_refused(shop: Machine) -> None:
    shop.fetch()
    form = f"token={shop.token}&client_id={shop.credential.client_id}&client_secret={shop.secret}"
    assert shop.client.generic("POST", f"{API}oauth/revoke", form, content_type=FORM).status_code == 200
    assert shop.get("products").status_code == 401


def test_not_more_than_agreed_and_every_answer_says_what_is_left(shop: Machine) -> None:
    change(rate=2)(shop)
    first = shop.get("products")
    assert (first["RateLimit-Policy"], first["RateLimit"].partition(";t")[0]) == ('"minute";q=2;w=60', '"minute";r=1')
    assert shop.get("products").status_code == 200
    answer = shop.get("products")
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert 0 < int(answer["Retry-After"]) <= 60


def test_every_request_is_noted_once_with_who_and_what_came_of_it(shop: Machine) -> None:
    assert shop.get("products", **{"X-Request-ID": "mine-1"})["X-Request-ID"] == "mine-1"
    shop.get("products/none", **{"X-Request-ID": "bad id"})
    assert actions.write_buffered_calls() == 2
    assert actions.write_buffered_calls() == 0
    found = ApiCall.objects.order_by("at").values_list("credential", "method", "path", "status", "code")
    assert list(found) == [
        (shop.credential.pk, "GET", "/api/v1/products", 200, ""),
        (shop.credential.pk, "GET", "/api/v1/products/none", 404, "not_found"),
    ]
    shop.credential.refresh_from_db()
    assert shop.credential.last_used_at and shop.credential.last_used_from == "127.0.0.1"


@each_row(
    ("method", "path", "headers", "status", "code"),
    [
        ("GET", "nothing-here", {}, 404, "not_found"),
        ("DELETE", "products", {}, 405, "method_not_allowed"),
        ("GET", "products", {"Accept": "text/html"}, 406, "not_acceptable"),
        ("POST", "sales", {"Content-Type": "text/plain", "Idempotency-Key": "1"}, 415, "unsupported_media_type"),
        ("POST", "sales", {"Content-Length": "9999999", "Idempotency-Key": "1"}, 413, "too_large"),
    ],
)
def test_every_refusal_is_a_problem_with_a_code(  # noqa: PLR0917
    shop: Machine, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    shop.fetch()
    given = {"Authorization": f"Bearer {shop.token}", **headers}
    kind = given.pop("Content-Type", "application/json")
    length = given.pop("Content-Length", None)
    more = {"CONTENT_LENGTH": length} if length else {}
    answer = shop.client.generic(method, API + path, b"x", content_type=kind, headers=given, **more)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["code"] == code
