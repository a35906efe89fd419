"""The centres that are shipped."""

import csv
from datetime import time
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from servicing.enums import CentreStatus
from servicing.models import ServiceCentre

CENTRES = Path(__file__).parent.parent / "reference" / "centres.csv"


SUSPENDED = "It takes no work at the moment. Choose another centre, or contact us."
SHIPPED_LATER = ["zone", "weekdays", "opens", "closes", "services", "shelves"]


@transaction.atomic
def load_centres() -> tuple[int, int]:
    """Add the centres that are missing (R42). Those that are there stay: staff keep status and notice.

    Returns how many were added and how many left alone.
    """
    with CENTRES.open(encoding="utf-8", newline="") as file:
        centres = [
            ServiceCentre(
                slug=row["slug"],
                name=row["name"],
                kind=row["kind"],
                country=row["country"],
                city=row["city"],
                latitude=Decimal(row["latitude"]),
                longitude=Decimal(row["longitude"]),
                zone=row["zone"],
                weekdays=[int(day) for day in row["weekdays"].split()],
                opens=time.fromisoformat(row["opens"]),
                closes=time.fromisoformat(row["closes"]),
                services=row["services"].split(),
                shelves=row["shelves"].split(),
                programme=row["programme"],
                status=row["status"],
                notice=SUSPENDED if row["status"] == CentreStatus.SUSPENDED else "",
                sample=row["basis"] == "sample",
            )
            for row in csv.DictReader(file)
        ]
    before = ServiceCentre.objects.count()
    ServiceCentre.objects.bulk_create(centres, ignore_conflicts=True)
    _complete(centres)
    added = ServiceCentre.objects.count() - before
    return added, len(centres) - added


def _complete(shipped: list[ServiceCentre]) -> None:
    """Fill in what centres from before lack: nobody can send anything to one that does nothing."""
    lacking = {centre.name: centre for centre in ServiceCentre.objects.filter(services=[])}
    for centre in shipped:
        if found := lacking.get(centre.name):
            for name in SHIPPED_LATER:
                setattr(found, name, getattr(centre, name))
    ServiceCentre.objects.bulk_update(lacking.values(), SHIPPED_LATER)
