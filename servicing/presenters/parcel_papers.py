"""PDFs for a parcel: the label for the box and the packing list inside, with bar codes (R52)."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cps_portal.core.lib.lists import with_commas
from cps_portal.core.lib.pdf import PreparedPdf, prepare_pdf
from cps_portal.core.lib.print_text import breakable, isolated, shortened
from cps_portal.core.lib.written_dates import date_format
from kitbag.presenters.drawings import drawing_svg
from members.addresses import phone_in_groups
from members.models import Member
from servicing.models import Parcel, Ticket
from servicing.presenters.bar_codes import bar_code

MAX_FAULT_LENGTH = 280  # letters: three lines
MAX_THINGS_LENGTH = 200
MAX_JOBS_NAMED = 6  # on the label
MAX_WORD_IN_CELL = 16  # letters of a word that a column has room for


def label(parcel: Parcel, member: Member, tickets: Sequence[Ticket]) -> PreparedPdf:
    """The A5 label for the outside: to whom, from whom, and the number of the parcel with its bar code.

    With lines to fill in by hand if the product comes back and no address is known. What is in the box is not on it.
    """
    centre = parcel.centre
    collected = ""
    if parcel.collect_on:
        collected = _("Courier: %(day)s") % {"day": date_format(parcel.collect_on, "l j F")}
    is_unknown = parcel.returns and not parcel.has_address
    return prepare_pdf(
        "label",
        {
            "title": _("Label %(reference)s") % {"reference": parcel.reference_in_groups},
            "level": _level_and_target(tickets),
            "to_name": _("To"),
            "to": [*centre.address.label_lines, *([phone_in_groups(centre.phone)] if centre.phone else [])],
            "from_name": _("From, and back to") if parcel.returns else _("From"),
            "from": _sender(parcel, member),
            "blank": _("Your address, for the way back") if is_unknown else "",
            **_bars(parcel.reference),
            "reference": parcel.reference_in_groups,
            "contents": [_products(tickets), _jobs(tickets)],
            "courier": collected,
            "foot": _("Stick it on the box and cover older labels. Fragile. Scan the code to book it in."),
        },
    )


def packing_list(parcel: Parcel, member: Member, tickets: Sequence[Ticket]) -> PreparedPdf:
    """The list for the inside: every product with its reference and service, and what not to send."""
    centre = parcel.centre
    reference = parcel.reference_in_groups
    title = _("Packing list %(reference)s") % {"reference": reference}
    return prepare_pdf(
        "packing-list",
        {
            "title": title,
            "heading": _("Packing list"),
            "bar": [text for text in (_level_and_target(tickets), member.number_in_groups) if text],
            "lead": _("Put this in the box. %(centre)s ticks off what arrives.") % {"centre": isolated(centre.name)},
            "drawing_svg": drawing_svg(tickets[0].product),
            "facts": [
                {
                    "name": _("Parcel"),
                    "value": reference,
                    "big": True,
                    "note": date_format(parcel.made_at, "j F Y"),
                },
                {"name": _("To"), "value": centre.name, "note": with_commas(centre.address.label_lines[1:])},
                _way_back(parcel, member),
            ],
            **_bars(parcel.reference),
            "bars_note": _("The whole parcel: %(products)s.") % {"products": _products(tickets)},
            "head": [_("In the box"), _("Serial number"), _("Job"), _("Packed"), _("Arrived")],
            "rows": [*map(_row, tickets), _row_to_fill_in()],
            "faults": [_fault(ticket) for ticket in tickets if ticket.fault],
            "home_title": _("Before you close the box"),
            "home": [
                _("Back up your pictures and settings first, and take out the memory cards and loose batteries."),
                _("Leave straps, filters and cases at home unless they belong to the fault."),
            ],
            "centre_title": _("At the centre"),
            "checks": [_("Serial number checked"), _("Photos taken"), _("Drop or water marks")],
            "signatures": [_("Received by"), _("Date and time")],
            "foot": title,
        },
    )


def _level_and_target(tickets: Sequence[Ticket]) -> str:
    """The level at intake and the shortest target of what is in the box, as "Gold, 3 days"; "" without a level."""
    soonest = min(tickets, key=lambda ticket: ticket.target_days)
    if not soonest.level:
        return ""
    days = ngettext("%(n)d day", "%(n)d days", soonest.target_days) % {"n": soonest.target_days}
    return f"{soonest.get_level_display()}, {days}"


def _products(tickets: Sequence[Ticket]) -> str:
    return ngettext("%(n)d product", "%(n)d products", len(tickets)) % {"n": len(tickets)}


def _jobs(tickets: Sequence[Ticket]) -> str:
    references = [ticket.reference_in_groups for ticket in tickets]
    left_out = " …" if len(references) > MAX_JOBS_NAMED else ""
    named = with_commas(references[:MAX_JOBS_NAMED]) + left_out
    return ngettext("Job %(references)s", "Jobs %(references)s", len(references)) % {"references": named}


def _sender(parcel: Parcel, member: Member) -> list[str]:
    lines = parcel.address.label_lines if parcel.has_address else [member.full_name]
    number = _("Member %(number)s") % {"number": member.number_in_groups}
    collected = [] if parcel.returns else [_("To be collected at the centre")]
    return [line for line in (*lines, parcel.phone_in_groups, number, *collected) if line]


def _way_back(parcel: Parcel, member: Member) -> dict[str, str]:
    if not parcel.returns:
        return {"name": _("From"), "value": member.full_name, "note": _("To be collected at the centre")}
    if not parcel.has_address:
        return {"name": _("Back to"), "value": member.full_name}
    name, *lines = parcel.address.label_lines
    return {"name": _("Back to"), "value": name, "note": with_commas([*lines, parcel.phone_in_groups])}


def _row(ticket: Ticket) -> dict[str, Any]:
    notes = [ticket.get_service_display(), ticket.get_track_display(), ticket.get_warranty_display()]
    things = shortened(ticket.accessories, MAX_THINGS_LENGTH)
    with_it = "\n" + _("With it: %(things)s") % {"things": isolated(things)} if things else ""
    return {
        "name": ticket.product.name,
        "note": f"{' · '.join(notes)}{with_it}",
        "serial": breakable(ticket.serial, MAX_WORD_IN_CELL),
        **_bars(ticket.reference),
        "reference": ticket.reference_in_groups,
    }


def _row_to_fill_in() -> dict[str, Any]:
    names = dict.fromkeys(("note", "serial", "bars_svg", "bars_alt", "reference"), "")
    return {**names, "name": _("What else is in the box?")}


def _fault(ticket: Ticket) -> dict[str, str]:
    title = _("What’s wrong with %(product)s") % {"product": ticket.product.name}
    return {"title": title, "text": shortened(" ".join(ticket.fault.split()), MAX_FAULT_LENGTH)}


def _bars(reference: str) -> dict[str, str]:
    return {
        "bars_svg": bar_code(reference).svg,
        "bars_alt": _("Bar code %(reference)s") % {"reference": reference},
    }
