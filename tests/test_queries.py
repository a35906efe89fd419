"""A member's page runs the same few queries for one registration and for a hundred."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import draft
from tests.fullbag import fill
from tests.queries import SNAPSHOT_QUERIES
from tests.world import World

MAX_QUERIES = 21 + SNAPSHOT_QUERIES  # four of them for the forecast, three for the offers


def queries(client: Client, url: str, **headers: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url, headers=headers)
    assert answer.status_code == 200, url
    return len(captured)


PAGES: list[tuple[str, dict[str, str]]] = [
    ("/dashboard/", {}),
    ("/dashboard/", {"HX-Request": "true"}),
    ("/kitbag/", {}),
    ("/kitbag/?q=test&show=bodies", {}),
    ("/kitbag/?view=table", {}),
    ("/kitbag/?view=table&page=2", {}),
    ("/kitbag/{counted}/", {}),
    ("/kitbag/{counted}/remove/", {}),
    ("/kitbag/{draft}/finish/", {}),
    ("/kitbag/points/", {}),
    ("/kitbag/points/?show=waiting", {}),
    ("/kitbag/add/?q=test", {}),
    ("/kitbag/add/search/?q=test", {"HX-Request": "true"}),
]


def test_a_page_needs_no_more_queries_for_a_hundred_registrations_than_for_one(world: World, as_ben: Client) -> None:
    products = [world.body, world.pro_body, world.lens, world.grip]
    (counted,) = fill(world.ben, products, validated=1)
    keys = {"counted": counted.pk, "draft": draft(world.ben, world.body).pk}
    pages = [(url.format(**keys), headers) for url, headers in PAGES]
    for url, headers in pages:
        queries(as_ben, url, **headers)
    few = {(url, *headers): queries(as_ben, url, **headers) for url, headers in pages}
    fill(world.ben, products, validated=99, drafts=30)
    assert world.ben.points == 300 + 25 * (300 + 500 + 200) + 24 * 20
    assert {(url, *headers): queries(as_ben, url, **headers) for url, headers in pages} == few
    assert {page: count for page, count in few.items() if count > MAX_QUERIES} == {}
