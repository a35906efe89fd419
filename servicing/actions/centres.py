"""Load the service centres and carriers that come with the portal."""

import csv
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from cps_portal.core.lib.translations import as_translations, read_texts
from servicing.enums import CentreStatus
from servicing.models import CardRule, Carrier, ServiceCentre, WarrantyPeriod

REFERENCE = Path(__file__).parent.parent / "reference"
CENTRES_FILE, CARRIERS_FILE = REFERENCE / "centres.csv", REFERENCE / "carriers.csv"
CITIES_FILE = REFERENCE / "cities.csv"  # as each language calls them
NOTICES_FILE = REFERENCE / "notices.csv"
WARRANTY_FILE = REFERENCE / "warranty_periods.csv"
CARD_RULES_FILE = REFERENCE / "card_rules.csv"


SUSPENDED_NOTICE = "This centre isn’t accepting work at the moment. Choose another centre, or contact us."


@transaction.atomic
def load_centres() -> tuple[int, int]:
    """Add the centres that are missing (R42). Existing ones are left alone, because staff edit them.

    Returns how many were added and how many left alone.
    """
    cities, notices = read_texts(CITIES_FILE), read_texts(NOTICES_FILE)
    with CENTRES_FILE.open(encoding="utf-8", newline="") as file:
        centres = [
            ServiceCentre(
                slug=row["slug"],
                name=row["name"],
                kind=row["kind"],
                country=row["country"],
                city=row["city"],
                street=row["street"],
                postal_code=row["postal_code"],
                phone=row["phone"],
                email=row["email"],
                address_is_sample=True,
                collects=row["collects"] == "yes",
                currency=row["currency"],
                tax_percent=Decimal(row["tax_percent"]),
                latitude=Decimal(row["latitude"]),
                longitude=Decimal(row["longitude"]),
                zone=row["zone"],
                hours=row["hours"],
                subdivision=row["subdivision"],
                holiday_categories=row["holidays"].split(),
                languages=row["languages"].split(),
                translations=as_translations(
                    city=cities.get(row["city"]), notice=notices.get(_notice_of(CentreStatus(row["status"])))
                ),
                services=row["services"].split(),
                shelves=row["shelves"].split(),
                programme=row["programme"],
                status=row["status"],
                notice=_notice_of(CentreStatus(row["status"])),
                sample=row["basis"] == "sample",
            )
            for row in csv.DictReader(file)
        ]
    before = ServiceCentre.objects.count()
    ServiceCentre.objects.bulk_create(centres, ignore_conflicts=True)
    added = ServiceCentre.objects.count() - before
    return added, len(centres) - added


def _notice_of(status: CentreStatus) -> str:
    return SUSPENDED_NOTICE if status == CentreStatus.SUSPENDED else ""


def load_carriers() -> int:
    """Add the carriers that are missing (R61); existing ones are left alone, because staff edit them.

    Returns how many were added.
    """
    with CARRIERS_FILE.open(encoding="utf-8", newline="") as file:
        carriers = [
            Carrier(slug=row["slug"], name=row["name"], link=row["link"], sample=row["basis"] == "sample")
            for row in csv.DictReader(file)
        ]
    before = Carrier.objects.count()
    Carrier.objects.bulk_create(carriers, ignore_conflicts=True)
    return Carrier.objects.count() - before


def load_warranty_periods() -> int:
    """Add the warranty periods that are missing (R60); existing ones are left alone, because staff edit them.

    Returns how many were added.
    """
    with WARRANTY_FILE.open(encoding="utf-8", newline="") as file:
        periods = [
            WarrantyPeriod(
                shelf=row["shelf"], country=row["country"], months=row["months"], sample=row["basis"] == "sample"
            )
            for row in csv.DictReader(file)
        ]
    before = WarrantyPeriod.objects.count()
    WarrantyPeriod.objects.bulk_create(periods, ignore_conflicts=True)
    return WarrantyPeriod.objects.count() - before


def load_card_rules() -> int:
    """Add the card rules of regions that have none (R5); existing ones are left alone, because staff edit them.

    Returns how many were added.
    """
    with CARD_RULES_FILE.open(encoding="utf-8", newline="") as file:
        rules = [
            CardRule(
                region=row["region"],
                check_on_card=row["check_on_card"],
                what_they_get=row["what_they_get"],
                sample=row["basis"] == "sample",
            )
            for row in csv.DictReader(file)
        ]
    before = CardRule.objects.count()
    CardRule.objects.bulk_create(rules, ignore_conflicts=True)
    return CardRule.objects.count() - before
