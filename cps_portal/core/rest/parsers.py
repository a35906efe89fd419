"""Bodies as strictly as a database needs them."""

import json
from typing import IO, Any

from django.http import HttpRequest
from rest_framework import exceptions
from rest_framework.parsers import JSONParser


class StrictJSONParser(JSONParser):
    """Refuses as malformed also what is nested beyond reason, and what no text column takes."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            found = super().parse(stream, media_type, parser_context)
            json.dumps(found, ensure_ascii=False).encode()  # halves of surrogate pairs
        except (RecursionError, UnicodeEncodeError) as error:
            raise exceptions.ParseError from error
        return found


def length_of(request: HttpRequest) -> int:
    """Of the body, as announced: nothing is read past it, and without it there is no body."""
    given = request.META.get("CONTENT_LENGTH") or "0"
    return int(given) if given.isdecimal() and len(given) < 19 else 0
