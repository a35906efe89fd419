"""Limits of attempts hold whatever happens to the cache, and an attempt counts even if its request is rolled back."""

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client, RequestFactory

from cps_portal.core.lib.snapshot import read_snapshot
from cps_portal.core.lib.throttle import is_throttled
from cps_portal.core.limits.store import store
from members.models import User
from tests.rows import each_row

pytestmark = pytest.mark.django_db
LIMIT = (3, 60)


@pytest.fixture
def broken_cache(settings: Any) -> None:
    """A cache server that does not answer."""
    default = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/0", "KEY_PREFIX": uuid4().hex}
    settings.CACHES = {"default": default}


def attempt(scope: str = "test", ident: str = "somebody") -> bool:
    return is_throttled(RequestFactory().post("/"), scope=scope, limit=LIMIT, ident=ident)


def test_attempts_over_the_limit_are_refused_for_each_scope_and_person() -> None:
    assert [attempt() for _time in range(5)] == [False, False, False, True, True]
    assert not attempt(scope="another") and not attempt(ident="somebody else")


def test_limits_hold_while_the_cache_does_not_answer(broken_cache: None) -> None:
    assert cache.get("anything") is None  # everything else is as if it were empty
    assert [attempt() for _time in range(5)] == [False, False, False, True, True]
    assert cache.add("allauth.mfa.totp.used?user=1&code=123456", "y", timeout=30)
    assert not cache.add("allauth.mfa.totp.used?user=1&code=123456", "y", timeout=30)  # a code works once


def test_an_attempt_counts_even_if_its_request_is_rolled_back() -> None:
    for _time in range(3):
        with transaction.atomic():
            attempt()
            transaction.set_rollback(True)
    assert attempt()


def test_an_attempt_counts_on_a_page_that_only_reads() -> None:
    with read_snapshot():
        assert [attempt() for _time in range(4)][-1]


@each_row("value", [0, 7, True, "y", [1.5, 2.25], {"a": 1}])
def test_what_libraries_remember_comes_back_as_it_was(value: object) -> None:
    cache.set("allauth:rl:test", value, 60)
    assert cache.get("allauth:rl:test") == value
    cache.delete("allauth:rl:test")
    assert cache.get("allauth:rl:test", "nothing") == "nothing"


def test_an_expired_counter_begins_again() -> None:
    for _time in range(4):
        attempt()
    key = next(iter(_keys("throttle:test")))
    with connection.cursor() as cursor:
        cursor.execute("update limits_counter set expires_at = now() - interval '1 second' where key = %s", [key])
        with pytest.raises(ValueError, match="no counter"):
            store.increase("never counted", 1)


def test_attempts_at_the_same_moment_are_all_counted() -> None:
    outcomes: list[bool] = []
    threads = [threading.Thread(target=lambda: outcomes.append(attempt())) for _number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 3 + [True] * 9


def test_wrong_passwords_are_limited_while_the_cache_does_not_answer(broken_cache: None) -> None:
    User.objects.create_user("ana@example.org", password="the right one, long enough")
    client = Client()
    form = {"login": "ana@example.org", "password": "wrong"}
    pages = [client.post("/accounts/login/", form).content.decode() for _time in range(6)]
    assert "Try again in" in pages[-1] and "Try again in" not in pages[0]
    right = client.post("/accounts/login/", {**form, "password": "the right one, long enough"})
    assert right.status_code == 429  # also the right one has to wait


def _keys(part: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("select key from limits_counter where key like %s", [f"%{cache.key_prefix}%{part}%"])
        return [key for (key,) in cursor.fetchall()]


def test_the_cache_of_the_fixture_does_not_answer(broken_cache: None) -> None:
    cache.set("anything", 1, 60)
    assert cache.get("anything") is None
