"""What partners did: noted in memory while they wait for their answer, written down soon after (R55)."""

from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.utils.dateparse import parse_datetime

from cps_portal.core.lib import buffered_counts
from cps_portal.core.partners.models import ApiCall, Credential, IdempotencyRecord

NOTED = "partners:calls"
MAX_BUFFERED_CALLS = 1_000_000  # if nobody writes them down the oldest are lost, but for the log
BATCH = 1000


def note_call(call: dict[str, Any]) -> None:
    """Buffer a call: the fields of an ApiCall. Never raises; the application log has every call, too."""
    buffered_counts.append(NOTED, orjson.dumps(call), max_length=MAX_BUFFERED_CALLS)


def write_calls() -> int:
    """Write down what was noted, and when each credential was last used. Returns how many.

    What is noted is taken away once it is written; the same request twice is written once.
    """
    total = 0
    while lines := buffered_counts.read(NOTED, BATCH):
        _write([orjson.loads(line) for line in lines.values()])
        buffered_counts.clear(NOTED, lines)
        total += len(lines)
    return total


@transaction.atomic
def _write(rows: list[dict[str, Any]]) -> None:
    known = set(Credential.objects.filter(pk__in={row["credential_id"] for row in rows}).values_list("pk", flat=True))
    calls = [ApiCall(**{**row, "at": parse_datetime(row["at"])}) for row in rows if row["credential_id"] in known]
    ApiCall.objects.bulk_create(calls, ignore_conflicts=True)
    for key in sorted(known):
        last = max((call for call in calls if call.credential_id == key), key=lambda call: call.at)
        Credential.objects.filter(pk=key).exclude(last_used_at__gte=last.at).update(
            last_used_at=last.at, last_used_from=last.address
        )


def delete_old_calls(*, at: datetime) -> int:
    """Delete what was noted past CALLS_KEPT, and the answers kept for repeated requests. Returns how many."""
    IdempotencyRecord.objects.filter(at__lt=at - settings.ANSWERS_KEPT).delete()
    old = ApiCall.objects.filter(at__lt=at - settings.CALLS_KEPT).order_by("at")
    total = 0
    while keys := list(old.values_list("pk", flat=True)[: 5 * BATCH]):
        total += ApiCall.objects.filter(pk__in=keys).delete()[0]
    return total
