"""The log of API calls: buffered in Redis during the request, written to the database by a periodic task (R55)."""

from typing import Any

import orjson
from django.db import transaction
from django.utils.dateparse import parse_datetime

from cps_portal.core.lib import buffered_counts
from cps_portal.core.partners.models import ApiCall, Credential

CALLS_BUFFER = "partners:calls"
MAX_BUFFERED_CALLS = 1_000_000  # if the task does not run, older calls are only in the application log
WRITE_BATCH = 1000


def log_call(call: dict[str, Any]) -> None:
    """Buffer a call: the fields of an ApiCall. Never raises; the application log has every call, too."""
    buffered_counts.append(CALLS_BUFFER, orjson.dumps(call), max_length=MAX_BUFFERED_CALLS)


def write_buffered_calls() -> int:
    """Write the buffered calls, and when each credential was last used. Returns how many.

    Lines are deleted after they are written, so a crash between the two repeats them: request_id is unique, and
    repeated calls are ignored.
    """
    total = 0
    while lines := buffered_counts.read(CALLS_BUFFER, WRITE_BATCH):
        _write([orjson.loads(line) for line in lines.values()])
        buffered_counts.clear(CALLS_BUFFER, lines)
        total += len(lines)
    return total


@transaction.atomic
def _write(rows: list[dict[str, Any]]) -> None:
    used = {row["credential_id"] for row in rows}
    existing = set(Credential.objects.filter(pk__in=used).values_list("pk", flat=True))
    calls = [ApiCall(**{**row, "at": parse_datetime(row["at"])}) for row in rows if row["credential_id"] in existing]
    ApiCall.objects.bulk_create(calls, ignore_conflicts=True)
    for key in sorted(existing):
        last = max((call for call in calls if call.credential_id == key), key=lambda call: call.at)
        Credential.objects.filter(pk=key).exclude(last_used_at__gte=last.at).update(
            last_used_at=last.at, last_used_from=last.address
        )
