"""An estimate as a PDF, for the customer's own books (R62)."""

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from servicing.models import Estimate, Ticket
from servicing.presenters.money import format_money, format_quantity
from servicing.presenters.paper import INNER, MUTED, Paper

AMOUNT_WIDTH = INNER / 4
TEXT_WIDTH = INNER - AMOUNT_WIDTH


def estimate_paper(ticket: Ticket, estimate: Estimate) -> bytes:
    """The lines, tax and total of an estimate, with what it is for and until when it is valid."""
    params = {"reference": ticket.reference_in_groups, "number": estimate.number}
    paper = Paper(_("Estimate %(reference)s/%(number)s") % params)
    paper.line(_("Estimate"), size=22)
    paper.line(_("Job %(reference)s, estimate %(number)s") % params, ink=MUTED)
    paper.space(8)
    for text in ticket.centre.address.label_lines:
        paper.line(text)
    paper.space(8)
    paper.line(ticket.product.name, size=13)
    if ticket.serial:
        paper.line(_("Serial number %(serial)s") % {"serial": ticket.serial})
    valid_until = date_format(estimate.valid_until, "j F Y")
    sent = date_format(ticket.centre.today(estimate.sent_at), "j F Y")
    dates = [_("Sent %(day)s") % {"day": sent}, _("Valid until %(day)s") % {"day": valid_until}]
    paper.line(" · ".join([str(estimate.get_state_display()), *dates]), ink=MUTED)
    if estimate.note:
        paper.space(6)
        paper.text(estimate.note)
    paper.rule()
    for line in estimate.lines.all():
        paper.require_height(60)
        quantity = f"{format_quantity(line.quantity)} × " if line.quantity != 1 else ""
        _row(paper, f"{quantity}{line.label}", format_money(line.net, estimate.currency))
    paper.require_height(80)
    paper.rule()
    _row(paper, _("Net"), format_money(estimate.net, estimate.currency))
    _row(paper, _("Tax"), format_money(estimate.tax, estimate.currency))
    _row(paper, _("Total"), format_money(estimate.total, estimate.currency), size=14)
    return paper.bytes()


def _row(paper: Paper, text: str, amount: str, *, size: float = 10) -> None:
    top = paper.y
    paper.text(text, size=size, wide=TEXT_WIDTH)
    bottom, paper.y = paper.y, top
    paper.amount(amount, size=size, wide=AMOUNT_WIDTH)
    paper.y = min(bottom, paper.y)
