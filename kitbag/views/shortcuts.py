"""Helpers that several pages of the Kitbag share: finding the member's registration, paging, URLs, redirects."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRedirect

from cps_portal.core.lib.compiled_queries import CompiledModels
from kitbag.models import Registration
from members.access import MemberRequest

M = TypeVar("M", bound=Model)

WITH_PICTURE = ("owner_details__photo", "owner_details__thumbnail")  # to select with what is shown
OWN_RELATIONS = ("product", "member", *WITH_PICTURE)
OWN: CompiledModels[Registration] = CompiledModels(
    lambda member, pk: Registration.objects.filter(member=member, pk=pk).select_related(*OWN_RELATIONS),
    related=OWN_RELATIONS,
)
MAX_KEY_DIGITS = 18  # fits a bigint of Postgres
MAX_QUERY_LENGTH = 100  # characters
MIN_QUERY_LENGTH = 2  # a shorter text would match half of the catalogue


def get_own_registration(request: MemberRequest, pk: int) -> Registration:
    """The member's own registration, in any state. Raises Http404 for any other, so that none can be probed for."""
    registration = OWN.first(member=request.member.pk, pk=pk)
    if registration is None:
        raise Http404
    return registration


def read_keys(texts: Iterable[str]) -> list[int]:
    """The keys of rows among texts that came with a form. Others are left out."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) <= MAX_KEY_DIGITS]


def redirect_after_post(request: MemberRequest, url: str) -> HttpResponse:
    """A redirect. htmx gets a header instead: it would follow a redirect and swap the page into the element."""
    return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)


def query_text(request: HttpRequest, name: str) -> str:
    """A text of the query string, cut to MAX_QUERY_LENGTH and without NUL, which Postgres refuses."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:MAX_QUERY_LENGTH]


def paginate(request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], page_size: int) -> Page[Any]:
    """The page asked for: the first if the number is nonsense, the last if it is too high."""
    return Paginator(rows, page_size).get_page(request.GET.get("page"))


def url_with_query(name: str, **parameters: str | int) -> str:
    """The URL of a page with those query parameters that are not empty."""
    query = urlencode({key: value for key, value in parameters.items() if value})
    return f"{reverse(name)}?{query}" if query else reverse(name)
