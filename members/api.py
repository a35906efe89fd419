"""Countries with their programmes and levels with their benefits, for partners that explain them (R1, R3, R10, R55)."""

from collections import defaultdict
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.lib.countries import list_countries
from cps_portal.core.partners.enums import Scope
from cps_portal.core.rest.resources import json_response_with_etag
from cps_portal.core.rest.schema import IF_NONE_MATCH, NOT_MODIFIED, described
from cps_portal.core.rest.views import PartnerView
from members.enums import Level, Programme, ServiceLevel
from members.models import CountryProgramme, LevelBenefit, LevelThreshold
from members.rules import ACTIVE_HOMES, home_of


class CountrySerializer(serializers.Serializer[Any]):
    """A country and the programme that it takes part in today."""

    code = serializers.CharField(help_text="ISO 3166-1 alpha-2; XK for Kosovo.")
    name = serializers.CharField(help_text="In English.")
    region = serializers.CharField(help_text="In English.")
    programme = serializers.ChoiceField(choices=Programme.choices)
    service_level = serializers.ChoiceField(
        choices=ServiceLevel.choices, allow_null=True, help_text="Of the free programme; null in others."
    )
    membership_active = serializers.BooleanField(help_text="Whether members who live there have benefits.")
    on_hold = serializers.BooleanField(help_text="Nobody can join there at the moment, and no service is promised.")
    served_with = serializers.CharField(
        allow_null=True,
        help_text="Of an island or a very small country: the code of the one whose centres serve it.",
    )


class CountriesSerializer(serializers.Serializer[Any]):
    results: Any = CountrySerializer(many=True)


class BenefitSerializer(serializers.Serializer[Any]):
    """What a level gives in countries of a service level, or in one country only."""

    service_level = serializers.ChoiceField(choices=ServiceLevel.choices)
    country = serializers.CharField(allow_null=True, help_text="Only there, instead of the row without a country.")
    fast_track_days = serializers.IntegerField(allow_null=True, help_text="Working days; null: no Fast Track (R44).")
    maintenance_discount = serializers.IntegerField(help_text="Percent (R51).")
    free_return = serializers.BooleanField()
    courtesy_loan = serializers.BooleanField()
    first_answer_hours = serializers.IntegerField(help_text="Working hours.")
    sample = serializers.BooleanField(help_text="Assumed, not published by the programme.")


class LevelRowSerializer(serializers.Serializer[Any]):
    level = serializers.ChoiceField(choices=Level.choices)
    name = serializers.CharField(help_text="In English.")
    points_from = serializers.IntegerField(help_text="The points at which it starts.")
    benefits: Any = BenefitSerializer(many=True)


class LevelsSerializer(serializers.Serializer[Any]):
    results: Any = LevelRowSerializer(many=True)


class CountriesView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="listCountries",
        tags=["Catalogue"],
        parameters=[IF_NONE_MATCH],
        responses={200: described(CountriesSerializer, "All countries with a programme."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request) -> HttpResponse:
        """The countries and their programmes today, by name, without pages."""
        rows = {row.country.code: row for row in CountryProgramme.objects.in_force()}
        countries = [_country(rows[code], name) for code, name in list_countries(rows)]
        return json_response_with_etag(request, {"results": countries})


class LevelsView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="listLevels",
        tags=["Catalogue"],
        parameters=[IF_NONE_MATCH],
        responses={200: described(LevelsSerializer, "All levels."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request) -> HttpResponse:
        """The levels, the lowest first, with the points at which they start and their benefits, without pages."""
        benefits: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in LevelBenefit.objects.order_by("service_level", "country"):
            benefits[row.level].append(_benefit(row))
        points = LevelThreshold.objects.in_force()
        levels = [
            {"level": level, "name": Level(level).label, "points_from": points[level], "benefits": benefits[level]}
            for level in points
        ]
        return json_response_with_etag(request, {"results": levels})


def _country(row: CountryProgramme, name: str) -> dict[str, Any]:
    return {
        "code": row.country.code,
        "name": name,
        "region": row.region,
        "programme": row.kind,
        "service_level": row.service_level or None,
        "membership_active": home_of(row.kind, row.service_level) in ACTIVE_HOMES,
        "on_hold": row.on_hold,
        "served_with": row.served_with.code or None,
    }


def _benefit(row: LevelBenefit) -> dict[str, Any]:
    return {
        "service_level": row.service_level,
        "country": row.country.code or None,
        "fast_track_days": row.fast_track_days,
        "maintenance_discount": row.maintenance_discount,
        "free_return": row.free_return,
        "courtesy_loan": row.courtesy_loan,
        "first_answer_hours": row.first_answer_hours,
        "sample": row.sample,
    }
