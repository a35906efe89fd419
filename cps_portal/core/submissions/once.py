"""A form with `{% once %}` takes effect once: the same form again gets the first answer (R71).

Effect and answer are written in one transaction, in which the row of the token comes first. A second press waits for
that row. Another form with the same token (the person went back, corrected it and sent it) is a new one, and its answer
replaces the first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.safestring import SafeString, mark_safe

from cps_portal.core.lib.form_body import hash_form
from cps_portal.core.submissions import tokens
from cps_portal.core.submissions.models import Submission
from cps_portal.core.submissions.tokens import FormToken

Answer = TypeVar("Answer", HttpResponse, HttpResponse | None)
NOT_TYPED = frozenset({tokens.FIELD, "csrfmiddlewaretoken"})


@dataclass(frozen=True)
class Attempt:
    """A form that was sent with a token."""

    request: HttpRequest
    token: FormToken
    body_hash: str

    def run(self, answer: Callable[[], Answer]) -> Answer | HttpResponse:
        """The first answer if this form has been accepted before, otherwise that of `answer`.

        Only a redirect is remembered: anything else shows the form again, and it may be corrected and sent again.
        """
        with transaction.atomic():
            row, is_new = Submission.objects.select_for_update().get_or_create(
                nonce=self.token.nonce,
                defaults={"account_id": self.token.account, "body_hash": self.body_hash, "at": timezone.now()},
            )
            if not is_new and row.body_hash == self.body_hash:
                return self._repeat(row)
            message_count = len(messages.get_messages(self.request))
            response = answer()
            if location := redirect_url(response):
                self._record(row, location, message_count)
            elif is_new:
                row.delete()
        return response

    def _record(self, row: Submission, location: str, message_count: int) -> None:
        row.body_hash, row.location, row.at = self.body_hash, location, timezone.now()
        row.messages = _read_messages(self.request)[message_count:]
        row.save()

    def _repeat(self, row: Submission) -> HttpResponse:
        """The first answer, with its messages: the browser has dropped them with the answer to the first press."""
        shown = [text for _level, text, _tags, _is_html in _read_messages(self.request)]
        for level, text, tags, is_html in row.messages:
            if text not in shown:
                # Stored by `_read_messages` from a message that was HTML already.
                messages.add_message(self.request, level, mark_safe(text) if is_html else text, tags)  # noqa: S308
        return HttpResponseRedirect(row.location)


def find_attempt(request: HttpRequest) -> Attempt | None:
    """The attempt of a form that was sent with `{% once %}`; None for every other request."""
    token = tokens.read_token(request) if request.method == "POST" else None
    if token is None or not token.once:
        return None
    body = hash_form(request, leave_out=NOT_TYPED)
    where = f"{request.get_full_path()}\n{request.user.pk}\n{body}"
    # Keyed, because a form can contain a password, which a plain hash would help to guess.
    return Attempt(request, token, salted_hmac(tokens.SALT, where, algorithm="sha256").hexdigest())


def run_once(request: HttpRequest, effect: Callable[[], HttpResponse | None]) -> HttpResponse | None:
    """For views that take files: they are stored first, and only `effect` runs in the transaction of the token.

    Without files in the request the middleware has begun that transaction already.
    """
    attempt: Attempt | None = getattr(request, "attempt", None)
    return attempt.run(effect) if attempt and request.FILES else effect()


def redirect_url(response: HttpResponse | None) -> str:
    """Where a response leads, also the one for htmx; "" if it is no redirect."""
    if response is None:
        return ""
    if 300 <= response.status_code < 400:
        return response.headers.get("Location", "")
    return response.headers.get("HX-Redirect", "")


def _read_messages(request: HttpRequest) -> list[tuple[int, str, str, bool]]:
    storage: Any = messages.get_messages(request)
    read = []
    for message in storage:
        message.message = str(message.message)  # a lazy text could no longer be stored after it has been read
        read.append((message.level, message.message, message.extra_tags or "", isinstance(message.message, SafeString)))
    storage.used = False  # reading them here must not delete them
    return read
