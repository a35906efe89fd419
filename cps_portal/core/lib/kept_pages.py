"""Public pages that are rendered once, and kept while the rows that they show are the same.

`Kept` keeps what was made from some tables in the memory of the process, with a signature of all their rows. The
signature is read anew each time, in the snapshot of the page: a change shows in the first page after its commit, and
nobody has to remember to clear a cache. `kept_for_visitors` keeps whole pages in this way, for people who are not
signed in.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property, wraps
from hashlib import blake2s
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language

from cps_portal.core.lib.etags import DIGEST_BYTES, not_modified, with_etag

T = TypeVar("T")
View = Callable[..., HttpResponse]
OK = 200
DRAWN = "CSRF_COOKIE_NEEDS_UPDATE"  # in request.META: where Django notes that a form has asked for its token
KEPT: "list[Kept]" = []


class Kept:
    """Values made from the rows of small tables, on one day: one for each key, in the memory of this process.

    `figures` returns what else is shown: of a large table, hashing all rows would cost more than counting them.
    """

    def __init__(self, *models: type[Model], figures: Callable[[], Hashable] = lambda: None) -> None:
        self.models = models
        self._figures = figures
        self._values: dict[Hashable, tuple[Hashable, Any]] = {}
        KEPT.append(self)

    @cached_property
    def _sql(self) -> str:
        tables = [connection.ops.quote_name(model._meta.db_table) for model in self.models]
        hashes = [f"(select sum(hash_record_extended(row, 0)) from {table} row)" for table in tables]  # noqa: S608
        return f"select {', '.join(hashes)}"

    def signature(self) -> tuple[Hashable, ...]:
        """Changes when a column of any row or a figure changes, and at midnight."""
        with connection.cursor() as cursor:
            cursor.execute(self._sql)
            return (timezone.localdate(), self._figures(), *cursor.fetchone())

    def get(self, key: Hashable, make: Callable[[], T], *, signature: Hashable = None) -> T:
        """What was made for this key while the signature was the same; else it is made, and kept."""
        signature = signature or self.signature()
        kept = self._values.get(key)
        if kept is None or kept[0] != signature:
            kept = self._values[key] = (signature, make())
        return kept[1]

    def forget(self) -> None:
        """Everything, because something has changed that never does in production: a setting, in a test."""
        self._values.clear()


@dataclass(frozen=True)
class _Page:
    body: bytes
    content_type: str
    etag: str


def kept_for_visitors(kept: Kept, *, by_minute: bool = False) -> Callable[[View], View]:
    """Decorator: the view is called once for each language and state of the data; visitors share what it answers.

    `by_minute`: the page says what is open now, as the foot of the portal's pages does. Requests with anything of
    their own are left out: of somebody who is signed in, with a query, with cookies that a page might show. An answer
    that sets a cookie or has the token of a form is not kept.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not _is_like_any_other(request):
                return view(request, *args, **kwargs)
            answers: list[HttpResponse] = []

            def make() -> _Page | None:
                answers.append(view(request, *args, **kwargs))
                return _kept_page(request, answers[0])

            signature = kept.signature() + ((timezone.now().replace(second=0, microsecond=0),) if by_minute else ())
            page = kept.get((view, request.path, get_language()), make, signature=signature)
            if page is None:
                return answers[0] if answers else view(request, *args, **kwargs)
            return not_modified(request, page.etag) or with_etag(
                HttpResponse(page.body, content_type=page.content_type), page.etag
            )

        return wrapper

    return decorate


def _is_like_any_other(request: HttpRequest) -> bool:
    """Whether nothing in the request can change the page but its address and language."""
    ignored = {settings.LANGUAGE_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.DEVICE_COOKIE_NAME}
    return not request.COOKIES.keys() - ignored and not request.GET and not request.user.is_authenticated


def _kept_page(request: HttpRequest, answer: HttpResponse) -> _Page | None:
    if answer.status_code != OK or answer.cookies or request.META.get(DRAWN):
        return None
    etag = blake2s(answer.content, digest_size=DIGEST_BYTES).hexdigest()
    return _Page(answer.content, answer["Content-Type"], etag)
