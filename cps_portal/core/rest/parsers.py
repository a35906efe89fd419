"""Strict parsing of request bodies."""

import json
from typing import IO, Any

from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.parsers import JSONParser


class StrictJSONParser(JSONParser):
    """Also refuses JSON that is nested too deeply, and text that PostgreSQL cannot store."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            parsed = super().parse(stream, media_type, parser_context)
            json.dumps(parsed, ensure_ascii=False).encode()  # fails for unpaired surrogates
        except (RecursionError, UnicodeEncodeError) as error:
            raise exceptions.ParseError from error
        return parsed


def content_length(request: HttpRequest) -> int:
    """Length of the body in bytes by its header. Django reads no further, and nothing without the header."""
    header = request.META.get("CONTENT_LENGTH") or "0"
    return int(header) if header.isdecimal() and len(header) < 19 else 0
