"""What a page costs the processor, as a multiple of a hand-tuned list of fifty rows, in one run and in turns.

Counts the processor time of Python and of the database, because that is what other work on the machine changes least.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.lib.snapshot import READ_ONLY_SQL
from cps_portal.settings import base
from kitbag.actions.catalogue import load_catalogue
from kitbag.catalogue import reader
from kitbag.models import Product, Registration
from members.models import Member
from members.offers.actions.cards import get_or_issue_card
from tests.admin.conftest import signed_in
from tests.factories import UserFactory, draft
from tests.fullbag import fill
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
ROUNDS = int(os.environ.get("BENCH_PAGE_ROUNDS", "15"))
IN_TURN = 4  # requests of each page before the next one's turn
TICKS = os.sysconf("SC_CLK_TCK")  # a second
PASSWORD = "long enough words"
OF_THE_SNAPSHOT = ("SAVEPOINT", READ_ONLY_SQL, "ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT")
TUNED = "/plain/kits/50/"


def database_seconds() -> float:
    """Processor time of the database's process for this connection. PostgreSQL runs on this machine."""
    fields = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def processor_seconds() -> float:
    return time.process_time() + database_seconds()


class Costs:
    def __init__(self) -> None:
        self.pages: dict[str, Callable[[], int]] = {}
        self.seconds: dict[str, list[float]] = {}
        self.notes: dict[str, str] = {}

    def page(self, name: str, client: Client, url: str) -> None:
        def ask() -> int:
            answer = client.get(url)
            assert answer.status_code == 200, (url, answer.status_code)
            return len(answer.content)

        self.request(name, ask)

    def request(self, name: str, ask: Callable[[], int]) -> None:
        """Anything that is asked, which returns the size of the answer."""
        ask()
        with CaptureQueriesContext(connection) as queries:
            size = ask()
        sent = [query for query in queries if not query["sql"].startswith(OF_THE_SNAPSHOT)]
        self.notes[name] = f"{len(sent):>4} SQL {size / 1000:>7.0f} KB"
        self.pages[name] = ask
        self.seconds[name] = [0.0, 0.0]

    def measure(self) -> None:
        for _round in range(ROUNDS):
            for name, ask in self.pages.items():
                python, database = time.process_time(), database_seconds()
                for _turn in range(IN_TURN):
                    ask()
                self.seconds[name][0] += time.process_time() - python
                self.seconds[name][1] += database_seconds() - database

    def lines(self) -> Iterator[str]:
        count = ROUNDS * IN_TURN
        tuned = sum(self.seconds["tuned"]) / count
        yield f"{'':<34}{'times tuned':>12}{'Python ms':>11}{'database ms':>13}"
        for name, (python, database) in self.seconds.items():
            times = (python + database) / count / tuned
            yield (
                f"{name:<34}{times:>12.1f}{1000 * python / count:>11.1f}{1000 * database / count:>13.1f}"
                f"   {self.notes[name]}"
            )


@pytest.fixture
def catalogue(world: World) -> World:
    facts, bad = reader.read_products(reader.PRODUCTS)
    assert not bad
    load_catalogue(products=facts, shapes=reader.read_shapes(), at=timezone.now())
    return world


def test_pages_beside_a_tuned_one(
    catalogue: World, as_ana: Client, as_ben: Client, settings: Settings, report: list[str]
) -> None:
    settings.ROOT_URLCONF = "tests.bench.plain"
    settings.CARD_CHECK_LIMIT = (10 * ROUNDS * IN_TURN, 300)
    products = list(Product.objects.registrable()[:40])
    fill(catalogue.ben, products, validated=48, drafts=2)
    fill(catalogue.ana, products, validated=500)
    ticket = a_request(catalogue, a_centre(), member=catalogue.chloe)
    row = draft(catalogue.ben, catalogue.body)
    validated = Registration.objects.live().filter(member=catalogue.ben, serial__gt="").first()
    assert validated
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    admin = signed_in(UserFactory(is_staff=True, is_superuser=True))
    costs = Costs()
    costs.page("tuned", as_ben, TUNED)
    costs.page("kitbag, 50 rows", as_ben, "/kitbag/?shown=50")  # older kit is loaded when it is opened
    costs.page("the same, older kit open", as_ben, "/kitbag/?shown=50&older=1")
    costs.page("dashboard", as_ben, "/dashboard/")
    costs.page("product", as_ben, f"/kitbag/{validated.pk}/")
    costs.page("ticket", client_of(ticket.member), f"/service/{ticket.reference}/")
    costs.page("points, 500 products", as_ana, "/kitbag/points/")
    costs.page("finish form", as_ben, f"/kitbag/{row.pk}/finish/")
    card = get_or_issue_card(member=catalogue.ana, at=timezone.now())
    for name, url in [
        ("join form", "/accounts/signup/"),
        ("home", "/"),
        ("help", "/help/"),
        ("centres", "/centres/"),
        ("card check", reverse("card_check", args=[card.token])),
    ]:
        costs.page(name, Client(), url)
    for name, url in [
        ("staff: today", "/admin/"),
        ("staff: members", "/admin/members/member/"),
        ("staff: tickets", "/admin/servicing/ticket/"),
        ("staff: registrations", "/admin/kitbag/registration/"),
    ]:
        costs.page(name, admin, url)
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS
    someone = UserFactory()
    someone.set_password(PASSWORD)
    someone.save()
    costs.request("sign-in", lambda: sign_in(someone.email))
    costs.measure()
    report.extend(costs.lines())


def sign_in(email: str) -> int:
    answer = Client().post(reverse("account_login"), {"login": email, "password": PASSWORD})
    assert answer.status_code == 302
    return len(answer.content)


def client_of(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client
