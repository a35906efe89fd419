"""The service report as a PDF (R64)."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cps_portal.core.lib.lists import with_commas
from cps_portal.core.lib.pdf import PreparedPdf, prepare_pdf
from cps_portal.core.lib.print_text import isolated
from cps_portal.core.lib.text import latin_digits
from cps_portal.core.lib.written_dates import date_format
from kitbag.presenters.drawings import drawing_svg
from members.addresses import phone_in_groups
from servicing.models import ServiceReport, Ticket
from servicing.queries.cover import covered_until
from servicing.rules.clock import Clock

MAX_NAME_LENGTH = 60  # letters of what was measured, before a colon


def report_paper(ticket: Ticket, report: ServiceReport, clock: Clock, owner: str) -> PreparedPdf:
    """What was done, with parts and measurements; the dates, until when it is covered, and who did it."""
    title = _("Service report %(reference)s") % {"reference": ticket.reference_in_groups}
    centre = ticket.centre
    signed = [isolated(report.technician), isolated(centre.name), date_format(centre.today(report.at), "j F Y")]
    return prepare_pdf(
        "service-report",
        {
            "title": title,
            "heading": _("Service report"),
            "bar": [_("Job %(reference)s") % {"reference": ticket.reference_in_groups}, centre.name],
            "lead": ticket.product.name,
            "drawing_svg": drawing_svg(ticket.product),
            "facts": _facts(ticket, clock),
            "done_title": _("What was done"),
            "done": [line for line in report.done.splitlines() if line.strip()],
            "parts_title": _("Parts used"),
            "parts": report.part_lines,
            "measured_title": _("Measured"),
            "measured": [_pair(line) for line in report.note_lines],
            "product_title": _("The product"),
            "product": _product(ticket, report, owner),
            "signatures": [with_commas(signed), _("Quality check")],
            "foot": with_commas([title, isolated(ticket.product.name), isolated(latin_digits(ticket.serial))]),
        },
    )


def _facts(ticket: Ticket, clock: Clock) -> list[dict[str, object]]:
    days = ngettext("%(n)s of %(target)s day", "%(n)s of %(target)s days", clock.target_days) % {
        "n": clock.elapsed_days,
        "target": clock.target_days,
    }
    moments = [
        _("Booked in %(day)s.") % {"day": _day(ticket, ticket.booked_in_at)} if ticket.booked_in_at else "",
        _("Ready %(day)s.") % {"day": _day(ticket, ticket.ready_at)} if ticket.ready_at else "",
    ]
    until = covered_until(ticket)
    facts: list[dict[str, object]] = [
        {
            "name": _("Job"),
            "value": ticket.reference_in_groups,
            "big": True,
            "note": str(ticket.get_service_display()),
        },
        {
            "name": _("Time with us"),
            "value": days if clock.stopped_at else "–",
            "note": " ".join(filter(None, moments)),
        },
    ]
    if until:
        day = date_format(until, "j F Y")
        facts.append({"name": _("Covered until"), "value": day, "note": _("The same fault again: no charge.")})
    return facts


def _product(ticket: Ticket, report: ServiceReport, owner: str) -> list[dict[str, object]]:
    centre = ticket.centre
    rows: list[dict[str, object]] = [
        {"name": _("Serial number"), "value": latin_digits(ticket.serial), "code": True},
        {"name": _("Owner"), "value": owner},
        {
            "name": _("Centre"),
            "value": "\n".join(filter(None, [centre.name, phone_in_groups(centre.phone)])),
        },
        {"name": _("Technician"), "value": report.technician},
    ]
    return [row for row in rows if row["value"]]


def _pair(line: str) -> dict[str, str]:
    """A line such as "Focus at 70 mm: 0, was -1" as name and value; one without a colon has no name."""
    name, colon, value = line.partition(":")
    if not (colon and value.strip() and len(name) <= MAX_NAME_LENGTH):
        return {"name": "", "value": line}
    return {"name": name.strip(), "value": value.strip()}


def _day(ticket: Ticket, at: datetime) -> str:
    return date_format(ticket.centre.today(at), "j F Y")
