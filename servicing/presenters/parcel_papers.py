"""PDFs for a parcel: the label for the box and the packing list inside, with bar codes (R52)."""

from collections.abc import Sequence

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from reportlab.lib.units import mm

from members.addresses import phone_in_groups
from members.models import Member
from servicing.models import Parcel, Ticket
from servicing.presenters.paper import INK, INNER, LINE, MARGIN, MUTED, WIDE, Paper

MAX_FAULT_LINES = 3


def label(parcel: Parcel, member: Member, tickets: Sequence[Ticket]) -> bytes:
    """The label for the outside: to whom, from whom, and the number of the parcel with its bar code."""
    paper = Paper(_("Label %(reference)s") % {"reference": parcel.reference_in_groups})
    paper.line(_("Cut here and stick it on the box. Cover older labels and bar codes."), size=8, ink=MUTED)
    paper.space(4 * mm)
    top, left, inner = paper.y, MARGIN + 8 * mm, INNER - 16 * mm
    paper.space(6 * mm)
    paper.line("CPS Priority", size=26, x=left, wide=inner)
    count = ngettext("%(n)d product", "%(n)d products", len(tickets)) % {"n": len(tickets)}
    paper.space(2 * mm)
    known = ["Canon Professional Services", *_level_and_target(tickets), count]
    paper.line(" · ".join(known), size=10, x=left, wide=inner, ink=MUTED)
    paper.space(7 * mm)
    paper.line(_("To"), size=8, x=left, ink=MUTED)
    for text in parcel.centre.address.label_lines:
        paper.line(text, size=15, x=left, wide=inner)
    if parcel.centre.phone:
        paper.space(1 * mm)
        paper.line(phone_in_groups(parcel.centre.phone), size=10, x=left, wide=inner)
    paper.space(6 * mm)
    _write_sender(paper, parcel, member, left=left, inner=inner)
    paper.space(6 * mm)
    paper.bar_code(parcel.reference, x=left)
    paper.line(parcel.reference_in_groups, size=22, x=left, wide=inner)
    if parcel.collect_on:
        collected = _("Courier: %(day)s") % {"day": date_format(parcel.collect_on, "l j F")}
        paper.line(collected, size=10, x=left, wide=inner)
    paper.space(3 * mm)
    foot = _("Fragile. Contains no loose batteries. Scan the code to book it in.")
    paper.line(foot, size=8, x=left, wide=inner, ink=MUTED)
    paper.space(6 * mm)
    paper.canvas.setStrokeColor(INK)
    paper.canvas.setLineWidth(1)
    paper.canvas.rect(MARGIN, paper.y, INNER, top - paper.y)
    return paper.bytes()


def _level_and_target(tickets: Sequence[Ticket]) -> list[str]:
    """The level at intake and the shortest target of what is in the box, as "Gold, 3 days"; none without a level."""
    soonest = min(tickets, key=lambda ticket: ticket.target_days)
    if not soonest.level:
        return []
    days = ngettext("%(n)d day", "%(n)d days", soonest.target_days) % {"n": soonest.target_days}
    return [f"{soonest.get_level_display()}, {days}"]


def _write_sender(paper: Paper, parcel: Parcel, member: Member, *, left: float, inner: float) -> None:
    """Who sends it and where it returns to; lines to fill in by hand if no address is known."""
    paper.line(_("From, and back to") if parcel.returns else _("From"), size=8, x=left, ink=MUTED)
    lines = parcel.address.label_lines if parcel.has_address else [member.full_name]
    for text in lines:
        paper.line(text, size=12, x=left, wide=inner)
    paper.line(_("Member %(number)s") % {"number": member.number_in_groups}, size=10, x=left, wide=inner)
    if parcel.phone:
        paper.line(parcel.phone_in_groups, size=10, x=left, wide=inner)
    if not parcel.returns:
        paper.line(_("To be collected at the centre"), size=10, x=left, wide=inner)
    elif not parcel.has_address:
        paper.space(5 * mm)
        for _blank in range(2):
            paper.space(8 * mm)
            paper.canvas.setStrokeColor(LINE)
            paper.canvas.line(left, paper.y, left + inner, paper.y)
        paper.line(_("Your address, for the way back"), size=7, x=left, ink=MUTED)


def packing_list(parcel: Parcel, member: Member, tickets: Sequence[Ticket]) -> bytes:
    """The list for the inside: every product with its reference and service, and what not to send."""
    paper = Paper(_("Packing list %(reference)s") % {"reference": parcel.reference_in_groups})
    paper.line(_("Packing list"), size=22)
    paper.line(_("Put this into the box."), ink=MUTED)
    paper.space(3 * mm)
    paper.bar_code(parcel.reference, height=14 * mm)
    made = date_format(parcel.made_at, "j F Y")
    paper.line(_("Parcel %(reference)s, %(day)s") % {"reference": parcel.reference_in_groups, "day": made}, size=12)
    paper.space(3 * mm)
    paper.line(_("From: %(name)s") % {"name": member.full_name})
    paper.line(_("Member %(number)s") % {"number": member.number_in_groups})
    if parcel.has_address:
        paper.text(_("Back to: %(address)s") % {"address": ", ".join(parcel.address.label_lines)})
        paper.line(_("Phone: %(phone)s") % {"phone": parcel.phone_in_groups})
    elif not parcel.returns:
        paper.line(_("To be collected at the centre"))
    paper.line(_("To: %(centre)s") % {"centre": ", ".join(parcel.centre.address.label_lines)})
    for number, ticket in enumerate(tickets, start=1):
        paper.require_height(66 * mm)
        paper.rule()
        paper.space(2 * mm)
        paper.line(f"{number}. {ticket.product.name}", size=13)
        paper.space(1 * mm)
        if ticket.serial:
            paper.line(_("Serial number %(serial)s") % {"serial": ticket.serial})
        service, track = ticket.get_service_display(), ticket.get_track_display()
        paper.line(f"{service} · {track} · {ticket.get_warranty_display()}")
        if ticket.accessories:
            paper.text(_("With it: %(things)s") % {"things": ticket.accessories}, max_lines=MAX_FAULT_LINES)
        if ticket.fault:
            paper.text(ticket.fault, max_lines=MAX_FAULT_LINES, ink=MUTED)
        paper.space(2 * mm)
        paper.bar_code(ticket.reference, height=10 * mm, width=0.4 * mm)
        paper.line(_("Job %(reference)s") % {"reference": ticket.reference_in_groups})
    paper.require_height(40 * mm)
    paper.rule(6 * mm)
    paper.space(3 * mm)
    for text in (
        _("Back up your pictures and settings first, and take out the memory cards."),
        _("Leave straps, filters and cases at home unless they belong to the fault."),
        _("Write here what else is in the box:"),
    ):
        paper.text(text, size=9)
    paper.space(9 * mm)
    paper.canvas.setStrokeColor(LINE)
    paper.canvas.line(MARGIN, paper.y, WIDE - MARGIN, paper.y)
    return paper.bytes()
