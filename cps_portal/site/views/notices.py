"""The page of everything that a member was told (R56, R70)."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from allauth.account.models import EmailAddress
from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cps_portal.site.presenters.notice_words import Reading
from cps_portal.site.presenters.notices import CODES, NoticeLine, Topic, describe_page, find_lines
from kitbag.views.shortcuts import query_text, url_with_query
from members.access import MemberRequest, member_required
from members.models import Notice

NOTICES_PER_PAGE = 25
MAX_SEARCHED = 1000  # the newest: their sentences are made from the rows, so that the database cannot search them


@dataclass(frozen=True)
class Filter:
    label: str | Promise
    count: int
    url: str
    is_current: bool


@require_safe
@member_required
def notices(request: MemberRequest) -> HttpResponse:
    """All notices by day, the newest first, also those of a merged account (R69). What no longer holds says so.

    With ?about= those about one topic, with ?q= those whose sentences have all of its words.
    """
    query = query_text(request, "q")
    about = request.GET.get("about", "")
    topic = Topic(about) if about in Topic else None
    every = Notice.objects.filter(member__in=request.member.accounts)
    rows = every.filter(code__in=CODES[topic]) if topic else every
    page, lines = _page_of(request, rows, query)
    context: dict[str, Any] = {
        "days": [(day, list(of_day)) for day, of_day in groupby(lines, lambda line: timezone.localdate(line.at))],
        "page": page,
        "page_query": url_with_query("notices", q=query, about=topic or "").partition("?")[2],
        "query": query,
        "topic": topic or "",
        "filters": _filters(every, topic, query),
        "today": timezone.localdate(),
        "address": EmailAddress.objects.get_primary(request.user),
        "max_searched": MAX_SEARCHED if query and rows.count() > MAX_SEARCHED else 0,
    }
    return render(request, "portal/notices.html", context)


def _page_of(request: MemberRequest, rows: QuerySet[Notice], query: str) -> tuple[Page[Any], list[NoticeLine]]:
    """The page asked for, and its lines."""
    reading = Reading(request.member, timezone.now())
    number = request.GET.get("page")
    if query:
        found = Paginator(find_lines(reading, list(rows[:MAX_SEARCHED]), query), NOTICES_PER_PAGE).get_page(number)
        return found, list(found)
    page = Paginator(rows, NOTICES_PER_PAGE).get_page(number)
    return page, describe_page(reading, list(page), newer=rows[: page.start_index()])


def _filters(rows: QuerySet[Notice], topic: Topic | None, query: str) -> list[Filter]:
    counts = dict(rows.order_by().values_list("code").annotate(count=Count("pk")).values_list("code", "count"))
    every = Filter(_("All"), sum(counts.values()), url_with_query("notices", q=query), is_current=topic is None)
    by_topic = {each: sum(counts.get(code, 0) for code in CODES[each]) for each in Topic}
    return [
        every,
        *(
            Filter(each.label, count, url_with_query("notices", q=query, about=each), is_current=each == topic)
            for each, count in by_topic.items()
            if count or each == topic
        ),
    ]
