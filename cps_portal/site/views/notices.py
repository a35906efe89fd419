"""The page of everything that a member was told (R56, R70)."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from cps_portal.site.presenters.notice_words import Reading
from cps_portal.site.presenters.notices import describe_page
from members.access import MemberRequest, member_required
from members.models import Notice

NOTICES_PER_PAGE = 25


@require_safe
@member_required
def notices(request: MemberRequest) -> HttpResponse:
    """All notices, the newest first, also those of a merged account (R69). What no longer holds says so."""
    rows = Notice.objects.filter(member__in=request.member.accounts)
    page = Paginator(rows, NOTICES_PER_PAGE).get_page(request.GET.get("page"))
    lines = describe_page(Reading(request.member, timezone.now()), list(page), newer=rows[: page.start_index()])
    return render(request, "portal/notices.html", {"notices": lines, "page": page})
