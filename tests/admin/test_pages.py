"""Every list and page of the admin opens, needs a fixed number of queries, and has no inline script or style.

The strict Content-Security-Policy would block inline scripts and styles.
"""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cps_portal.core.files.models import StoredFile
from tests.admin.crowd import add_crowd
from tests.factories import ProductFactory, validated
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.wide
PAGES = {"system.Tick"}  # registered for their address and rights: a page of their own instead of a list
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.label not in PAGES), key=lambda model: model._meta.label
)
SCRIPT = r"<script(?![^>]*\bsrc=)(?![^>]*application/json)"
INLINE = re.compile(rf"<style|\sstyle\s*=|{SCRIPT}|\son[a-z]+\s*=\s*[\"']", re.IGNORECASE)
OWN_LISTS = {"cases.Case"}  # pages that are bounded in another way, and counted by their own tests
LISTS = [model for model in MODELS if model._meta.label not in OWN_LISTS]
MANY = 3  # rows of each kind beside one: what grows with the rows shows


def url_of(model: type[Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def list_of(client: Client, model: type[Model]) -> tuple[int, int, list[str]]:
    """How many rows the list has, how many queries it took, and what in it is inline."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = client.get(url_of(model, "changelist"))
    assert answer.status_code == 200, model
    return answer.context["cl"].result_count, len(queries), INLINE.findall(answer.content.decode())


def test_no_list_needs_more_queries_for_many_rows_than_for_one(world: World, as_root: Client) -> None:
    add_crowd(range(1), world.terms)
    as_root.get(url_of(MODELS[0], "changelist"))
    few = {model: list_of(as_root, model) for model in LISTS}
    add_crowd(range(1, MANY), world.terms)
    many = {model: list_of(as_root, model) for model in LISTS}
    assert [model for model in LISTS if many[model][0] < MANY] == []
    assert {model: many[model][1] for model in LISTS} == {model: few[model][1] for model in LISTS}
    assert max(queries for _rows, queries, _inline in many.values()) <= 15 + SNAPSHOT_QUERIES
    assert {model: inline for model, (_rows, _queries, inline) in many.items() if inline} == {}


def test_every_detail_page_opens_without_inline_script_or_style(world: World, as_root: Client) -> None:
    add_crowd(range(1), world.terms)
    for model in MODELS:
        row = model._default_manager.order_by("-pk").first()
        if model._meta.model_name == "registrationinreview":
            row = model._default_manager.queue().first()  # type: ignore[attr-defined]
        answer = as_root.get(url_of(model, "change", row.pk))  # type: ignore[union-attr]
        assert answer.status_code == 200, model
        assert INLINE.findall(answer.content.decode()) == [], model
        assert as_root.get(url_of(model, "add")).status_code in (200, 403), model


def test_the_page_of_a_member_needs_no_more_queries_for_60_products_than_for_3(world: World, as_root: Client) -> None:
    page = reverse("admin:members_member_change", args=[world.ana.pk])
    as_root.get(page)
    with CaptureQueriesContext(connection) as few:
        as_root.get(page)
    for n in range(60):
        validated(world.ana, ProductFactory(points_current=61, points_superseded=60), f"4{n:011}")
    with CaptureQueriesContext(connection) as many:
        answer = as_root.get(page)
    assert len(many) <= len(few) + 2  # a count for each list that is longer than the page
    assert len(many) <= 80 + SNAPSHOT_QUERIES
    assert "63 registrations" in answer.content.decode()


def test_every_list_can_be_searched(world: World, as_root: Client) -> None:
    for model in MODELS:
        if model._meta.app_label in {"members", "cases", "kitbag", "servicing", "outbox", "partners", "offers"}:
            assert admin.site._registry[model].search_fields, model
            assert as_root.get(url_of(model, "changelist"), {"q": "1"}).status_code == 200, model


@each_row("written", ["a%00b", "a%%0000b", "%00", "%2500"])
def test_a_text_without_end_in_an_address_is_read_without_it(as_root: Client, written: str) -> None:
    """R54: also where what is left after taking it out would spell it again."""
    url = url_of(StoredFile, "changelist")
    for query in (f"q={written}", f"purpose={written}", f"purp{written}ose=x"):
        assert as_root.get(f"{url}?{query}").status_code in (200, 302), query


def test_no_action_of_a_list_fails_on_keys_that_are_none(world: World, as_root: Client) -> None:
    """R54: rows are chosen by boxes, but whoever sends something else gets an answer as well."""
    tried = 0
    for model in LISTS:
        url = url_of(model, "changelist")
        page = as_root.get(url).content.decode()
        chosen = re.search(r'<select name="action".*?</select>', page, re.DOTALL)
        for action in re.findall(r'<option value="(\w+)"', chosen[0]) if chosen else []:
            for keys in (["\0"], ["x"], ["-1"], ["9" * 30], []):
                answer = as_root.post(url, {"action": action, "_selected_action": keys})
                assert answer.status_code in (200, 302, 400, 403), (url, action, keys)
                tried += 1
    assert tried


def test_no_filter_of_a_list_fails_on_a_sign_that_no_column_can_hold(world: World, as_root: Client) -> None:
    """R54: an address that somebody has changed is answered, with the list or with the way back to it."""
    tried = 0
    for url in [url_of(model, "changelist") for model in MODELS if not model._meta.label.endswith("Event")]:
        names = set(re.findall(r'href="\?([a-z][\w]*)=', as_root.get(url).content.decode())) - {"o", "p", "all", "e"}
        for name in names:
            assert as_root.get(url, {name: "a\x00b"}).status_code in (200, 302), (url, name)
            tried += 1
    assert tried > 50
