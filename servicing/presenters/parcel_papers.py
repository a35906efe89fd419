"""PDFs for a parcel: the label for the box and the packing list inside, with bar codes (R52).

Two people read them: the member, who packs, and whoever receives the parcel at the centre. What the member has to do is
in the member's language, what the centre works with in the centre's, and what both need to find their way in both.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.utils.translation import get_language, ngettext, override
from django.utils.translation import gettext as _

from cps_portal.core.lib.languages import ENGLISH
from cps_portal.core.lib.lists import with_commas
from cps_portal.core.lib.pdf import PreparedPdf, prepare_pdf
from cps_portal.core.lib.print_text import breakable, in_direction_of, isolated, shortened
from cps_portal.core.lib.text import latin_digits
from cps_portal.core.lib.written_dates import date_format
from kitbag.presenters.drawings import drawing_svg
from members.addresses import phone_in_groups
from members.models import Member
from servicing.models import Parcel, ServiceCentre, Ticket
from servicing.presenters.bar_codes import bar_code

MAX_FAULT_LENGTH = 280  # letters: three lines
MAX_THINGS_LENGTH = 200
MAX_JOBS_NAMED = 6  # on the label
MAX_WORD_IN_CELL = 16  # letters of a word that a column has room for


class _Words:
    """Words of a paper for the member, in the language that is active, for the centre, in its own, and for both."""

    def __init__(self, centre: ServiceCentre) -> None:
        self.own = get_language() or ENGLISH
        self.of_centre = language_at(centre, self.own)
        self.differ = self.own != self.of_centre

    def for_centre(self, words: Callable[[], str]) -> str:
        return in_direction_of(self.of_centre, self._at_centre(words)) if self.differ else words()

    def for_both(self, words: Callable[[], str]) -> str:
        own, theirs = words(), self._at_centre(words)
        if own == theirs:
            return own
        return f"{in_direction_of(self.own, own)} / {in_direction_of(self.of_centre, theirs)}"

    def _at_centre(self, words: Callable[[], str]) -> str:
        with override(self.of_centre):
            return words()


def language_at(centre: ServiceCentre, own: str) -> str:
    """The member's own language if the centre knows it; else the first that it does, English if none is named."""
    return own if own in centre.languages else next(iter(centre.languages), ENGLISH)


def label(parcel: Parcel, member: Member, tickets: Sequence[Ticket]) -> PreparedPdf:
    """The A5 label for the outside: to whom, from whom, and the number of the parcel with its bar code.

    With lines to fill in by hand if the product comes back and no address is known. What is in the box is not on it.
    """
    centre = parcel.centre
    words = _Words(centre)
    collected = ""
    if parcel.collect_on:
        collected = _("Courier: %(day)s") % {"day": date_format(parcel.collect_on, "l j F")}
    is_unknown = parcel.returns and not parcel.has_address
    sender = words.for_both(lambda: _("From, and back to") if parcel.returns else _("From"))
    to_do = _("Stick it on the box and cover older labels.")
    return prepare_pdf(
        "label",
        {
            "title": _("Label %(reference)s") % {"reference": parcel.reference_in_groups},
            "level": words.for_centre(lambda: _level_and_target(tickets)),
            "to_name": words.for_both(lambda: _("To")),
            "to": [*centre.address.label_lines, *([phone_in_groups(centre.phone)] if centre.phone else [])],
            "from_name": sender,
            "from": _sender(parcel, member, words),
            "blank": words.for_both(lambda: _("Your address, for the way back")) if is_unknown else "",
            **_bars(parcel.reference),
            "reference": parcel.reference_in_groups,
            "contents": [words.for_centre(lambda: _products(tickets)), words.for_centre(lambda: _jobs(tickets))],
            "courier": collected,
            "foot": f"{to_do} {words.for_centre(lambda: _('Fragile. Scan the code to book it in.'))}",
        },
    )


