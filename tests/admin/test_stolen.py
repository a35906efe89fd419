"""Admin pages of stolen reports, handovers and shops (R24, R34, R54)."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from kitbag.actions import stolen_reports
from kitbag.models import AuthorisedPeriod, Registration, Retailer, StolenReport
from tests.admin.conftest import signed_in
from tests.world import World

pytestmark = pytest.mark.django_db
LIST = "/admin/kitbag/stolenreport/"


def staff_of(world: World, groups: dict[str, Group], name: str) -> Client:
    world.staff.groups.add(groups[name])
    return signed_in(world.staff)


def test_support_reports_and_lifts_with_a_reason(world: World, groups: dict[str, Group]) -> None:
    desk = staff_of(world, groups, "Support")
    facts = {"product": world.body.pk, "serial": "0077 1234", "police_reference": "P 1", "stolen_on": "", "note": ""}
    assert desk.post(f"{LIST}add/", {**facts, "serial": "--"}).status_code == 422
    assert desk.post(f"{LIST}add/", facts).status_code == 302
    report = StolenReport.objects.get()
    again = desk.post(f"{LIST}add/", facts)
    assert "already been reported as stolen" in again.content.decode()
    assert "Lift the report" in desk.get(f"{LIST}{report.pk}/change/").content.decode()
    assert desk.post(f"{LIST}{report.pk}/lift/", {"reason": ""}).status_code == 422
    assert desk.post(f"{LIST}{report.pk}/lift/", {"reason": "Found"}).status_code == 302
    report.refresh_from_db()
    assert (report.lifted_by, report.lifted_because) == (world.staff, "Found")


def test_other_staff_neither_report_nor_lift(world: World, groups: dict[str, Group]) -> None:
    row = Registration.objects.get(member=world.ana, product=world.pro_body)
    report = stolen_reports.report_own(
        registration=row, police_reference="CR 1", stolen_on=None, note="", by=world.ana.user, at=timezone.now()
    )
    desk = staff_of(world, groups, "Programme")
    for address in (LIST, f"{LIST}add/", f"{LIST}{report.pk}/lift/", f"{LIST}{report.pk}/change/"):
        assert desk.get(address).status_code == 403, address
    assert desk.post(f"{LIST}{report.pk}/lift/", {"reason": "x"}).status_code == 403


def test_the_programme_group_changes_shops_with_their_periods(world: World, groups: dict[str, Group]) -> None:
    desk = staff_of(world, groups, "Programme")
    shop = Retailer.objects.create(name="Alpha Cameras", country="ZA")
    fields = {
        "name": "Alpha Cameras",
        "country": "ZA",
        "kind": "online",
        "periods-TOTAL_FORMS": "1",
        "periods-INITIAL_FORMS": "0",
        "periods-0-begins_on": "2020-01-01",
        "periods-0-ends_on": "",
    }
    assert desk.post(f"/admin/kitbag/retailer/{shop.pk}/change/", fields).status_code == 302
    shop.refresh_from_db()
    assert (shop.kind, AuthorisedPeriod.objects.get().retailer) == ("online", shop)
