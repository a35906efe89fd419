"""An estimate as a PDF, for the customer's own books (R62)."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from cps_portal.core.lib.money import format_money, format_quantity
from cps_portal.core.lib.pdf import PreparedPdf, prepare_pdf
from cps_portal.core.lib.text import latin_digits
from cps_portal.core.lib.written_dates import date_format
from kitbag.presenters.drawings import drawing_svg
from servicing.models import Estimate, Ticket


def estimate_paper(ticket: Ticket, estimate: Estimate) -> PreparedPdf:
    """The lines, tax and total of an estimate, with what it is for and until when it is valid."""
    params = {"reference": ticket.reference_in_groups, "number": estimate.number}
    title = _("Estimate %(reference)s/%(number)s") % params
    centre = ticket.centre
    state = str(estimate.get_state_display())
    total = format_money(estimate.total, estimate.currency)
    product: list[dict[str, object]] = [
        {"name": _("Product"), "value": ticket.product.name},
        {"name": _("Serial number"), "value": latin_digits(ticket.serial), "code": True},
        {"name": pgettext("kind of service", "Service"), "value": ticket.get_service_display()},
    ]
    return prepare_pdf(
        "estimate",
        {
            "title": title,
            "bar": [_("Job %(reference)s") % params, centre.name],
            "heading": _("Estimate"),
            "lead": ticket.product.name,
            "drawing_svg": drawing_svg(ticket.product),
            "facts": [
                {
                    "name": _("Job"),
                    "value": ticket.reference_in_groups,
                    "big": True,
                    "note": _("Estimate %(number)s, %(state)s") % {**params, "state": state},
                },
                {
                    "name": _("Valid until"),
                    "value": date_format(estimate.valid_until, "j F Y"),
                    "note": _("Sent %(day)s") % {"day": date_format(centre.today(estimate.sent_at), "j F Y")},
                },
                {"name": _("Total"), "value": total, "big": True},
            ],
            "notes_title": _("What we found"),
            "notes": estimate.note.splitlines(),
            "head": [_("Work and parts"), _("Quantity"), _("Amount")],
            "rows": [
                {
                    "name": line.label,
                    "quantity": format_quantity(line.quantity) if line.net >= 0 else "",
                    "amount": format_money(line.net, estimate.currency),
                    "less": line.net < 0,
                }
                for line in estimate.lines.all()
            ],
            "sums": [
                {"name": _("Net"), "amount": format_money(estimate.net, estimate.currency)},
                {"name": _("Tax"), "amount": format_money(estimate.tax, estimate.currency)},
            ],
            "total": {"name": _("Total"), "amount": total},
            "centre_title": _("The centre"),
            "centre": centre.address.label_lines,
            "product_title": _("The product"),
            "product": [row for row in product if row["value"]],
            "foot": title,
        },
    )
