"""The points statement as a PDF: every change with its reason, for the member alone (R21)."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kitbag.models import PointsEntry
from kitbag.presenters import points_statement as statement
from kitbag.views import points
from tests.factories import validated
from tests.paper import assert_accessible, pages_of, text_of
from tests.world import World

pytestmark = pytest.mark.django_db
URL = "/kitbag/points/statement.pdf"


def test_the_statement_has_every_change_with_its_reason_and_total(world: World, as_ana: Client) -> None:
    assert f'href="{URL}"' in as_ana.get("/kitbag/points/").text
    answer = as_ana.get(URL)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment")
    assert_accessible(answer.content, title="Points statement")
    text = text_of(answer.content)
    for entry in PointsEntry.objects.of(world.ana).with_total().select_related("registration__product"):
        assert f"{entry.registration.product.name} counted" in text
        assert f"+{entry.amount:,}" in text and f"{entry.total:,}" in text
    assert world.ana.number_in_groups in text and f"{world.ana.points:,}" in text


def test_nobody_without_points_or_account_finds_more_than_nothing(as_ben: Client, client: Client) -> None:
    assert URL not in as_ben.get("/kitbag/points/").text
    assert "counted" not in text_of(as_ben.get(URL).content)
    assert client.get(URL).status_code == 302
    assert as_ben.post(URL).status_code == 405


def test_many_changes_take_as_many_queries_as_few(world: World, as_ana: Client) -> None:
    as_ana.get(URL)
    with CaptureQueriesContext(connection) as few:
        as_ana.get(URL)
    for number in range(60):
        validated(world.ana, world.lens, f"{3000000 + number}")
    with CaptureQueriesContext(connection) as many:
        pages = pages_of(as_ana.get(URL).content)
    assert len(many) == len(few)
    assert len(pages) > 1 and all("What happened" in page for page in pages)


def test_changes_that_are_not_printed_are_counted(
    world: World, as_ana: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = PointsEntry.objects.of(world.ana).count()
    for module in (statement, points):
        monkeypatch.setattr(module, "MAX_PRINTED", 1)
    text = text_of(as_ana.get(URL).content)
    assert text.count("counted") == 1
    assert f"{everything - 1} older change" in text
