"""What a person asks for in one visit, and how long each answer takes."""

import http.client
import random
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.launcher.front import HOST
from tests.submissions.pages import FormReader

TIMEOUT_SECONDS = 30
SIGN_IN = "/accounts/login/"


@dataclass
class Answers:
    """Seconds of every answer, and what was answered otherwise than it should be."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    visits: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def percentile(self, part: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(int(part * len(ordered)), len(ordered) - 1)] if ordered else 0.0


class Visitor:
    """A browser with one connection, straight to the web server. `cookies`: of a session that is open already."""

    def __init__(self, port: int, answers: Answers, cookies: dict[str, str]) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        self.answers, self.cookies = answers, dict(cookies)

    def get(self, path: str, **headers: str) -> str:
        return self._ask("GET", path, None, {200}, headers)

    def sign_in(self, email: str, password: str) -> None:
        ((_action, typed),) = [form for form in FormReader(self.get(SIGN_IN)).forms if "login" in form[1]]
        body = urllib.parse.urlencode({**typed, "login": email, "password": password}, doseq=True)
        self._ask("POST", SIGN_IN, body, {302}, {"Content-Type": "application/x-www-form-urlencoded"})

    def _ask(self, method: str, path: str, body: str | None, expected: set[int], headers: dict[str, str]) -> str:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent = {"Host": HOST, "Cookie": cookies, "X-Forwarded-Proto": "https", **headers}
        if method == "POST":
            sent |= {"Origin": f"https://{HOST}", "Referer": f"https://{HOST}{path}"}
        begun = time.perf_counter()
        self.line.request(method, path, body, sent)
        answer = self.line.getresponse()
        text = answer.read().decode(errors="replace")
        took = time.perf_counter() - begun
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _equals, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        with self.answers.lock:
            self.answers.seconds.append(took)
            if answer.status not in expected:
                self.answers.errors.append(f"{method} {path}: {answer.status}")
        return text


@dataclass(frozen=True)
class Person:
    """Whose visit it is. `cookies` of an open session; `product` is the page of one of their registrations."""

    email: str
    cookies: dict[str, str]
    product: str = ""


def member_visit(visitor: Visitor, person: Person) -> None:
    """Dashboard, Kitbag, a product, points, service, and a search while somebody types five letters."""
    for path in ("/dashboard/", "/kitbag/", person.product or "/kitbag/", "/kitbag/points/", "/service/"):
        visitor.get(path)
    for length in range(1, 6):
        visitor.get(f"/kitbag/?q={'eos r5'[:length].replace(' ', '+')}", **{"HX-Request": "true"})


def clerk_visit(visitor: Visitor, _person: Person) -> None:
    """Today, the queue, the inbox, the list of members, and one found in the box."""
    for path in (
        "/admin/",
        "/admin/kitbag/registrationinreview/",
        "/admin/cases/case/",
        "/admin/members/member/",
        "/admin/search/?q=crowd1%40example.net&all=1",
    ):
        visitor.get(path)


def drive(rate: float, seconds: float, visit: Callable[[random.Random], None], seed: int) -> int:
    """Begin `rate` visits a second for so many seconds, whether or not earlier ones have ended. Returns how many."""
    dice = random.Random(seed)  # noqa: S311 (to repeat a run)
    threads: list[threading.Thread] = []
    begun, moment = time.monotonic(), 0.0
    while (moment := moment + dice.expovariate(rate)) < seconds:
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        threads.append(threading.Thread(target=visit, args=(random.Random(dice.random()),)))  # noqa: S311
        threads[-1].start()
    for thread in threads:
        thread.join()
    return len(threads)
