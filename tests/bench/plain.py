"""The yardstick: each page as a plain view, one ORM query and a bare template, behind the same middleware."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from cps_portal.urls import urlpatterns as portal
from kitbag.models import PointsEntry, Product, Registration

ROWS = engines["django"].from_string(
    "<!doctype html><title>Rows</title><table>{% for row in rows %}"
    "<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"
)


def rows_of(request: HttpRequest, rows: "QuerySet[Any, tuple[Any, ...]]") -> HttpResponse:
    return HttpResponse(ROWS.render({"rows": rows}, request))


def kits(request: HttpRequest, size: int) -> HttpResponse:
    rows = Registration.objects.filter(member__user=request.user).order_by("pk")
    return rows_of(request, rows.values_list("product__name", "serial", "state", "product__points_current")[:size])


def history(request: HttpRequest) -> HttpResponse:
    rows = PointsEntry.objects.filter(member__user=request.user)
    return rows_of(request, rows.values_list("registration__product__name", "amount", "cause", "at")[:25])


def search(request: HttpRequest) -> HttpResponse:
    rows = Product.objects.filter(registrable=True, name__icontains=request.GET["q"])
    return rows_of(request, rows.values_list("name", "points_current")[:20])


urlpatterns = [
    *portal,
    path("plain/kits/<int:size>/", kits),
    path("plain/history/", history),
    path("plain/search/", search),
]
