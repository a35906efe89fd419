"""The OpenAPI document as it is served. It is public, and generating it takes half a second (R55)."""

from functools import lru_cache
from hashlib import sha256
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.encoding import force_bytes
from django.utils.http import quote_etag
from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

RENDERERS = {"yaml": OpenApiYamlRenderer, "json": OpenApiJsonRenderer}


class ContractView(SpectacularAPIView):
    """As YAML, or as JSON by `Accept` or `?format=json`. Generated once per process."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase | None:
        renderer = request.accepted_renderer
        body, etag = contract(str(renderer.format))
        disposition = f'inline; filename="openapi.{renderer.format}"'
        headers = {"ETag": etag, "Cache-Control": "public, no-cache", "Content-Disposition": disposition}
        response = HttpResponse(body, content_type=renderer.media_type, headers=headers)
        return get_conditional_response(request._request, etag=etag, response=response)


@lru_cache
def contract(form: str) -> tuple[bytes, str]:
    """The document as "yaml" or "json", and its ETag."""
    with override("en"):
        schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    body = force_bytes(RENDERERS[form]().render(schema, renderer_context={}))
    return body, quote_etag(sha256(body).hexdigest()[:32])
