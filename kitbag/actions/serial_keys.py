"""Compare stored serial keys with what the rules make of the serial numbers, after a change of the rules (R28)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, models, transaction

from kitbag import rules


@dataclass
class SerialKeyReport:
    """How many rows were compared and how many keys differed. A person has to look at the `colliding` rows.

    Those keep their old key, because another row has the new one, or no key can be made.
    """

    compared: int = 0
    differing: int = 0
    colliding: list[models.Model] = field(default_factory=list)


def recompute_serial_keys(*, rows: Iterable[Any], serial_field: str = "serial", save: bool) -> SerialKeyReport:
    """Store the key of every row whose `serial_key` is not that of its serial number; with `save=False` only compare.

    Idempotent. Each row is a transaction of its own, so that one that collides does not stop the others.
    """
    report = SerialKeyReport()
    for row in rows:
        report.compared += 1
        serial = getattr(row, serial_field)
        key = rules.serial_key(serial) or None
        if key == row.serial_key or not serial:
            continue
        report.differing += 1
        if save and not _saved(row, key):
            report.colliding.append(row)
    return report


def _saved(row: Any, key: str | None) -> bool:
    row.serial_key = key
    try:
        with transaction.atomic():
            row.save(update_fields=["serial_key"])
    except IntegrityError:
        return False
    return True
