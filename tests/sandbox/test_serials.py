"""Every magic serial number does what the table of the guide says (R29 to R34, R55)."""

from pathlib import Path
from typing import Any

from django.conf import settings

from cps_portal.sandbox.rules import MAGIC_SERIALS, PRODUCT, WARNINGS, describe_serials
from tests.api.machines import Machine
from tests.sandbox.conftest import make

GUIDE = Path(settings.BASE_DIR, "docs", "api", "sandbox.md")


def numbers(said: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["serial"] for row in said["serials"]}


def test_the_guide_has_the_table() -> None:
    assert describe_serials() in GUIDE.read_text(encoding="utf-8"), "manage.py sandbox serials prints it"


def test_a_sale_of_each_answers_what_the_table_says(shop: Machine) -> None:
    said = make(shop)
    mine = next(row for row in said["registrations"] if row["state"] == "validated")
    sale = {"product": PRODUCT, "country": mine["country"], "sold_on": mine["purchased_on"], "receipt": "1"}
    answered = {}
    for name, serial in numbers(said).items():
        answer = shop.post("sales", {**sale, "external_id": name, "serial": serial})
        seen = answer.json()
        answered[name] = seen["code"] if answer.status_code >= 400 else first_code(seen["warnings"])
        assert (answered[name] in {"", *WARNINGS}) == (answer.status_code == 201)
    assert answered == {magic.name: magic.at_sale for magic in MAGIC_SERIALS}


def test_an_intake_check_of_each_answers_what_the_table_says(workshop: Machine) -> None:
    said = make(workshop)
    answered = {}
    for name, serial in numbers(said).items():
        answer = workshop.post("intake-checks", {"centre": said["centre"], "serial": serial, "product": PRODUCT})
        seen = answer.json()
        answered[name] = first_code(seen.get("warnings", [])) if seen["code"] == "unknown" else ""
        answered[name] = answered[name] or seen["code"]
    assert answered == {magic.name: magic.at_intake for magic in MAGIC_SERIALS}


def first_code(warnings: list[dict[str, str]]) -> str:
    return next((warning["code"] for warning in warnings), "")


def test_two_partners_have_different_ones(workshop: Machine, shop: Machine) -> None:
    mine, theirs = numbers(make(workshop)), numbers(make(shop))
    made = [magic.name for magic in MAGIC_SERIALS if magic.is_made]
    assert all(mine[name] != theirs[name] for name in made)


def test_before_there_is_sample_data_only_those_for_everybody_are_listed(workshop: Machine) -> None:
    said = workshop.get("sandbox/data").json()
    assert {row["name"] for row in said["serials"]} == {magic.name for magic in MAGIC_SERIALS if not magic.is_made}
    assert said["tickets"] == said["members"] == []
