"""The catalogue over the API: works, whose is it, wrong method, missing, twice."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, RequestFactory
from rest_framework.exceptions import ValidationError

from cps_portal.lib.errors import Refusal
from cps_portal.rest.errors import problem_response
from tests.world import World

PROBLEM = "application/problem+json"


@pytest.fixture
def as_staff(world: World) -> Client:
    cache.clear()
    client = Client()
    client.force_login(world.staff)
    return client


def test_staff_find_products_by_fragments(as_staff: Client, world: World) -> None:
    answer = as_staff.get("/api/v1/products", {"q": "r1 test"})
    assert answer.status_code == 200
    (found,) = answer.json()["results"]
    assert found["slug"] == world.pro_body.slug
    assert (found["points"], found["stage"], found["fast_track"]) == (500, "current", True)


def test_staff_read_one_product_with_its_names(as_staff: Client, world: World) -> None:
    found = as_staff.get(f"/api/v1/products/{world.battery.slug}").json()
    assert found["names"] == ["Battery Test"]
    assert found["registrable"] is False
    assert found["successor"] is None


@pytest.mark.parametrize(
    "path", ["/api/v1/products?q=r1", "/api/v1/products/eos-r1-test", "/api/v1/schema", "/api/v1/docs"]
)
def test_nobody_but_staff(path: str, as_ana: Client) -> None:
    for client in (Client(), as_ana):
        answer = client.get(path)
        assert answer.status_code == 403
        assert answer["Content-Type"] == PROBLEM
        assert answer.json()["status"] == 403


@pytest.mark.parametrize("query", ["", "?q=", "?q=" + "r" * 101, "?q=r%00"])
def test_a_query_has_to_be_given_and_short(query: str, as_staff: Client) -> None:
    answer = as_staff.get(f"/api/v1/products{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"] == PROBLEM
    assert answer.json()["code"] == "invalid"
    assert list(answer.json()["errors"]) == ["q"]


def test_a_product_that_does_not_exist(as_staff: Client) -> None:
    answer = as_staff.get("/api/v1/products/no-such-product")
    assert answer.status_code == 404
    assert (answer["Content-Type"], answer.json()["code"]) == (PROBLEM, "not_found")


def test_nothing_can_be_written(as_staff: Client, world: World) -> None:
    for method in (as_staff.post, as_staff.put, as_staff.patch, as_staff.delete):
        answer = method(f"/api/v1/products/{world.body.slug}", {}, content_type="application/json")
        assert answer.status_code == 405
        assert answer.json()["code"] == "method_not_allowed"


def test_a_refusal_becomes_a_conflict_with_its_code() -> None:
    answer = problem_response(Refusal("held", "Somebody holds it.", "serial"), {})
    assert answer is not None
    assert answer.status_code == 409
    told = json.loads(answer.content)
    assert (told["code"], told["errors"]) == ("held", {"serial": ["Somebody holds it."]})


def test_a_defect_is_not_dressed_up_as_an_answer() -> None:
    assert problem_response(KeyError("oops"), {}) is None


def test_a_list_of_mistakes_keeps_its_words() -> None:
    answer = problem_response(ValidationError(["Too long."]), {"request": RequestFactory().get("/")})
    assert answer is not None
    assert "Too long." in json.loads(answer.content)["detail"]


def test_the_committed_schema_is_the_real_one() -> None:
    written = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)
    committed = Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text(encoding="utf-8")
    assert written.getvalue().strip() == committed.strip(), "run manage.py spectacular --file docs/openapi.yaml"


def test_the_pages_of_the_schema_need_no_inline_script(as_staff: Client, world: World) -> None:
    page = as_staff.get("/api/v1/docs")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode()
    assert as_staff.get("/api/v1/docs?script").headers["Content-Type"].startswith("application/javascript")
