"""The board of a centre: its jobs by step, as lanes or as a list (R54)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext

from cps_portal.core.lib.written_dates import date_format
from members.models import User
from servicing.models import ServiceCentre, Ticket, TicketQuerySet, load_calendars
from servicing.presenters import board as presenter
from servicing.queries import board as queries
from servicing.rules.lanes import STATES_OF_LANES, Lane

ROWS_A_PAGE = 50
LIST = "list"


@dataclass(frozen=True)
class View:
    """What somebody looks at: a centre or all of theirs, through the filter `chosen`."""

    user: User
    centre: ServiceCentre | None
    chosen: str
    condition: Q
    now: datetime


def board_context(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """The template context. In the query string: `centre`, `show` (a filter), `view` (list), `lane` and `page`."""
    user: Any = request.user
    worker: User = user
    centres = queries.centres_of(worker)
    centre = _chosen_centre(request, centres)
    zone = ZoneInfo(centre.zone) if centre else timezone.get_current_timezone()
    with timezone.override(zone):
        conditions = queries.filters(worker, now)
        shown = request.GET.get("show", "")
        chosen = shown if shown in conditions else queries.ALL
        rows = queries.board_rows(worker, centre)
        counts = queries.count_board(rows, conditions)
        totals = {name: counts.total(name) for name in conditions}
        context = {
            "title": _title(centre, now),
            "centres": centres,
            "centre": centre,
            "chosen": chosen,
            "chips": presenter.make_chips(totals),
            "summary": presenter.summary(totals["late"], totals["today"], totals["wrote"]),
            "as_list": request.GET.get("view") == LIST,
        }
        view = View(worker, centre, chosen, conditions[chosen], now)
        if context["as_list"]:
            return {**context, **_list_context(request, view, rows)}
        return {**context, "columns": _columns(view, rows, counts)}


def _chosen_centre(request: HttpRequest, centres: list[ServiceCentre]) -> ServiceCentre | None:
    """The centre of the query string, or the only one; None for all that the reader may see."""
    wanted = request.GET.get("centre", "")
    only = centres[0] if len(centres) == 1 else None
    return next((centre for centre in centres if str(centre.pk) == wanted), only)


def _title(centre: ServiceCentre | None, now: datetime) -> str:
    place = centre.name if centre else gettext("All centres")
    return f"{place}, {date_format(timezone.localtime(now), 'l')}"


def _columns(view: View, rows: TicketQuerySet, counts: queries.Board) -> list[list[presenter.LaneView]]:
    tickets = queries.read_cards(rows, view.condition)
    cards: dict[str, list[presenter.Card]] = {}
    for card in _cards(tickets, view.now):
        cards.setdefault(card.lane, []).append(card)
    loans = queries.board_loans(view.user, view.centre, view.chosen, view.now)
    cards[presenter.LOANS] = presenter.loan_cards(loans[: queries.MAX_CARDS], view.now)
    totals = {name: counts.in_lane(name, view.chosen) for name in Lane} | {presenter.LOANS: loans.count()}
    return [
        [presenter.LaneView(name, presenter.LANE_NAMES[name], totals[name], cards.get(name, [])) for name in column]
        for column in presenter.COLUMNS
    ]


def _cards(tickets: list[Ticket], now: datetime) -> list[presenter.Card]:
    load_calendars(ticket.centre for ticket in tickets)
    return presenter.make_cards(tickets, queries.due_while_paused(tickets, now), now)


def _list_context(request: HttpRequest, view: View, rows: TicketQuerySet) -> dict[str, Any]:
    lane = request.GET.get("lane", "")
    page = Paginator(queries.list_rows(rows, view.condition, lane), ROWS_A_PAGE).get_page(request.GET.get("page"))
    tickets = list(page.object_list)
    return {
        "page": page,
        "cards": _cards(tickets, view.now),
        "lane": lane if lane in STATES_OF_LANES else "",
        "lane_name": presenter.LANE_NAMES.get(lane, ""),
    }
