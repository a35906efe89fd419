"""Uploads and downloads of files by partners (R25)."""

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
from cps_portal.core.lib.disk_full import HTTP_INSUFFICIENT_STORAGE
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.rest.errors import TooLarge
from cps_portal.core.rest.fields import StrictSerializer
from cps_portal.core.rest.schema import described
from cps_portal.core.rest.views import MAX_BYTES, PartnerView

MEGABYTE = 1024 * 1024
CONTENTS = {(200, kind): described(OpenApiTypes.BINARY, "The file.") for kind in sorted(set(CONTENT_TYPES.values()))}


class ScannerUnavailable(exceptions.APIException):
    """The virus scanner does not answer. No file is accepted unscanned."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unreachable"
    default_detail = "We can’t accept files at the moment. Try again in a few minutes with the same Idempotency-Key."
    wait = 120


class DecodersBusy(ScannerUnavailable):
    """Other files of this partner are being opened, or too many of others."""

    default_code = "busy"
    wait = 5


class StorageFull(exceptions.APIException):
    """There is no room for the file. Nothing of it is kept."""

    status_code = HTTP_INSUFFICIENT_STORAGE
    default_code = "full"
    default_detail = "Our storage is full. Try again later with the same Idempotency-Key."


UNAVAILABLE = {"unreachable": ScannerUnavailable, "busy": DecodersBusy, "full": StorageFull}


class StrictFormParser(MultiPartParser):
    """Also refuses text that PostgreSQL cannot store, and forms with thousands of parts."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None
    ) -> "DataAndFiles[Any, Any]":
        try:
            parsed = super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
            for name, values in (*parsed.data.lists(), *parsed.files.lists()):
                "".join([name, *(getattr(value, "name", value) for value in values)]).encode()  # unpaired surrogates
        except (SuspiciousOperation, LookupError, ValueError) as error:
            raise exceptions.ParseError from error
        return parsed


@extend_schema_field(OpenApiTypes.BINARY)
class UploadField(serializers.FileField):
    """A file. Its type is detected from its content."""


class StrictFormSerializer(StrictSerializer):
    """Also refuses a field that is sent twice, because all but one would be ignored."""

    def to_internal_value(self, data: Any) -> Any:
        repeated = sorted(name for name, values in data.lists() if len(values) > 1) if hasattr(data, "lists") else []
        if repeated:
            raise serializers.ValidationError({str(name): ["Send this only once."] for name in repeated}, "twice")
        files_sent = {name for name in data if isinstance(data[name], UploadedFile)}
        text_fields = {name for name, field in self.fields.items() if not isinstance(field, serializers.FileField)}
        if wrong := sorted(files_sent & text_fields):
            raise serializers.ValidationError({name: ["Send this as text, not as a file."] for name in wrong})
        return super().to_internal_value(data)


class UploadView(PartnerView):
    """A view that receives a file. It stores the file before the transaction of the request, see files.store."""

    parser_classes = [StrictFormParser]
    max_bytes = settings.FILES_MAX_MEGABYTES * MEGABYTE + MAX_BYTES

    def validated_upload(self, request: Request, form: type[StrictFormSerializer]) -> dict[str, Any]:
        serializer = form(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def store(self, upload: "UploadedFile[bytes]", purpose: str) -> StoredFile:
        """Store a clean copy, not attached to anything yet.

        Raises TooLarge, ScannerUnavailable, DecodersBusy, StorageFull, Throttled or ValidationError.
        """
        limit, seconds = settings.FILES_UPLOAD_LIMIT
        counted = buffered_counts.count(f"upload:{self.access.credential.pk}", seconds=seconds)
        if counted and counted[0] > limit:
            raise exceptions.Throttled(wait=counted[1])
        try:
            sender = f"credential-{self.access.credential.pk}"
            return files.store(upload=upload, purpose=purpose, by=None, at=timezone.now(), sender=sender)
        except Refusal as refusal:
            if refusal.code == "big":
                raise TooLarge(str(refusal)) from refusal
            if unavailable := UNAVAILABLE.get(refusal.code):
                raise unavailable from refusal
            raise serializers.ValidationError({"file": [str(refusal)]}, refusal.code) from refusal


class ContentView(PartnerView):
    """A view that returns a file."""

    def content_of(self, file: StoredFile) -> FileResponse:
        """As an attachment, never shown by a browser. Raises Http404 if the file has just been erased."""
        try:
            content = files.file_storage().open(file.stored_as)
        except FileNotFoundError as error:
            raise Http404 from error
        response = FileResponse(
            content, content_type=file.content_type, as_attachment=True, filename=file.download_name
        )
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Ignore `Accept`: a file has only one representation."""
        return super().perform_content_negotiation(request, force=force or request.method == "GET")
