"""Conditional requests of pages that ask again for their live part: 304 while it would look the same.

The pages may not be stored (they hold personal data), so the browser has nothing to compare; the script sends the ETag
of what is shown as If-None-Match, and htmx swaps nothing on 304 (static/js/requests.js).
"""

from hashlib import blake2s

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags

DIGEST_BYTES = 12


def etag_of(stamp: str) -> str:
    """Of a text that changes whenever the page would look different; letters and digits, without quotation marks."""
    return blake2s(stamp.encode(), digest_size=DIGEST_BYTES).hexdigest()


def not_modified(request: HttpRequest, etag: str) -> HttpResponse | None:
    """304 if the page that asks shows this already. A proxy that compresses may have made the ETag a weak one."""
    known = {tag.removeprefix("W/").strip('"') for tag in parse_etags(request.headers.get("If-None-Match", ""))}
    return with_etag(HttpResponseNotModified(), etag) if etag in known else None


def with_etag(response: HttpResponse, etag: str) -> HttpResponse:
    response["ETag"] = f'"{etag}"'
    return response
