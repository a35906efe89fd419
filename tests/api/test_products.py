"""The catalogue through the API, and what every door of it has in common (R20, R55)."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners.enums import PartnerKind, Scope
from cps_portal.core.rest.errors import problem_response
from kitbag.enums import Stage
from servicing.actions.centres import load_carriers, load_centres
from servicing.models import Carrier, ServiceCentre
from tests.api.machines import Machine, machine
from tests.factories import announced, plan
from tests.rows import each_row
from tests.world import World

PROBLEM = "application/problem+json"


@pytest.fixture
def till(world: World) -> Machine:
    return machine("shop", PartnerKind.RETAILER)


def test_products_are_found_by_fragments(till: Machine, world: World) -> None:
    (found,) = till.get("products/search?q=r1+test").json()["results"]
    assert found["slug"] == world.pro_body.slug
    assert (found["points"], found["stage"], found["fast_track"]) == (500, "current", True)


def test_one_product_has_an_etag_and_can_be_cut_down(till: Machine, world: World) -> None:
    whole = till.get(f"products/{world.battery.slug}")
    assert whole.json()["registrable"] is False
    assert till.get(f"products/{world.battery.slug}", **{"If-None-Match": whole["ETag"]}).status_code == 304
    assert till.get(f"products/{world.battery.slug}?fields=slug,points").json() == {
        "slug": world.battery.slug,
        "points": 0,
    }
    answer = till.get(f"products/{world.battery.slug}?fields=secret")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "fields")


def test_a_list_is_read_page_by_page_without_losing_or_repeating_one(till: Machine, world: World) -> None:
    whole = [row["slug"] for row in till.get("products").json()["results"]]
    found: list[str] = []
    after = ""
    while True:
        page = till.get(f"products?limit=2{after}").json()
        found += [row["slug"] for row in page["results"]]
        if page["next"] is None:
            break
        after = f"&cursor={page['next']}"
    assert found == whole
    assert till.get("products?limit=2&registrable=true" + after).status_code == 400  # of another list


def test_changes_are_read_on_and_on(till: Machine, world: World) -> None:
    page = till.get("products/changes").json()
    assert {row["slug"] for row in page["results"]} >= {world.body.slug, world.lens.slug}
    assert till.get(f"products/changes?cursor={page['next']}").json()["results"] == []
    world.body.name = "Renamed"
    world.body.save()
    (row,) = till.get(f"products/changes?cursor={page['next']}").json()["results"]
    assert (row["slug"], row["name"]) == (world.body.slug, "Renamed")


def test_what_was_announced_is_listed(till: Machine, world: World) -> None:
    now = timezone.now()
    planned = announced(plan(world.body, Stage.SUPERSEDED, now + timedelta(days=90)), now)
    (row,) = till.get("products/stage-changes").json()["results"]
    assert (row["product"], row["to_stage"], row["id"]) == (world.body.slug, "superseded", planned.pk)


@each_row("query", ["", "?q=", "?q=" + "r" * 101, "?q=r%00", "?q=r&more=1", "?q=a&q=b"])
def test_a_query_has_to_be_given_and_short(query: str, till: Machine) -> None:
    answer = till.get(f"products/search{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert answer.json()["code"] == "invalid"
    assert "parameter" in answer.json()["errors"][0]


def test_a_product_that_does_not_exist(till: Machine) -> None:
    answer = till.get("products/no-such-product")
    assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (404, PROBLEM, "not_found")


def test_nothing_can_be_written(till: Machine, world: World) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = till.ask(method, f"products/{world.body.slug}", {})
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_without_a_token_every_endpoint_answers_401(world: World, as_ana: Client) -> None:
    for client in (Client(), as_ana):
        answer = client.get("/api/v1/products")
        assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_refusal_becomes_a_conflict_with_its_code() -> None:
    answer = problem_response(Refusal("held", "Somebody holds it.", "serial"), {})
    assert answer is not None
    assert answer.status_code == 409
    told = json.loads(answer.content)
    assert told["errors"] == [{"pointer": "/serial", "code": "held", "detail": "Somebody holds it."}]


def test_a_defect_is_not_dressed_up_as_an_answer() -> None:
    assert problem_response(KeyError("oops"), {}) is None


def test_mistakes_say_where_they_are() -> None:
    wrong = ValidationError({"lines": [{}, {"price": ["Too high."]}], "a/b": ["No."]})
    answer = problem_response(wrong, {"request": RequestFactory().get("/")})
    assert answer is not None
    assert [fault["pointer"] for fault in json.loads(answer.content)["errors"]] == ["/lines/1/price", "/a~1b"]


def test_the_pages_of_the_schema_are_open_and_need_no_inline_script(client: Client) -> None:
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode()
    assert client.get("/api/v1/docs?script").headers["Content-Type"].startswith("application/javascript")


def test_the_contract_is_served_as_committed_once_and_then_known(client: Client) -> None:
    first = client.get("/api/v1/schema")
    committed = Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text(encoding="utf-8")
    assert first.content.decode().strip() == committed.strip(), "run manage.py spectacular --file docs/openapi.yaml"
    assert client.get("/api/v1/schema", headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client.get("/api/v1/schema?format=json").json()["openapi"] == "3.1.1"
    assert client.get("/api/v1/schema", headers={"Accept": "image/png"}).status_code == 406


def test_centres_and_carriers_are_listed_for_every_kind_of_partner(till: Machine, world: World) -> None:
    """R42, R61: what a shipment can be reported with, and where it can be sent."""
    load_carriers()
    load_centres()
    carriers = till.get("carriers").json()["results"]
    assert carriers == [
        {"slug": row.slug, "name": row.name, "link": row.link} for row in Carrier.objects.filter(is_offered=True)
    ]
    ServiceCentre.objects.filter(country="KE").update(street="")
    centres = {row["slug"]: row for row in till.get("centres").json()["results"]}
    assert len(centres) == ServiceCentre.objects.count()
    johannesburg = centres["johannesburg-professional-service-centre"]
    assert johannesburg["address"]["street_address"] == "12 Sample Park" and johannesburg["address_is_sample"]
    assert johannesburg["travel"] == ["courier", "collection", "drop_off"]
    assert johannesburg["map_url"].startswith("https://")
    assert centres["sample-partner-nairobi"]["address"] is None
    assert centres["sample-partner-nairobi"]["travel"] == ["drop_off"]
    assert machine("desk", PartnerKind.RETAILER, scopes=[Scope.SALES_READ]).get("centres").status_code == 403
