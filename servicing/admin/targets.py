"""The turnaround report: targets met as a table and a chart, for the centres the user may see (R44)."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from members.models import User
from servicing.models import ServiceCentre, Ticket
from servicing.queries.targets import bars, months_back, repeat_rates, targets


def targets_context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """The template context. `centre` in the query string limits it to one centre."""
    user: Any = request.user
    worker: User = user
    months = months_back(timezone.localdate(now))
    centres = list(ServiceCentre.objects.seen_by(worker).order_by("name").values_list("pk", "name"))
    centre = request.GET.get("centre", "")
    chosen = next((key for key, _name in centres if str(key) == centre), None)
    tickets = Ticket.objects.seen_by(worker)
    shown = tickets.filter(centre=chosen) if chosen else tickets
    rows = targets(shown, months[0])
    jobs = sum(row.jobs for row in rows)
    met = sum(row.met for row in rows)
    return {
        "rows": rows,
        "bars": bars(rows, months),
        "centres": centres,
        "chosen": chosen,
        "repeat_rates": repeat_rates(shown, months[0]),
        "jobs": jobs,
        "met": met,
        "percent": round(100 * met / jobs) if jobs else 0,
    }
