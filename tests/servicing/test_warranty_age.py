"""How long the warranty lasts is data, and the centre that decides knows the age (R60)."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from kitbag.enums import Shelf
from kitbag.models import Registration
from servicing.actions.centres import load_warranty_periods
from servicing.enums import Warranty
from servicing.models import ServiceCentre, Ticket, WarrantyPeriod
from servicing.rules.warranty import is_over, warranty_until
from tests.admin.conftest import signed_in
from tests.servicing.jobs import HOUR, a_centre, a_request
from tests.servicing.test_desk import page, works_at
from tests.world import World


def test_the_last_day_is_the_same_day_of_the_month() -> None:
    """R60: (bought, months, last day)."""
    table = [
        (date(2024, 3, 2), 24, date(2026, 3, 2)),
        (date(2024, 3, 2), 12, date(2025, 3, 2)),
        (date(2024, 12, 31), 12, date(2025, 12, 31)),
        (date(2024, 12, 31), 1, date(2025, 1, 31)),
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2024, 8, 31), 6, date(2025, 2, 28)),
        (date(2024, 11, 30), 3, date(2025, 2, 28)),
        (date(2024, 11, 30), 120, date(2034, 11, 30)),
    ]
    assert [row for row in table if warranty_until(row[0], row[1]) != row[2]] == []


def test_it_is_over_after_its_last_day_only() -> None:
    """R60."""
    last = date(2026, 3, 2)
    table = [(last, last, False), (last, last - timedelta(1), False), (last, last + timedelta(1), True)]
    assert [row for row in [*table, (None, last, False)] if is_over(row[0], row[1]) != row[2]] == []


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


def ask(world: World, centre: ServiceCentre, *, years_ago: int, warranty: bool = True, serial: str) -> Ticket:
    ticket_at = timezone.now() - HOUR
    Registration.objects.filter(member=world.ana).update(
        purchased_on=(ticket_at - timedelta(days=365 * years_ago + 40)).date()
    )
    return a_request(world, centre, serial, at=ticket_at, warranty=warranty, wish="standard")


def test_the_period_of_the_country_of_purchase_goes_before_that_of_all_others(
    world: World, centre: ServiceCentre
) -> None:
    """R60: frozen when it is asked for; nothing without a period, or if no warranty is asked for."""
    first = ask(world, centre, years_ago=1, serial="012345678901")
    assert (first.warranty_months, first.warranty_until) == (None, None)
    general = WarrantyPeriod.objects.create(shelf=Shelf.BODIES, months=24)
    second = ask(world, centre, years_ago=1, serial="012345678902")
    bought = second.registration.purchased_on if second.registration else None
    assert bought is not None
    assert (second.warranty_months, second.warranty_until) == (24, warranty_until(bought, 24))
    country = second.registration.country.code if second.registration else ""
    WarrantyPeriod.objects.create(shelf=Shelf.BODIES, country=country, months=12)
    third = ask(world, centre, years_ago=1, serial="012345678903")
    assert third.warranty_months == 12
    general.delete()
    second.refresh_from_db()
    assert second.warranty_months == 24
    assert ask(world, centre, years_ago=1, warranty=False, serial="012345678904").warranty_months is None


def test_the_desk_sees_the_age_and_expired_is_only_proposed(
    world: World, centre: ServiceCentre, groups: dict[str, Group], as_ana: Client
) -> None:
    """R60: nothing is decided before the centre decides, on neither side."""
    WarrantyPeriod.objects.create(shelf=Shelf.BODIES, months=1)
    ticket = ask(world, centre, years_ago=0, serial="012345678901")
    Ticket.objects.filter(pk=ticket.pk).update(warranty_until=timezone.localdate() - timedelta(days=3))
    desk = signed_in(works_at(centre, groups))
    answer = desk.get(page(ticket))
    text = answer.content.decode()
    assert "Warranty of 1 month, until" in text
    form = {name: form for name, _button, form, _open in answer.context["steps"]}["decide_warranty"]
    assert form.initial["why"] == "expired"
    ticket.refresh_from_db()
    assert ticket.warranty == Warranty.ASKED
    mine = as_ana.get(ticket.get_absolute_url()).content.decode()
    assert "To be decided by the centre" in mine
    for word in ("Chargeable", "In warranty", "The warranty period is over"):
        assert word not in mine, word


def test_the_periods_that_come_with_the_portal_are_marked_as_samples_and_left_alone(world: World) -> None:
    """R60."""
    assert load_warranty_periods() == WarrantyPeriod.objects.count() > len(Shelf)
    assert not WarrantyPeriod.objects.filter(sample=False).exists()
    WarrantyPeriod.objects.filter(shelf=Shelf.BODIES, country="").update(months=36, sample=False)
    assert load_warranty_periods() == 0
    assert WarrantyPeriod.objects.get(shelf=Shelf.BODIES, country="").months == 36
