"""What is to go says so in every answer and in the contract, long before (R55)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.partners.enums import PartnerKind, Scope
from cps_portal.core.rest.resources import SparseSerializer, json_response
from cps_portal.core.rest.views import Deprecation, PartnerView
from cps_portal.urls import urlpatterns as ours
from tests.api.machines import machine

SINCE = datetime(2026, 7, 1, tzinfo=UTC)
SUNSET = datetime(2027, 1, 1, tzinfo=UTC)
GUIDE = "https://portal.example.org/api/v1/docs"
SAID = {
    "Deprecation": "@1782864000",
    "Sunset": "Fri, 01 Jan 2027 00:00:00 GMT",
    "Link": f'<{GUIDE}>; rel="deprecation"',
}


class OldSerializer(SparseSerializer):
    id = serializers.IntegerField()


class OldView(PartnerView):
    """An address of yesterday."""

    scope = Scope.CATALOGUE
    deprecation = Deprecation(since=SINCE, sunset=SUNSET, link=GUIDE)

    @extend_schema(operation_id="getOld", tags=["Catalogue"], responses={200: OldSerializer})
    def get(self, request: Request) -> HttpResponse:
        """What it was."""
        return json_response({"id": 1})


class NewView(OldView):
    deprecation = None

    @extend_schema(operation_id="getNew", tags=["Catalogue"], responses={200: OldSerializer})
    def get(self, request: Request) -> HttpResponse:
        """What it is."""
        return super().get(request)


own = [path("api/v1/old", OldView.as_view()), path("api/v1/new", NewView.as_view())]
urlpatterns = [*own, *ours]


@pytest.mark.urls(__name__)
def test_every_answer_of_an_address_that_is_to_go_says_since_when_until_when_and_what_instead(db: None) -> None:
    shop = machine("shop", PartnerKind.RETAILER)
    found = shop.get("old")
    refused = [shop.ask("DELETE", "old"), shop.client.get("/api/v1/old"), shop.get("old", Accept="text/html")]
    assert [found.status_code, *(one.status_code for one in refused)] == [200, 405, 401, 406]
    for one in (found, *refused):
        assert {name: one.get(name) for name in SAID} == SAID
    assert not {*SAID} & {*shop.get("new").headers}


def test_the_contract_marks_it_and_nothing_else() -> None:
    there = SchemaGenerator(patterns=own).get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]
    marked = [there[f"/api/v1/{name}"]["get"].get("deprecated", False) for name in ("old", "new")]
    assert marked == [True, False]


def test_nothing_goes_sooner_than_half_a_year_after_it_was_announced() -> None:
    with pytest.raises(ValueError, match="180 days"):
        Deprecation(since=SINCE, sunset=SINCE + timedelta(days=179), link=GUIDE)
