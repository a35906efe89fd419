"""Read retailers.csv."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kitbag.enums import RetailerKind

RETAILERS = Path(__file__).parent / "retailers.csv"


@dataclass(frozen=True)
class RetailerRecord:
    """A row. `authorised_from` is None if the retailer is not known to be authorised."""

    country: str
    name: str
    kind: str
    authorised_from: date | None


def read_retailers(path: Path = RETAILERS) -> list[RetailerRecord]:
    """Every row. Raises ValueError with the line that cannot be read."""
    records = []
    with path.open(encoding="utf-8", newline="") as lines:
        for line, row in enumerate(csv.DictReader(lines), start=2):
            try:
                since = date.fromisoformat(row["authorised"]) if row["authorised"] else None
                records.append(RetailerRecord(row["country"], row["name"].strip(), RetailerKind(row["kind"]), since))
            except (KeyError, ValueError, AttributeError, TypeError) as error:
                raise ValueError(f"line {line}: {error}") from error
    return records
