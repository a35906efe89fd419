"""The membership card as PDFs: in its own size, and on A4 to be cut out and folded (R41)."""

from typing import Any

from django.utils.translation import gettext as _

from cps_portal.core.lib.pdf import PreparedPdf, prepare_pdf, squares_svg
from cps_portal.core.lib.written_dates import date_format
from members.enums import Level
from members.models import Member
from members.offers.models import Card
from members.offers.presenters import qr


def as_pdf(card: Card, member: Member) -> PreparedPdf:
    """Front and back, each a page of 85.6 by 54 mm, for card printers. The level is that of today."""
    return prepare_pdf("card", {"title": _("Membership card"), **_both_sides(card, member)})


def as_pdf_to_cut(card: Card, member: Member) -> PreparedPdf:
    """One A4 page, to be cut out and folded."""
    return prepare_pdf(
        "card-a4",
        {
            **_both_sides(card, member),
            "title": _("Your card, to print and fold"),
            "bar": [member.full_name, member.number_in_groups],
            "lead": _("The same code as on your phone. If you lose it, report it under Card and print a new one."),
            "steps": [
                _("Print it at 100 %, not “fit to page”. The card is 85.6 by 54 mm."),
                _("Cut along the outer edges of the card, fold it in the middle, glue it."),
                _("Scan the code to try it: it opens the page that shows whether your card is valid."),
            ],
            "foot": _("Membership card to print"),
        },
    )


def _both_sides(card: Card, member: Member) -> dict[str, Any]:
    return {
        "author": member.full_name,
        "level": member.level,
        "level-name": str(Level(member.level).label),
        "since": _("Member since %(year)s") % {"year": date_format(member.joined_at, "Y")},
        "name": member.full_name,
        "number": member.number_in_groups,
        "qr_svg": squares_svg(qr.as_rows(card)),
        "qr_alt": _("QR code that opens the page showing whether this card is valid"),
        "scan": _("Scan it to see whether this card is valid."),
        "sentences": [
            _("Show it at a service centre or an event. What it gives you can differ from country to country."),
        ],
        "card_number": _("Card %(number)s") % {"number": card.number_in_groups},
    }
