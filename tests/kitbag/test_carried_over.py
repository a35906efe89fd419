"""Store, country and date of the last product are offered for the next one (R16, R17, R71)."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from kitbag.enums import RegistrationState
from kitbag.models import Registration
from kitbag.queries.last_purchase import CARRIED_OVER_FOR, find_last_purchase
from tests.factories import ProductFactory, draft, validated
from tests.rows import each_row
from tests.world import World

DAY = {"purchased_on_day": "12", "purchased_on_month": "9", "purchased_on_year": "2025"}
PURCHASE = {"store": "Nairobi Cameras", "country": "KE", **DAY}
OTHER = {"store": "Kisumu Photo", "country": "TR", **DAY, "purchased_on_day": "30"}
OFFERED = "Store, country and date are from your last product"


def offered(client: Client, row: Registration) -> dict[str, object]:
    """What the finish form offers, and the product that it says it is from."""
    context = client.get(reverse("kitbag:finish", args=[row.pk])).context
    form, carried = context["form"], context["carried"]
    values = {name: form[name].value() for name in ("store", "country", "purchased_on")}
    return {**values, "from": carried and carried.product.name}


def send_in(client: Client, row: Registration, serial: str, **fields: str) -> None:
    """Press the main button of the form as it is shown, with the serial number and other fields typed."""
    form = client.get(reverse("kitbag:finish", args=[row.pk])).context["form"]
    day = form["purchased_on"].value()
    parts = {"day": day.day, "month": day.month, "year": day.year} if day else {}
    shown = {"store": form["store"].value() or "", "country": form["country"].value() or ""}
    data = shown | {f"purchased_on_{part}": str(value) for part, value in parts.items()} | fields
    client.post(reverse("kitbag:finish", args=[row.pk]), {**data, "serial": serial, "carried": "1", "do": "submit"})
    row.refresh_from_db()


def test_seven_products_of_one_shop_need_store_country_and_date_once(as_ben: Client, world: World) -> None:
    rows = [draft(world.ben, ProductFactory()) for _number in range(7)]
    assert OFFERED not in as_ben.get(reverse("kitbag:finish", args=[rows[0].pk])).content.decode()
    send_in(as_ben, rows[0], "012345678900", **PURCHASE)
    for number, row in enumerate(rows[1:], start=1):
        assert offered(as_ben, row)["from"] == rows[number - 1].product.name
        send_in(as_ben, row, f"01234567890{number}")
    purchases = {(row.state, row.store, row.country.code, row.purchased_on) for row in rows}
    assert purchases == {(RegistrationState.SUBMITTED, "Nairobi Cameras", "KE", date(2025, 9, 12))}


def test_the_page_says_where_they_are_from_and_one_press_empties_them(as_ben: Client, world: World) -> None:
    first, second, third = [draft(world.ben, ProductFactory()) for _number in range(3)]
    send_in(as_ben, first, "012345678900", **PURCHASE)
    url = reverse("kitbag:finish", args=[second.pk])
    assert OFFERED in as_ben.get(url).content.decode()
    typed = {**PURCHASE, "serial": "012345678901", "carried": "1", "through": "1"}
    response = as_ben.post(url, {**typed, "do": "clear"})
    form = response.context["form"]
    assert [form[name].value() for name in ("store", "country", "serial")] == ["", "", "012345678901"]
    assert OFFERED not in response.content.decode()
    assert 'name="through"' in response.content.decode()
    send_in(as_ben, second, "012345678901", **OTHER)
    assert offered(as_ben, third) == {
        "store": "Kisumu Photo",
        "country": "TR",
        "purchased_on": date(2025, 9, 30),
        "from": second.product.name,
    }


@pytest.mark.parametrize("button", ["submit", "take", "photo"])
def test_the_page_still_says_it_after_an_error(as_ben: Client, world: World, button: str) -> None:
    first, second = [draft(world.ben, world.body) for _number in range(2)]
    send_in(as_ben, first, "012345678900", **PURCHASE)
    typed = {**PURCHASE, "serial": "O12345678901" if button == "take" else "", "carried": "1"}
    response = as_ben.post(reverse("kitbag:finish", args=[second.pk]), {**typed, "do": button})
    assert OFFERED in response.content.decode()
    assert response.context["form"]["store"].value() == "Nairobi Cameras"


@each_row(
    "saved",
    [
        {"store": "Kisumu Photo"},
        {"country": "TR"},
        DAY,
        {"store": "Kisumu Photo", **DAY},
        {"store": "Kisumu Photo", "country": "TR", **DAY},
    ],
)
def test_nothing_is_offered_where_something_is_saved(as_ben: Client, world: World, saved: dict[str, str]) -> None:
    first, second = [draft(world.ben, ProductFactory()) for _number in range(2)]
    as_ben.post(reverse("kitbag:finish", args=[second.pk]), {**saved, "do": "later"})
    send_in(as_ben, first, "012345678900", **PURCHASE)
    shown = offered(as_ben, second)
    assert shown["from"] is None
    assert shown["store"] == saved.get("store", "")


def test_it_is_offered_for_an_hour_and_to_nobody_else(as_ben: Client, world: World) -> None:
    now = timezone.now()
    row = validated(world.ben, world.pro_body, "012345678900", at=now)
    assert find_last_purchase(world.ben, now) == row
    assert find_last_purchase(world.ben, now + CARRIED_OVER_FOR - timedelta(seconds=1)) == row
    assert find_last_purchase(world.ben, now + CARRIED_OVER_FOR) is None
    assert find_last_purchase(world.ben, now - timedelta(seconds=1)) is None
    assert find_last_purchase(world.ana, now) is None
