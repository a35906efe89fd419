"""Countries, levels, terms and the catalogue: rows of the future are edited, rows in force are history."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kitbag.enums import Stage
from kitbag.models import Product
from members.models import CountryProgramme, TermsVersion
from tests.admin.conftest import SignIn
from tests.world import World

TERMS = "/admin/members/termsversion/"


@pytest.fixture
def as_programme(staff: SignIn) -> Client:
    return staff("Programme")


def in_days(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def test_terms_are_published_before_they_come_into_force(as_programme: Client, world: World) -> None:
    data = {"version": "2030-01", "valid_from_0": in_days(-1).isoformat(), "valid_from_1": "00:00:00"}
    answer = as_programme.post(f"{TERMS}add/", data)
    assert "valid_from" in answer.context["adminform"].form.errors
    data["valid_from_0"] = in_days(2).isoformat()
    assert as_programme.post(f"{TERMS}add/", data).status_code == 302
    change = reverse("admin:members_termsversion_change", args=[world.terms.pk])
    assert as_programme.post(change, data).status_code == 403
    assert TermsVersion.objects.count() == 2


def test_a_country_changes_its_programme_from_a_day_on(as_programme: Client, world: World) -> None:
    """Without members it is entered; where members live it is planned, so that they are told first (R1, R22)."""
    data = {"country": "GE", "region": "Europe", "kind": "none", "valid_from": in_days(30).isoformat()}
    assert as_programme.post("/admin/members/countryprogramme/add/", data).status_code == 302
    assert CountryProgramme.objects.in_force().get(country="GE").kind == "free"
    assert CountryProgramme.objects.in_force(in_days(30)).get(country="GE").kind == "none"
    refused = as_programme.post("/admin/members/countryprogramme/add/", {**data, "country": "ZA"})
    assert "Members live there." in str(refused.context["adminform"].form.errors["kind"])
    row = CountryProgramme.objects.get(country="ZA")
    change = reverse("admin:members_countryprogramme_change", args=[row.pk])
    kept = {"country": "ZA", "region": "Africa", "valid_from": row.valid_from.isoformat(), "note": "checked"}
    assert as_programme.post(change, {**kept, "kind": "none"}).status_code == 200
    assert as_programme.post(change, {**kept, "kind": "free", "service_level": "full"}).status_code == 302
    row.refresh_from_db()
    assert (row.kind, row.note) == ("free", "checked")


def product_form(product: Product, **changes: object) -> dict[str, object]:
    fields = ["name", "category", "shelf", "mount", "video_class", "released_year", "serial_place"]
    data: dict[str, object] = {field: getattr(product, field) or "" for field in fields}
    name = product.names.get()
    formset = {"names-TOTAL_FORMS": 2, "names-INITIAL_FORMS": 1, "names-0-id": name.pk, "names-0-product": product.pk}
    return {**data, **formset, "names-0-name": name.name, "names-1-product": product.pk, "names-1-name": "", **changes}


def test_points_and_stage_of_a_product_are_not_edited(as_programme: Client, world: World) -> None:
    change = reverse("admin:kitbag_product_change", args=[world.body.pk])
    data = product_form(world.body, mount="RF", points_current=9999, stage="unserviceable", registrable="")
    assert as_programme.post(change, data).status_code == 302
    world.body.refresh_from_db()
    assert (world.body.mount, world.body.points_current, world.body.stage) == ("RF", 300, Stage.CURRENT)
    assert world.body.registrable


def test_a_new_name_of_a_product_can_be_searched_at_once(as_programme: Client, world: World) -> None:
    change = reverse("admin:kitbag_product_change", args=[world.body.pk])
    as_programme.post(change, product_form(world.body, **{"names-1-name": "Rebel Test"}))
    assert world.body.names.get(name="Rebel Test").search_key


def test_saving_a_product_writes_only_what_was_edited(as_programme: Client, world: World) -> None:
    """So that it cannot undo a change of stage made since the page was opened."""
    change = reverse("admin:kitbag_product_change", args=[world.body.pk])
    with CaptureQueriesContext(connection) as queries:
        as_programme.post(change, product_form(world.body, mount="RF"))
    (update,) = [query["sql"] for query in queries if 'UPDATE "kitbag_product"' in query["sql"]]
    assert '"mount"' in update
    assert '"stage"' not in update


@pytest.mark.parametrize(("field", "value"), [("pattern", "(["), ("categories", '"lens-rf"'), ("categories", "[1]")])
def test_a_shape_that_cannot_be_used_is_refused(as_programme: Client, db: None, field: str, value: str) -> None:
    data = {"categories": '["lens-rf"]', "period": "all", "pattern": r"\d{10}", "use": "warn", field: value}
    answer = as_programme.post("/admin/kitbag/serialshape/add/", data)
    assert field in answer.context["adminform"].form.errors
