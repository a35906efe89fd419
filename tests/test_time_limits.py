"""No request waits for the database without an end, and what was typed is not lost when it cannot be answered (R71)."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, connection, transaction
from django.test import Client, RequestFactory
from psycopg2 import errorcodes

import kitbag.urls
from cps_portal.core.lib.databases import direct_connection, server_settings
from cps_portal.core.lib.fair_share import MAX_CONCURRENT, FairShareMiddleware, TooManyAtOnce
from cps_portal.core.lib.time_limits import (
    LIMITS,
    is_out_of_time,
    limit_waiting,
    longer_statements,
    stop_limiting,
    time_budget,
)
from cps_portal.core.submissions import tokens
from cps_portal.site.views.errors import busy
from kitbag.views import kit_list
from members.models import Member
from tests.rows import each_row
from tests.world import World


@pytest.fixture
def waits_with_limits() -> Iterator[None]:
    """As in a worker process of the web server."""
    limit_waiting("web")
    yield
    stop_limiting()


@contextmanager
def lock_held(member: Member) -> Iterator[None]:
    """Another connection holds the row of the member."""
    other = psycopg2.connect(**{**connection.get_connection_params(), "cursor_factory": None})
    try:
        with other.cursor() as cursor:
            cursor.execute("select 1 from members_member where id = %s for update", [member.pk])
            yield
    finally:
        other.close()


@pytest.fixture
def web_limits(db: None) -> None:
    with connection.cursor() as cursor:
        for name, value in server_settings("web").items():
            cursor.execute(f"set local {name} = %s", [value])


@pytest.mark.parametrize("kind", LIMITS)
def test_each_kind_of_work_has_limits_that_postgresql_understands(kind: str, db: None) -> None:
    limits = LIMITS[kind]
    options = direct_connection({}, kind=kind, max_age=0)["OPTIONS"]
    parameters = {**connection.get_connection_params(), **options, "cursor_factory": None}
    other = psycopg2.connect(**parameters)
    with other.cursor() as cursor:
        cursor.execute("select name, setting from pg_settings where name like '%_timeout'")
        settings = {name: int(value) for name, value in cursor.fetchall()}
    other.close()
    assert settings["lock_timeout"] == limits.lock > 0
    assert settings["statement_timeout"] == limits.statement
    assert settings["transaction_timeout"] == limits.transaction
    assert settings["idle_in_transaction_session_timeout"] == limits.idle_in_transaction


def raw_connection() -> psycopg2.extensions.connection:
    """Without Django. The server notices soon when it is given up, and does not sleep on."""
    raw = psycopg2.connect(**{**connection.get_connection_params(), "cursor_factory": None})
    with raw.cursor() as cursor:
        cursor.execute("set client_connection_check_interval = '100ms'")
    raw.commit()
    return raw


@pytest.mark.parametrize("budget", [0.2, 0.5])
def test_a_budget_ends_the_wait_for_a_statement(waits_with_limits: None, budget: float) -> None:
    raw = raw_connection()
    began = time.monotonic()
    with pytest.raises(psycopg2.OperationalError) as error, time_budget(budget), raw.cursor() as cursor:
        cursor.execute("select pg_sleep(60)")
    assert budget <= time.monotonic() - began < 30
    assert is_out_of_time(error.value)
    assert raw.closed


def test_a_budget_counts_all_statements_together(waits_with_limits: None) -> None:
    raw = raw_connection()
    with time_budget(3), raw.cursor() as cursor:
        cursor.execute("select pg_sleep(0.5)")
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("select pg_sleep(2.9)")


@pytest.mark.django_db(transaction=True)
def test_exports_may_run_longer_and_the_next_request_may_not() -> None:
    def timeout() -> str:
        with connection.cursor() as cursor:
            cursor.execute("select current_setting('statement_timeout')")
            return str(cursor.fetchone()[0])

    before = timeout()
    with longer_statements(77):
        assert timeout() == "77s"
    assert timeout() == before
    with pytest.raises(ZeroDivisionError), transaction.atomic(), longer_statements(77):
        raise ZeroDivisionError
    assert timeout() == before


@each_row(
    ("code", "out_of_time"),
    [
        (errorcodes.QUERY_CANCELED, True),
        (errorcodes.LOCK_NOT_AVAILABLE, True),
        (errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT, True),
        ("25P04", True),
        (errorcodes.ADMIN_SHUTDOWN, True),
        (errorcodes.CANNOT_CONNECT_NOW, True),
        (errorcodes.TOO_MANY_CONNECTIONS, True),
        (errorcodes.DEADLOCK_DETECTED, True),
        (errorcodes.UNIQUE_VIOLATION, False),
        (errorcodes.CHECK_VIOLATION, False),
        (errorcodes.UNDEFINED_TABLE, False),
        (errorcodes.READ_ONLY_SQL_TRANSACTION, False),
    ],
)
def test_which_errors_of_the_database_mean_try_again(code: str, out_of_time: bool) -> None:
    class Coded(psycopg2.DatabaseError):
        pgcode = code

    error = OperationalError("as Django wraps it")
    error.__cause__ = Coded("as it comes")
    assert is_out_of_time(error) is out_of_time
    assert not is_out_of_time(ValueError("something else"))


# --- What people get ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_locked_row_is_answered_with_503_and_what_was_typed_can_be_sent_again(committed_world: World) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(committed_world.ana.user)
    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = '200ms'")
    form = {"first_name": "Ana Maria", "last_name": "Example", "language": "en", "specialty": "sport"}
    with lock_held(committed_world.ana):
        response = client.post("/profile/", form)
    page = response.content.decode()
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert 'action="/profile/"' in page and 'name="first_name" value="Ana Maria"' in page
    assert client.post("/profile/", form).status_code == 302
    committed_world.ana.refresh_from_db()
    assert committed_world.ana.first_name == "Ana Maria"
    with connection.cursor() as cursor:
        cursor.execute("reset lock_timeout")


@pytest.mark.parametrize(
    ("path", "fields", "shown"),
    [
        ("/contact/", {"subject": "Lens", "text": 'He said "no" <b>'}, True),
        ("/accounts/login/", {"login": "ana@example.org", "password": "never in a page"}, False),
        ("/kitbag/redeem/", {"code": "ABCD1234"}, False),
    ],
)
def test_the_page_never_contains_a_secret(path: str, fields: dict[str, str], shown: bool) -> None:
    response = busy(RequestFactory().post(path, {**fields, "csrfmiddlewaretoken": "x"}))
    page = response.content.decode()
    assert ("<form" in page) is shown
    assert shown or not any(value in page for value in fields.values())
    assert "<b>" not in page


@each_row(
    ("origin", "is_sent_again"),
    [(None, True), ("http://testserver", True), ("https://elsewhere.example", False), ("null", False)],
)
def test_a_form_with_a_token_is_offered_again_unless_it_comes_from_another_site(
    origin: str | None, is_sent_again: bool
) -> None:
    page = RequestFactory().get("/contact/")
    page.user = AnonymousUser()
    fields = {"text": "It sticks", tokens.FIELD: tokens.make_token(page, once=True), "csrfmiddlewaretoken": "x"}
    headers = {"origin": origin} if origin else {}
    html = busy(RequestFactory().post("/contact/", fields, headers=headers)).content.decode()
    assert ("It sticks" in html and fields[tokens.FIELD] in html) is is_sent_again


def test_every_format_of_the_kit_list_has_the_time_of_an_export(settings: Any) -> None:
    names = [f"kitbag:{pattern.name}" for pattern in kitbag.urls.urlpatterns if pattern.callback is kit_list.download]
    assert len(names) >= 3 and set(names) <= set(settings.SLOW_VIEWS)


def test_partners_get_a_problem_document(db: None) -> None:
    response = busy(RequestFactory().post("/api/v1/sales", {}))
    assert (response.status_code, response["Content-Type"], response["Retry-After"]) == (
        503,
        "application/problem+json",
        "5",
    )


# --- One session among others ------------------------------------------------------------------------


@each_row(
    ("method", "cookie", "path", "is_limited"),
    [
        ("post", "a", "/cases/", True),
        ("get", "a", "/cases/", False),
        ("post", "", "/api/v1/tickets", False),
        ("post", "a", "/files/upload/", False),
    ],
)
def test_one_session_takes_half_of_the_threads_at_most(
    settings: Any, method: str, cookie: str, path: str, is_limited: bool
) -> None:
    go_on, inside = threading.Event(), threading.Semaphore(0)

    def view(request: object) -> str:
        inside.release()
        go_on.wait(10)
        return "answered"

    middleware = FairShareMiddleware(view)  # type: ignore[arg-type]
    outcomes: list[str] = []

    def ask(session: str) -> None:
        request = getattr(RequestFactory(), method)(path)
        if session:
            request.COOKIES[settings.SESSION_COOKIE_NAME] = session
        try:
            outcomes.append(str(middleware(request)))
        except TooManyAtOnce:
            outcomes.append("refused")

    threads = [threading.Thread(target=ask, args=[cookie]) for _number in range(MAX_CONCURRENT)]
    for thread in threads:
        thread.start()
    for _thread in threads:
        assert inside.acquire(timeout=10)
    others = [threading.Thread(target=ask, args=[session]) for session in (cookie, "b")]
    for thread in others:
        thread.start()
    others[0].join(0.5)
    go_on.set()
    for thread in [*threads, *others]:
        thread.join()
    assert outcomes.count("refused") == (1 if is_limited else 0)
    assert outcomes.count("answered") == MAX_CONCURRENT + (1 if is_limited else 2)
