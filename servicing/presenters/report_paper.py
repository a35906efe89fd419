"""The service report as a PDF (R64)."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from reportlab.lib.units import mm

from members.addresses import phone_in_groups
from servicing.models import ServiceReport, Ticket
from servicing.presenters.paper import INNER, MARGIN, MUTED, Paper
from servicing.queries.cover import covered_until
from servicing.rules.clock import Clock

NAME_WIDTH = INNER / 3


def report_paper(ticket: Ticket, report: ServiceReport, clock: Clock, owner: str) -> bytes:
    """What was done, with parts and measurements; the dates, until when it is covered, and who did it."""
    paper = Paper(_("Service report %(reference)s") % {"reference": ticket.reference_in_groups})
    paper.line(_("Service report"), size=22)
    paper.text(ticket.product.name, size=13)
    paper.space(3 * mm)
    for name, text in _facts(ticket, report, clock, owner):
        _pair(paper, name, text)
    for title, lines in (
        (_("What was done"), report.done.splitlines()),
        (_("Parts used"), report.part_lines),
        (_("Measured"), report.note_lines),
    ):
        if not lines:
            continue
        paper.require_height(24 * mm)
        paper.rule()
        paper.space(2 * mm)
        paper.line(title, size=13)
        paper.space(1 * mm)
        for line in lines:
            paper.require_height(8 * mm)
            paper.text(line)
    paper.require_height(24 * mm)
    paper.rule()
    paper.space(2 * mm)
    signed = [report.technician, ticket.centre.name, date_format(ticket.centre.today(report.at), "j F Y")]
    paper.text(", ".join(part for part in signed if part))
    return paper.bytes()


def _facts(ticket: Ticket, report: ServiceReport, clock: Clock, owner: str) -> list[tuple[str, str]]:
    until = covered_until(ticket)
    centre = ticket.centre
    days = ngettext("%(n)s of %(target)s day", "%(n)s of %(target)s days", clock.target_days) % {
        "n": clock.elapsed_days,
        "target": clock.target_days,
    }
    covered = _("%(day)s. The same fault again: no charge.") % {"day": date_format(until, "j F Y")} if until else ""
    facts = [
        (_("Job"), ticket.reference_in_groups),
        (_("Serial number"), ticket.serial),
        (_("Owner"), owner),
        (_("Centre"), f"{centre.name}, {phone_in_groups(centre.phone)}" if centre.phone else centre.name),
        (_("Service"), ticket.get_service_display()),
        (_("Booked in"), _day(ticket, ticket.booked_in_at)),
        (_("Ready"), _day(ticket, ticket.ready_at)),
        (_("Time with us"), days if clock.stopped_at else ""),
        (_("Covered until"), covered),
        (_("Technician"), report.technician),
    ]
    return [(str(name), str(text)) for name, text in facts if text]


def _day(ticket: Ticket, at: datetime | None) -> str:
    return date_format(ticket.centre.today(at), "j F Y") if at else ""


def _pair(paper: Paper, name: str, text: str) -> None:
    """A name in small type, and beside it a text of one or more lines."""
    top = paper.y
    paper.line(name, size=9, ink=MUTED, wide=NAME_WIDTH)
    paper.y = top
    paper.text(text, x=MARGIN + NAME_WIDTH, wide=INNER - NAME_WIDTH)
