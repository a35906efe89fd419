"""What members search and do not find is counted, without who searched (R16, R54)."""

import pytest
from django.test import Client
from django.utils import timezone

from kitbag.actions.missed_searches import log_missed_search, write_missed_searches
from kitbag.models import MissedSearch
from kitbag.tasks import write_missed_searches as task
from tests.world import World

pytestmark = pytest.mark.django_db


def counted() -> dict[str, int]:
    return dict(MissedSearch.objects.values_list("text", "count"))


def test_a_search_without_a_result_is_counted_and_one_with_a_result_is_not(world: World, as_ana: Client) -> None:
    assert as_ana.get("/kitbag/add/search/", {"q": "nifty fifty"}, headers={"HX-Request": "true"}).status_code == 200
    as_ana.get("/kitbag/add/", {"q": world.body.name})
    as_ana.get("/kitbag/add/", {"q": "n"})
    assert not MissedSearch.objects.exists(), "a GET writes nothing"
    task()
    assert counted() == {"nifty fifty": 1}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["xq", "xqu", "xqua", "xquarz lens"], {"xquarz lens": 1}),  # letter by letter
        (["Nifty  FIFTY", "nifty fifty"], {"nifty fifty": 1}),
        (["Objéctif", "objectif"], {"objectif": 1}),
        (["ana@example.org", "052031000077", "0520 3100 0077", "+27 82 555 0199"], {}),
        (["x" * 61], {}),
        (["\u200b \u2060"], {}),
        (["ef 70-200 f9", "rf 5"], {"ef 70-200 f9": 1, "rf 5": 1}),
        (["شكبشيب", "объективище"], {"شكبشيب": 1, "объективище": 1}),
    ],
)
def test_what_counts_as_one_search(world: World, typed: list[str], expected: dict[str, int]) -> None:
    for text in typed:
        log_missed_search(world.ana, text)
    write_missed_searches()
    assert counted() == expected


def test_each_member_counts_and_runs_add_up(world: World) -> None:
    for member in (world.ana, world.ben, world.ana):
        log_missed_search(member, "nifty")
    assert write_missed_searches() == 2
    log_missed_search(world.chloe, "nifty")
    assert (write_missed_searches(), write_missed_searches()) == (1, 0)
    assert counted() == {"nifty": 3}
    row = MissedSearch.objects.get()
    assert row.day == timezone.localdate()
    fields = {field.name for field in MissedSearch._meta.get_fields()}
    assert fields == {"id", "day", "text", "count", "counted_at"}, "nothing says who searched"


def test_what_one_member_searched_once_is_not_shown_as_wanted(world: World) -> None:
    for member, text in [(world.ana, "once"), (world.ana, "twice"), (world.ben, "twice")]:
        log_missed_search(member, text)
    write_missed_searches()
    assert list(MissedSearch.objects.most_wanted().values_list("text", "searches")) == [("twice", 2)]
