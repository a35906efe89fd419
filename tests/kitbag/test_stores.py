"""Shops and where kit was bought: R24, R60."""

from datetime import date
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from kitbag.actions import retailers
from kitbag.catalogue.retailers_reader import read_retailers
from kitbag.enums import RegistrationState, ShopStatus
from kitbag.models import AuthorisedPeriod, Registration, Retailer
from tests.factories import draft
from tests.world import World

pytestmark = pytest.mark.django_db
DAY = date(2024, 5, 1)


def shop(name: str, country: str = "ZA", *periods: tuple[date, date | None]) -> Retailer:
    row = Retailer.objects.create(name=name, country=country)
    for begins, ends in periods:
        AuthorisedPeriod.objects.create(retailer=row, begins_on=begins, ends_on=ends)
    return row


def test_the_shipped_shops_load_once_and_keep_changes_by_staff(tmp_path: Path) -> None:
    call_command("load_retailers", verbosity=0)
    assert Retailer.objects.count() == 139 == len(read_retailers())
    Retailer.objects.filter(name="Orms").update(kind="online", sample=False)
    AuthorisedPeriod.objects.all().delete()
    assert retailers.load_retailers(retailers=read_retailers()) == (0, 139)
    assert Retailer.objects.get(name="Orms").kind == "online"
    assert not AuthorisedPeriod.objects.exists()
    bad = tmp_path / "bad.csv"
    bad.write_text("country,name,kind,authorised\nZA,X,castle,2000-01-01\n")
    with pytest.raises(ValueError, match="line 2"):
        read_retailers(bad)


def test_whether_a_shop_was_authorised_on_the_day(world: World) -> None:
    shop("Alpha Cameras", "ZA", (date(2020, 1, 1), date(2024, 1, 1)), (date(2025, 1, 1), None))
    assert retailers.shop_status(" alpha  cameras", "ZA", date(2023, 12, 31)) == ShopStatus.AUTHORISED
    assert retailers.shop_status("Alpha Cameras", "ZA", date(2024, 1, 1)) == ShopStatus.NOT_AUTHORISED
    assert retailers.shop_status("Alpha Cameras", "KE", DAY) == ShopStatus.UNKNOWN
    assert retailers.shop_status("", "ZA", DAY) == ShopStatus.NOT_SAID
    assert retailers.suggest_retailers("ZA", date(2025, 1, 1)) == ["Alpha Cameras"]
    assert retailers.suggest_retailers("ZA", DAY) == []


def test_the_store_field_suggests_and_takes_any_text(world: World, as_ben: Client) -> None:
    shop("Nairobi Optics", "KE", (date(2000, 1, 1), None))
    shop("Cape Optics", "ZA", (date(2000, 1, 1), None))
    row = draft(world.ben, world.pro_body)
    page = as_ben.get(f"/kitbag/{row.pk}/finish/").content.decode()
    assert '<option value="Nairobi Optics">' in page
    assert "Cape Optics" not in page
    details = {
        "serial": "483920176534",
        "country": "ZA",
        "store": "my uncle",
        "purchased_on_day": "1",
        "purchased_on_month": "5",
        "purchased_on_year": "2024",
    }
    note = as_ben.get("/kitbag/add/country/", details, headers={"HX-Request": "true"}).content.decode()
    assert '<option value="Cape Optics">' in note
    assert "private seller" in note
    as_ben.post(f"/kitbag/{row.pk}/finish/", {**details, "do": "submit"})
    assert Registration.objects.get(pk=row.pk).state == RegistrationState.SUBMITTED


def test_the_store_never_causes_a_review_but_staff_see_it(world: World, as_ben: Client) -> None:
    def note(**typed: str) -> str:
        return as_ben.get("/kitbag/add/country/", typed).content.decode()

    shop("Alpha Cameras", "KE")
    assert "has no local warranty" in note(country="JP", store="Akiba")
    assert "wasn’t authorised on that day" in note(country="KE", store="alpha cameras")
    assert "alert" not in note(country="XX\x00", store="\x00", purchased_on_day="99")
