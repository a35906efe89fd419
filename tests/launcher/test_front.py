"""The front server: slow clients hurt nobody else, forged headers change nothing, no secret is logged."""

import http.client
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.launcher.front import HOST, Front, running_front

pytestmark = [pytest.mark.launcher]
SLOW_CLIENTS = (12, 50)  # nginx lets one address have 60 connections
PROBES = 10
WITHOUT_WAITING = 5  # seconds; a server whose threads are taken answers when a slow client gives up, after 20


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with running_front(tmp_path_factory.mktemp("front")) as running:
        yield running


def csrf_of(answer: str) -> tuple[str, str]:
    """The cookie and the field of a page with a form."""
    cookie = re.search(r"__Host-csrftoken=([^;]+)", answer)
    field = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer)
    assert cookie and field, answer[:500]
    return cookie[1], field[1]


def probe_seconds(front: Front) -> float:
    """How long the slowest of some requests took."""
    took = []
    for _number in range(PROBES):
        began = time.monotonic()
        assert front.request("/terms/")[0] == 200
        took.append(time.monotonic() - began)
    return max(took)


@pytest.mark.parametrize("clients", SLOW_CLIENTS)
def test_slow_writers_do_not_keep_others_from_an_answer(front: Front, clients: int) -> None:
    cookie, _field = csrf_of(front.request("/accounts/login/")[1])
    head = (
        f"POST /accounts/login/ HTTP/1.1\r\nHost: {HOST}\r\nCookie: __Host-csrftoken={cookie}\r\nOrigin: https://{HOST}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\n"
    )
    with ExitStack() as stack:
        slow = [stack.enter_context(front.connect()) for _number in range(clients)]
        for connection in slow:
            connection.sendall(head.encode() + b"l")
        for connection in slow:
            connection.sendall(b"o")
        assert probe_seconds(front) < WITHOUT_WAITING


@pytest.mark.parametrize("clients", SLOW_CLIENTS)
def test_slow_readers_do_not_keep_others_from_an_answer(front: Front, clients: int) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(front.connect()) for _number in range(clients)]
        for connection in slow:
            connection.sendall(f"GET /terms/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            connection.recv(10)
        assert probe_seconds(front) < WITHOUT_WAITING


def test_posts_as_far_apart_as_connections_are_kept_are_all_answered(front: Front) -> None:
    """A server that closes an idle connection just when a POST is on its way breaks it; once 19 of 750."""
    cookie, field = csrf_of(front.request("/accounts/login/")[1])
    lines = [f"Cookie: __Host-csrftoken={cookie}", f"Origin: https://{HOST}"]
    body = f"csrfmiddlewaretoken={field}&login=nobody%40example.org&password=wrong"
    answers = []
    for number in range(6):
        time.sleep(1.96 + number / 100)
        answers.append(front.request("/accounts/login/", *lines, method="POST", body=body)[0])
    assert 502 not in answers and 0 not in answers


def test_a_forged_address_or_scheme_changes_nothing(front: Front) -> None:
    cookie, field = csrf_of(front.request("/accounts/login/")[1])
    body = f"csrfmiddlewaretoken={field}&login=nobody%40example.org&password=wrong"
    answers = [
        front.request(
            "/accounts/login/",
            f"Cookie: __Host-csrftoken={cookie}",
            f"Origin: https://{HOST}",
            f"X-Forwarded-For: 192.0.2.{number}",
            "X-Forwarded-Proto: http",
            method="POST",
            body=body,
        )[0]
        for number in range(40)
    ]
    assert 301 not in answers  # https, whatever the client says
    assert 429 in answers  # one address, whatever the client says


def test_requests_over_the_limits_are_refused_before_the_portal(front: Front) -> None:
    status, _answer = front.request("/accounts/login/", "Content-Length: 20000000", method="POST")
    assert status == 413


def logs_of(front: Front) -> str:
    return "".join((front.folder / name).read_text() for name in ("access.log", "web_0.log", "error.log"))


@pytest.mark.parametrize(
    "path",
    ["/c/" + "A" * 43 + "/", "/accounts/password/reset/key/1-abcdef-0123456789/", "/contact/case/" + "B" * 43 + "/"],
)
def test_what_opens_something_by_itself_is_not_logged(front: Front, path: str) -> None:
    front.request(path + "?key=hidden-in-a-query")
    deadline = time.monotonic() + 60
    while "[cut]" not in (logs := logs_of(front)) and time.monotonic() < deadline:
        time.sleep(0.1)  # it is written after the answer
    secret = path.rstrip("/").rsplit("/", 1)[1]
    assert secret not in logs and "hidden-in-a-query" not in logs
    assert "[cut]" in logs


def test_plain_http_leads_to_https(front: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", front.http, timeout=10)
    connection.request("GET", "/help/?q=card", headers={"Host": HOST})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{HOST}/help/?q=card")
    connection.close()
