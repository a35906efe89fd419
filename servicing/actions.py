"""Everything that writes for the service centres."""

import csv
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from servicing.models import ServiceCentre

CENTRES = Path(__file__).parent / "reference" / "centres.csv"


@transaction.atomic
def load_centres() -> tuple[int, int]:
    """Add the centres that are missing (R42). Those that are there stay: staff keep status and notice.

    Returns how many were added and how many left alone.
    """
    with CENTRES.open(encoding="utf-8", newline="") as file:
        centres = [
            ServiceCentre(
                name=row["name"],
                kind=row["kind"],
                country=row["country"],
                city=row["city"],
                latitude=Decimal(row["latitude"]),
                longitude=Decimal(row["longitude"]),
                programme=row["programme"],
                status=row["status"],
                sample=row["basis"] == "sample",
            )
            for row in csv.DictReader(file)
        ]
    before = ServiceCentre.objects.count()
    ServiceCentre.objects.bulk_create(centres, ignore_conflicts=True)
    added = ServiceCentre.objects.count() - before
    return added, len(centres) - added
