"""Targets met, as a table and a chart (R44): of the own centre, or of all of them."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from members.models import User
from servicing.models import ServiceCentre, Ticket
from servicing.queries.targets import bars, months_back, targets


def targets_context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """What the page shows; `centre` in the address narrows it to one."""
    user: Any = request.user
    by: User = user
    months = months_back(timezone.localdate(now))
    centres = list(ServiceCentre.objects.seen_by(by).order_by("name").values_list("pk", "name"))
    wanted = request.GET.get("centre", "")
    chosen = next((key for key, _name in centres if str(key) == wanted), None)
    tickets = Ticket.objects.seen_by(by)
    rows = targets(tickets.filter(centre=chosen) if chosen else tickets, months[0])
    jobs = sum(row.jobs for row in rows)
    met = sum(row.met for row in rows)
    return {
        "rows": rows,
        "bars": bars(rows, months),
        "centres": centres,
        "chosen": chosen,
        "jobs": jobs,
        "met": met,
        "percent": round(100 * met / jobs) if jobs else 0,
    }
