"""Carriers and service centres, for partners that show or choose them (R42, R55, R61)."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from cps_portal.core.partners.enums import Scope
from cps_portal.core.rest.resources import json_response_with_etag
from cps_portal.core.rest.schema import IF_NONE_MATCH, NOT_MODIFIED, described
from cps_portal.core.rest.views import PartnerView
from servicing.actions.shipping import travel_ways
from servicing.api.shipping import AddressSerializer
from servicing.enums import CentreKind, CentreStatus, Travel
from servicing.models import Carrier, ServiceCentre


class CarrierSerializer(serializers.Serializer[Any]):
    """A carrier by whose slug a shipment can be reported."""

    slug = serializers.CharField()
    name = serializers.CharField()
    link = serializers.CharField(
        allow_blank=True, help_text="The tracking page, with {number} for the tracking number."
    )


class CarriersSerializer(serializers.Serializer[Any]):
    results: Any = CarrierSerializer(many=True)


class CentreSerializer(serializers.Serializer[Any]):
    """A service centre. `address` is null if nothing can be sent there yet."""

    slug = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=CentreKind.choices)
    status = serializers.ChoiceField(choices=CentreStatus.choices)
    notice = serializers.CharField(allow_blank=True)
    country = serializers.CharField()
    city = serializers.CharField()
    address: Any = AddressSerializer(allow_null=True)
    address_is_sample = serializers.BooleanField()
    phone = serializers.CharField(allow_blank=True)
    email = serializers.CharField(allow_blank=True)
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()
    map_url = serializers.CharField()
    url = serializers.CharField(help_text="Its page in the portal.")
    zone = serializers.CharField(help_text="IANA time zone.")
    hours = serializers.CharField(help_text="By weekday, in the syntax of OpenStreetMap. Holidays are not in it.")
    services = serializers.ListField(child=serializers.CharField(), help_text="As in `service` of a job.")
    shelves = serializers.ListField(child=serializers.CharField(), help_text="As in `shelf` of a product.")
    travel = serializers.ListField(
        child=serializers.ChoiceField(choices=Travel.choices), help_text="How products get there."
    )


class CentresSerializer(serializers.Serializer[Any]):
    results: Any = CentreSerializer(many=True)


class CarriersView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="listCarriers",
        tags=["Catalogue"],
        parameters=[IF_NONE_MATCH],
        responses={200: described(CarriersSerializer, "All carriers that are offered."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request) -> HttpResponse:
        """The carriers that are offered, by name, without pages."""
        carriers = list(Carrier.objects.filter(is_offered=True).values("slug", "name", "link"))
        return json_response_with_etag(request, {"results": carriers})


class CentresView(PartnerView):
    scope = Scope.CATALOGUE

    @extend_schema(
        operation_id="listCentres",
        tags=["Catalogue"],
        parameters=[IF_NONE_MATCH],
        responses={200: described(CentresSerializer, "All service centres."), 304: NOT_MODIFIED},
    )
    def get(self, request: Request) -> HttpResponse:
        """All service centres, also suspended ones, by country and name, without pages."""
        return json_response_with_etag(
            request, {"results": [_centre(centre) for centre in ServiceCentre.objects.all()]}
        )


def _centre(centre: ServiceCentre) -> dict[str, Any]:
    return {
        "slug": centre.slug,
        "name": centre.name,
        "kind": centre.kind,
        "status": centre.status,
        "notice": centre.notice,
        "country": centre.country.code,
        "city": centre.city,
        "address": centre.address.partner_fields if centre.has_address else None,
        "address_is_sample": centre.address_is_sample,
        "phone": centre.phone,
        "email": centre.email,
        "latitude": float(centre.latitude),
        "longitude": float(centre.longitude),
        "map_url": centre.map_url,
        "url": f"{settings.SITE_URL}{centre.get_absolute_url()}",
        "zone": centre.zone,
        "hours": centre.hours,
        "services": centre.services,
        "shelves": centre.shelves,
        "travel": travel_ways(centre),
    }
