"""Where the panels of a member's job stand: in two columns that end together, on a screen with room for two (R54).

CSS alone cannot: its columns and floats take panels in the order of reading, into columns of one width, and leave a
hole as high as a panel; masonry is not in browsers yet. So it is decided here where a panel stands, by its height in
CSS pixels, as it measures in English on a screen of 1440. What these are wrong by, components/duo.css spreads over the
conversation, the field for a message or the panels of a column; a browser test measures the holes that remain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil
from typing import Any

from servicing.enums import EventKind, LoanState
from servicing.models import Estimate, Loan, ServiceReport, TicketMessage
from servicing.presenters.tickets import Job

GAP = 24  # between two panels
HEAD = 61
FRAME = HEAD + 50  # of a panel with a heading, around its body
ROW = 60  # of a list of names and values
LINE = 25
LEAST_CONVERSATION = 176  # of one that scrolls: `.talk-box` in components/duo.css
WRITE = 467  # the form with its smallest field
STRETCH = 160  # by which the field for a message may grow
EVEN = 70  # a difference that is not seen


@dataclass(frozen=True)
class SidePanel:
    """A panel that may stand in either column. One that leads stands near the top, also on a phone."""

    template: str
    height: int
    leads: bool = False


@dataclass(frozen=True)
class Columns:
    """The panels of each place, from top to bottom: below the clock and below the centre (`top`, `rest`), above the
    timeline and below the conversation (`lead`, `main`). `is_long` says that the conversation scrolls.
    """

    top: list[SidePanel]
    rest: list[SidePanel]
    lead: list[SidePanel]
    main: list[SidePanel]
    is_long: bool = False


def balance(panels: Sequence[SidePanel], *, main: int, rest: int, stretch: int = 0, is_long: bool = False) -> Columns:
    """Distribute the panels so that columns of these heights end together; `main` can grow by `stretch`.

    If `main` can grow, a hole in `rest` counts twice, because nothing there can. Of equally good distributions, the one
    with most panels at home: those that lead in `lead`, others in `rest`.
    """

    def cost(moved: tuple[SidePanel, ...]) -> tuple[int, int, int]:
        right = [panel for panel in panels if panel.leads != (panel in moved)]
        hole = rest - main + sum((GAP + panel.height) * (-1 if panel in right else 1) for panel in panels)
        return (
            max(hole - stretch, -2 * hole if stretch else -hole, EVEN),
            sum(panel.leads for panel in moved),
            len(moved),
        )

    moved = min((some for size in range(len(panels) + 1) for some in combinations(panels, size)), key=cost)
    return Columns(
        top=[panel for panel in panels if panel.leads and panel in moved],
        rest=[panel for panel in panels if not panel.leads and panel not in moved],
        lead=[panel for panel in panels if panel.leads and panel not in moved],
        main=[panel for panel in panels if not panel.leads and panel in moved],
        is_long=is_long,
    )


def arrange(job: Job, context: dict[str, Any]) -> Columns:
    """The columns of the page of a job, from what its templates show."""
    left, right = _left_heights(job, context), _right_heights(job, context)
    stretch = 0
    if context["may_write"]:
        right.append(WRITE)
        stretch = STRETCH
    conversation = _conversation_height(context["said"])
    is_long = conversation > LEAST_CONVERSATION + FRAME
    if is_long:  # then the field for a message keeps its height
        stretch = conversation - LEAST_CONVERSATION
        conversation = LEAST_CONVERSATION
    right.append(FRAME + conversation)
    return balance(
        list(_panels(job, context)),
        rest=sum(left) + GAP * (len(left) - 1),
        main=sum(right) + GAP * (len(right) - 1),
        stretch=stretch,
        is_long=is_long,
    )


def _panels(job: Job, context: dict[str, Any]) -> Iterable[SidePanel]:
    """What can stand in either column, in the order of reading."""
    ticket = job.ticket
    if report := context.get("report"):
        yield SidePanel("servicing/_report.html", _report_height(report), leads=True)
    if panel := context["panel"]:
        yield SidePanel("servicing/_loan.html", _loan_height(panel.loan, len(panel.units)), leads=True)
    if (estimate := context["estimate"]) and estimate.note:
        yield SidePanel("servicing/_found.html", FRAME + 29 + LINE * _lines(estimate.note, 54), leads=True)
    if estimate:
        yield SidePanel("servicing/_ask.html", FRAME + 106)
    yield SidePanel("servicing/_facts.html", _facts_height(job, context))
    papers = [*context["estimates"], *([context["report"]] if context.get("report") else [])]
    if papers or context["documents"]:
        documents = len(context["documents"])
        yield SidePanel("servicing/_papers.html", HEAD + 68 * len(papers) + (25 + LINE * documents if documents else 0))
    parcels = sum(156 if row.tracking_url else 126 for row in context["shipments"])
    parcels += 112 if context["comes_back"] else 0
    has_address = ticket.parcel is not None and ticket.parcel.has_address
    if parcels or has_address:
        parcels += 112 if ticket.state == "shipped" and not context["back_since"] else 0
        parcels += 75 if has_address and not ticket.ended_at else 0
        yield SidePanel("servicing/_parcels.html", HEAD + parcels)
    if ticket.loan_possible and job.may_change and not job.clock.stopped_at and not context["panel"]:
        yield SidePanel("servicing/_loan_later.html", FRAME + 3 * LINE)
    if past := context.get("past_jobs"):
        yield SidePanel("servicing/_repairs.html", HEAD + sum(54 + 20 * (_lines(row.done, 70)) for row in past))


def _left_heights(job: Job, context: dict[str, Any]) -> list[int]:
    """The clock, the cover for the same fault, and who has it."""
    runs = job.has_begun and not job.clock.stopped_at
    clock = 444
    if runs:
        clock += 84 + (84 if job.is_late or job.clock.will_be_missed else 0) + (25 if job.is_paused else 0) + 25
    elif not job.has_begun:
        clock += 60
    if context["skipped"]:
        clock += 8 + 22 * _lines(context["skipped"], 62)
    if context["pauses"]:
        clock += 39 + 27 * len(context["pauses"])
    if job.ticket.track == "standard" and job.why_standard:
        clock += 39 + 22 * len(job.why_standard)
    heights = [clock]
    if context.get("follow_up"):
        heights.append(161)
    elif context.get("may_report_fault"):
        heights.append(380 if context["follow_up_centres"] else 300)
    return [*heights, 323]


def _right_heights(job: Job, context: dict[str, Any]) -> list[int]:
    """The estimate to be answered, and the timeline."""
    heights = []
    if estimate := context["estimate"]:
        heights.append(_estimate_height(job, estimate))
    with_note = sum(
        bool(row.reason or row.part or not row.applied or row.kind in (EventKind.ESTIMATE_SENT, EventKind.SHIPPED))
        for row in context["happened"]
    )
    happened = 63 * len(context["happened"]) + 26 * with_note
    now = 44 + 26 * len(context["parts"]) + (26 if job.asks else 0) if job.may_change else 0
    ahead = sum(63 if day else 44 for _step, day in context["steps_ahead"])
    heights.append(130 + happened + now + ahead)
    return heights


def _estimate_height(job: Job, estimate: Estimate) -> int:
    """Its lines, and the two answers."""
    costs = FRAME + 68 + 38 + 62 * len(estimate.lines.all()) + 41 + 46 + 39
    return costs + (65 if job.ticket.why_no_warranty else 0) + 16 + 204 + 60


def _loan_height(loan: Loan | None, units: int) -> int:
    """The loan, or how many `units` can be borrowed."""
    if loan:
        return 249 if loan.state == LoanState.OUT else 480
    return 480 + 84 * units if units else 240


def _report_height(report: ServiceReport) -> int:
    height = FRAME + 21 + 16 + LINE * _lines(report.done, 62)
    for lines in (report.part_lines, report.note_lines):
        if lines:
            height += 44 + LINE * len(lines)
    return height


def _conversation_height(messages: Iterable[TicketMessage]) -> int:
    rows = [66 + LINE * _lines(row.text or "–", 62) + 16 + (110 if row.files.all() else 0) for row in messages]
    return sum(rows) - 16 if rows else LINE


def _facts_height(job: Job, context: dict[str, Any]) -> int:
    ticket = job.ticket
    rows = [ticket.accessories, ticket.serial, ticket.follows_id, ticket.charge == "no_charge"]
    height = FRAME + 67 + ROW * sum(bool(row) for row in rows)
    for text in (ticket.fault, ticket.condition):
        if text:
            height += 18 + LINE * max(_lines(text, 26), 1)
    height += 22 * _lines(str(ticket.get_why_no_warranty_display()), 26) if ticket.why_no_warranty else 0
    height += 140 if context["intake_photos"] else 0
    height += 44 * len([row for row in context["estimates"] if row != context["estimate"]])
    return height + (44 if job.may_cancel else 0)


def _lines(text: str, width: int) -> int:
    """How many lines a text takes in a column of so many signs."""
    return sum(max(ceil(len(line) / width), 1) for line in text.splitlines()) if text else 0
