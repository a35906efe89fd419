"""Dates and times have one form in all lists of the desk: "14 Sep 2026, 11:30 SAST" (R54)."""

import re
from datetime import UTC, date, datetime

import pytest
from django.contrib import admin
from django.test import Client
from django.utils.formats import date_format

from cps_portal.core.lib.dates import write_day, write_moment
from tests.admin.crowd import add_crowd
from tests.admin.test_pages import LISTS, url_of
from tests.rows import each_row
from tests.world import World

# All but the keys of messages, which are codes.
CELLS = re.compile(r"<(?:td|th)(?: class=\"(?!field-key)[^\"]*\")?>(.*?)</(?:td|th)>", re.DOTALL)
TOP_LINKS = re.compile(r'<nav class="toplinks">(.*?)</nav>', re.DOTALL)
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
MOMENT = rf"\d{{1,2}} {MONTH} \d{{4}}, \d\d:\d\d SAST"
OTHER_FORMS = re.compile(
    rf"""\d{{4}}-\d\d-\d\d               # 2026-09-14
    | \d{{1,2}}[/.]\d{{1,2}}[/.]\d{{2,4}}  # 14/09/2026
    | \b{MONTH}[a-z]*\.?\s\d{{1,2}}\b   # Sept. 14
    | \b[ap]\.?m\.                      # 11:30 a.m.
    | \b(?:noon|midnight)\b
    | (?<![\d:])\d\d:\d\d(?![\d:])      # a time without its zone: whole moments are taken out first""",
    re.VERBOSE,
)


def strange_dates(page: str) -> list[str]:
    texts = [re.sub(r"<[^>]+>", " ", text) for found in (CELLS, TOP_LINKS) for text in found.findall(page)]
    return [text.strip() for text in texts if OTHER_FORMS.search(re.sub(MOMENT, "", text))]


@pytest.mark.wide
def test_every_list_writes_dates_in_the_one_form(world: World, as_root: Client) -> None:
    add_crowd(range(2), world.terms)
    pages = {model: as_root.get(url_of(model, "changelist")).content.decode() for model in LISTS}
    found = {model._meta.label: strange_dates(page) for model, page in pages.items()}
    assert {label: texts for label, texts in found.items() if texts} == {}
    with_moments = [model for model, page in pages.items() if re.search(MOMENT, page)]
    assert len(with_moments) > len(admin.site._registry) / 2


@each_row(
    ("text", "is_strange"),
    [
        ("14 Sep 2026, 11:30 SAST", False),
        ("14 Sep 2026", False),
        ("2026-09-14", True),
        ("Sept. 14, 2026, 11:30 a.m.", True),
        ("September 14", True),
        ("14 Sep 2026, 11:30", True),
        ("14/09/2026", True),
        ("noon", True),
    ],
)
def test_what_the_walk_calls_strange(text: str, is_strange: bool) -> None:
    assert bool(strange_dates(f"<td>{text}</td>")) == is_strange


def test_days_and_moments_are_those_of_the_programme() -> None:
    at = datetime(2026, 9, 14, 22, 30, tzinfo=UTC)
    assert (write_moment(at), write_day(at), write_day(date(2026, 9, 14))) == (
        "15 Sep 2026, 00:30 SAST",
        "15 Sep 2026",
        "14 Sep 2026",
    )
    assert (write_moment(None), write_day(None)) == ("", "")
    assert date_format(at, "MONTH_DAY_FORMAT") == "14 September"


def test_every_page_of_the_desk_says_where_its_times_are(world: World, as_root: Client) -> None:
    foot = re.search(r'<p class="d-rail__foot">(.*?)</p>', as_root.get("/admin/").content.decode(), re.DOTALL)
    assert foot
    assert re.search(r"\d\d:\d\d in Johannesburg", foot[1])