def packing_list(parcel: Parcel, member: Member, tickets: Sequence[Ticket]) -> PreparedPdf:
    """The list for the inside: every product with its reference and service, and what not to send."""
    centre = parcel.centre
    words = _Words(centre)
    reference = parcel.reference_in_groups
    title = words.for_both(lambda: _("Packing list %(reference)s") % {"reference": reference})
    level = words.for_centre(lambda: _level_and_target(tickets))
    to = {"name": words.for_both(lambda: _("To")), "value": centre.name}
    return prepare_pdf(
        "packing-list",
        {
            "title": title,
            "heading": words.for_both(lambda: _("Packing list")),
            "bar": [text for text in (level, member.number_in_groups) if text],
            "lead": _("Put this in the box. %(centre)s ticks off what arrives.") % {"centre": isolated(centre.name)},
            "drawing_svg": drawing_svg(tickets[0].product),
            "facts": [
                {
                    "name": words.for_both(lambda: _("Parcel")),
                    "value": reference,
                    "big": True,
                    "note": words.for_centre(lambda: date_format(parcel.made_at, "j F Y")),
                },
                {**to, "note": with_commas(centre.address.label_lines[1:])},
                _way_back(parcel, member, words),
            ],
            **_bars(parcel.reference),
            "bars_note": words.for_both(
                lambda: _("The whole parcel: %(products)s.") % {"products": _products(tickets)}
            ),
            "head": [
                words.for_both(lambda: _("In the box")),
                words.for_both(lambda: _("Serial number")),
                words.for_both(lambda: _("Job")),
                words.for_both(lambda: _("Packed")),
                words.for_both(lambda: _("Arrived")),
            ],
            "rows": [*(_row(ticket, words) for ticket in tickets), _row_to_fill_in(words)],
            "faults": [_fault(ticket, words) for ticket in tickets if ticket.fault],
            "home_title": _("Before you close the box"),
            "home": [
                _("Back up your pictures and settings first, and take out the memory cards and loose batteries."),
                _("Leave straps, filters and cases at home unless they belong to the fault."),
            ],
            "centre_title": words.for_centre(lambda: _("At the centre")),
            "checks": [
                words.for_centre(lambda: _("Serial number checked")),
                words.for_centre(lambda: _("Photos taken")),
                words.for_centre(lambda: _("Drop or water marks")),
            ],
            "signatures": [words.for_centre(lambda: _("Received by")), words.for_centre(lambda: _("Date and time"))],
            "foot": title,
        },
    )


def _level_and_target(tickets: Sequence[Ticket]) -> str:
    """The level at intake and the shortest target of what is in the box, as "Gold, 3 days"; "" without a level."""
    soonest = min(tickets, key=lambda ticket: ticket.target_days)
    if not soonest.level:
        return ""
    days = ngettext("%(n)d day", "%(n)d days", soonest.target_days) % {"n": soonest.target_days}
    return with_commas([soonest.get_level_display(), days])


def _products(tickets: Sequence[Ticket]) -> str:
    return ngettext("%(n)d product", "%(n)d products", len(tickets)) % {"n": len(tickets)}


def _whole_parcel(tickets: Sequence[Ticket]) -> str:
    return _("The whole parcel: %(products)s.") % {"products": _products(tickets)}


def _jobs(tickets: Sequence[Ticket]) -> str:
    references = [ticket.reference_in_groups for ticket in tickets]
    left_out = " …" if len(references) > MAX_JOBS_NAMED else ""
    named = with_commas(references[:MAX_JOBS_NAMED]) + left_out
    return ngettext("Job %(references)s", "Jobs %(references)s", len(references)) % {"references": named}


def _sender(parcel: Parcel, member: Member, words: _Words) -> list[str]:
    lines = parcel.address.label_lines if parcel.has_address else [member.full_name]
    number = words.for_centre(lambda: _("Member %(number)s") % {"number": member.number_in_groups})
    collected = [] if parcel.returns else [words.for_both(lambda: _("To be collected at the centre"))]
    return [line for line in (*lines, parcel.phone_in_groups, number, *collected) if line]


def _way_back(parcel: Parcel, member: Member, words: _Words) -> dict[str, str]:
    if not parcel.returns:
        note = words.for_both(lambda: _("To be collected at the centre"))
        return {"name": words.for_both(lambda: _("From")), "value": member.full_name, "note": note}
    back_to = words.for_both(lambda: _("Back to"))
    if not parcel.has_address:
        return {"name": back_to, "value": member.full_name}
    name, *lines = parcel.address.label_lines
    return {"name": back_to, "value": name, "note": with_commas([*lines, parcel.phone_in_groups])}


def _row(ticket: Ticket, words: _Words) -> dict[str, Any]:
    """A product with what the centre does with it; what is written there is ticked off by the centre."""
    return {
        "name": ticket.product.name,
        "note": words.for_centre(lambda: _note(ticket)),
        "serial": breakable(latin_digits(ticket.serial), MAX_WORD_IN_CELL),
        **_bars(ticket.reference),
        "reference": ticket.reference_in_groups,
    }


def _note(ticket: Ticket) -> str:
    notes = [ticket.get_service_display(), ticket.get_track_display(), ticket.get_warranty_display()]
    things = shortened(ticket.accessories, MAX_THINGS_LENGTH)
    with_it = "\n" + _("With it: %(things)s") % {"things": isolated(things)} if things else ""
    return f"{' · '.join(map(str, notes))}{with_it}"


def _row_to_fill_in(words: _Words) -> dict[str, Any]:
    names = dict.fromkeys(("note", "serial", "bars_svg", "bars_alt", "reference"), "")
    return {**names, "name": words.for_both(lambda: _("What else is in the box?"))}


def _fault(ticket: Ticket, words: _Words) -> dict[str, str]:
    product = {"product": ticket.product.name}
    title = words.for_both(lambda: _("What’s wrong with %(product)s") % product)
    return {"title": title, "text": shortened(" ".join(ticket.fault.split()), MAX_FAULT_LENGTH)}


def _bars(reference: str) -> dict[str, str]:
    return {
        "bars_svg": bar_code(reference).svg,
        "bars_alt": _("Bar code %(reference)s") % {"reference": reference},
    }
