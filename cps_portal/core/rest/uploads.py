"""Files as partners send them: `multipart/form-data` as strictly read as JSON, then the same way as a page's (R25)."""

from typing import IO, Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers, status
from rest_framework.parsers import DataAndFiles, MultiPartParser
from rest_framework.request import Request

from cps_portal.core.files import actions as files
from cps_portal.core.files.enums import CONTENT_TYPES
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib import buffered_counts
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.rest.errors import TooLarge
from cps_portal.core.rest.fields import StrictSerializer
from cps_portal.core.rest.views import MAX_BYTES, PartnerView

MEGABYTE = 1024 * 1024
CONTENTS = {(200, kind): OpenApiTypes.BINARY for kind in sorted(set(CONTENT_TYPES.values()))}


class ScannerUnavailable(exceptions.APIException):
    """The virus scanner gave no answer: as on a page nothing is taken until it does."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unreachable"
    default_detail = "We can’t take files for the moment. Try again in a few minutes, with the same Idempotency-Key."
    wait = 120


class StrictFormParser(MultiPartParser):
    """Refuses as malformed also what breaks on the way into a text column, and forms of many thousand parts."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> "DataAndFiles[Any, Any]":
        try:
            found = super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
            for name, values in (*found.data.lists(), *found.files.lists()):
                "".join([name, *(getattr(value, "name", value) for value in values)]).encode()  # halves of surrogates
        except (SuspiciousOperation, LookupError, ValueError) as error:
            raise exceptions.ParseError from error
        return found


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(serializers.FileField):
    """A file; what it is is found by its content."""


class StrictFormSerializer(StrictSerializer):
    """Also refuses what is given twice: one of the two would be lost without a word."""

    def to_internal_value(self, data: Any) -> Any:
        twice = sorted(name for name, values in data.lists() if len(values) > 1) if hasattr(data, "lists") else []
        if twice:
            raise serializers.ValidationError({str(name): ["Send this once."] for name in twice}, "twice")
        given = {name for name in data if isinstance(data[name], UploadedFile)}
        words = {name for name, field in self.fields.items() if not isinstance(field, serializers.FileField)}
        if wrong := sorted(given & words):
            raise serializers.ValidationError({name: ["Send this as a word, not as a file."] for name in wrong})
        return super().to_internal_value(data)


class UploadView(PartnerView):
    """A view to which a file is posted. What it wants to store it stores before its transaction, see files.store."""

    parser_classes = [StrictFormParser]
    max_bytes = settings.FILES_MAX_MEGABYTES * MEGABYTE + MAX_BYTES

    def validated_upload(self, request: Request, form: type[StrictFormSerializer]) -> dict[str, Any]:
        found = form(data=request.data)
        found.is_valid(raise_exception=True)
        return dict(found.validated_data)

    def store(self, upload: "UploadedFile[bytes]", purpose: str) -> StoredFile:
        """A clean copy, attached to nothing yet. Raises TooLarge, NobodyScans, Throttled, or ValidationError."""
        most, seconds = settings.FILES_UPLOAD_LIMIT
        found = buffered_counts.count(f"upload:{self.access.credential.pk}", seconds=seconds)
        if found and found[0] > most:
            raise exceptions.Throttled(wait=found[1])
        try:
            return files.store(upload=upload, purpose=purpose, by=None, at=timezone.now())
        except Refusal as refusal:
            if refusal.code == "big":
                raise TooLarge(str(refusal)) from refusal
            if refusal.code == "unreachable":
                raise ScannerUnavailable from refusal
            raise serializers.ValidationError({"file": [str(refusal)]}, refusal.code) from refusal


class ContentView(PartnerView):
    """A view that answers a file."""

    def content_of(self, file: StoredFile) -> FileResponse:
        """Only ever to be saved. Raises Http404 if it was erased a moment ago."""
        try:
            content = files.file_storage().open(file.stored_as)
        except FileNotFoundError as error:
            raise Http404 from error
        found = FileResponse(content, content_type=file.content_type, as_attachment=True, filename=file.download_name)
        found["X-Content-Type-Options"] = "nosniff"
        return found

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Whatever the partner accepts: there is one form of it."""
        return super().perform_content_negotiation(request, force=force or request.method == "GET")
