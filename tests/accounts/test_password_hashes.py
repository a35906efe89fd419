"""Passwords are hashed as OWASP recommends; hashes of before are replaced at sign-in and give no account away."""

from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from cps_portal.core.lib.hashers import FORMER_BEGINNING, FormerArgon2Hasher
from cps_portal.settings import accounts
from members.models import Device, User
from tests.rows import each_row
from tests.world import World

Run = tuple[int, int, int]  # KiB, passes, lanes
PASSWORD, OTHERWISE = "long enough words", "long enough x²"  # the second is composed to another form
TODAY, BEFORE = (47104, 1, 1), (102400, 2, 8)
SIGN_IN_QUERIES = 10  # besides savepoints, in a browser that is not known


@pytest.fixture(autouse=True)
def hashers(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = accounts.PASSWORD_HASHERS


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The parameters of every run of Argon2, in the order of the runs."""
    made: list[Run] = []
    encode, verify = Argon2PasswordHasher.encode, Argon2PasswordHasher.verify

    def encoded(hasher: Argon2PasswordHasher, *args: Any) -> str:
        made.append((hasher.memory_cost, hasher.time_cost, hasher.parallelism))
        return str(encode(hasher, *args))

    def verified(hasher: Argon2PasswordHasher, password: str, stored: str) -> bool:
        made.append(parameters(stored))
        return bool(verify(hasher, password, stored))

    monkeypatch.setattr(Argon2PasswordHasher, "encode", encoded)
    monkeypatch.setattr(Argon2PasswordHasher, "verify", verified)
    return made


def former(password: str) -> str:
    hasher = FormerArgon2Hasher()
    encoded: str = hasher.encode(password, hasher.salt())
    assert encoded.startswith(FORMER_BEGINNING)
    return encoded


def parameters(encoded: str) -> Run:
    found = Argon2PasswordHasher().decode(encoded)
    return found["memory_cost"], found["time_cost"], found["parallelism"]


def store(user: User, encoded: str) -> None:
    User.objects.filter(pk=user.pk).update(password=encoded)
    user.refresh_from_db()


def sign_in(email: str, password: str, client: Client | None = None) -> Client:
    client = client or Client()
    client.post(reverse("account_login"), {"login": email, "password": password})
    return client


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_new_password_takes_46_mib_one_pass_and_one_lane(world: World) -> None:
    world.ana.user.set_password(PASSWORD)
    assert parameters(world.ana.user.password) == TODAY


@each_row("typed", [PASSWORD, OTHERWISE])
def test_a_refusal_hashes_the_same_whatever_the_account_has(world: World, runs: list[Run], typed: str) -> None:
    """While one account has a hash of before: nobody's address, no password, a hash of before, a hash of today."""
    other = "another password"
    store(world.ana.user, former(other))
    store(world.ben.user, make_password(other))
    world.chloe.user.set_unusable_password()
    world.chloe.user.save()
    found = []
    for email in ["nobody@example.org", *(one.user.email for one in (world.chloe, world.ana, world.ben))]:
        runs.clear()
        assert not is_signed_in(sign_in(email, typed))
        found.append(sorted(runs))
    assert found == [sorted([TODAY, BEFORE] * (2 if typed == OTHERWISE else 1))] * 4


def test_without_hashes_of_before_a_refusal_hashes_once_as_today(world: World, runs: list[Run]) -> None:
    store(world.ana.user, make_password("another password"))
    for email in ("nobody@example.org", world.ana.user.email):
        runs.clear()
        assert not is_signed_in(sign_in(email, PASSWORD))
        assert runs == [TODAY]


def test_signing_in_hashes_once_as_today_even_while_others_have_a_hash_of_before(world: World, runs: list[Run]) -> None:
    store(world.ben.user, former(PASSWORD))
    store(world.ana.user, make_password(PASSWORD))
    runs.clear()
    assert is_signed_in(sign_in(world.ana.user.email, PASSWORD))
    assert runs == [TODAY]


@each_row("typed", [PASSWORD, OTHERWISE])
def test_signing_in_replaces_a_hash_of_before(world: World, typed: str) -> None:
    store(world.ana.user, former(typed))
    assert is_signed_in(sign_in(world.ana.user.email, typed))
    world.ana.user.refresh_from_db()
    assert parameters(world.ana.user.password) == TODAY
    assert world.ana.user.check_password(typed)


def test_replacing_the_hash_signs_nobody_out(world: World) -> None:
    store(world.ana.user, make_password(PASSWORD))
    phone, stranger = sign_in(world.ana.user.email, PASSWORD), Client()
    store(world.ben.user, make_password(PASSWORD))
    sign_in(world.ben.user.email, PASSWORD, stranger)
    store(world.ana.user, former(PASSWORD))
    Device.objects.filter(user=world.ana.user).update(auth_hash=world.ana.user.get_session_auth_hash())
    session = phone.session
    session["_auth_user_hash"] = world.ana.user.get_session_auth_hash()
    session.save()
    assert phone.get("/dashboard/").status_code == 200
    laptop = sign_in(world.ana.user.email, PASSWORD)
    for client in (phone, laptop, stranger):
        assert client.get("/dashboard/").status_code == 200
    world.ana.user.refresh_from_db()
    assert parameters(world.ana.user.password) == TODAY
    assert Device.objects.outdated(world.ana.user).count() == 0
    assert Device.objects.filter(user=world.ana.user).count() == 2


def test_confirming_the_password_leaves_the_hash_and_the_session(world: World, as_ana: Client) -> None:
    store(world.ana.user, former(PASSWORD))
    as_ana.force_login(world.ana.user)
    assert as_ana.post(reverse("account_reauthenticate"), {"password": PASSWORD}).status_code == 302
    assert as_ana.get("/dashboard/").status_code == 200
    world.ana.user.refresh_from_db()
    assert parameters(world.ana.user.password) == BEFORE


def test_what_signing_in_asks(world: World) -> None:
    store(world.ana.user, make_password(PASSWORD))
    with CaptureQueriesContext(connection) as asked:
        client = sign_in(world.ana.user.email, PASSWORD)
    assert is_signed_in(client)
    sent = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
    assert len(sent) <= SIGN_IN_QUERIES, sent
