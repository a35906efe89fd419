"""Keep what was typed into a form that could not be accepted, and delete it with the account (R14, R71)."""

import json
import re
import secrets
from datetime import datetime

from django.db import transaction
from django.http import QueryDict

from cps_portal.core.submissions import tokens
from cps_portal.core.submissions.models import MAX_PAGE_LENGTH, KeptForm, Submission
from cps_portal.core.submissions.tokens import FormToken

SECRET_NAMES = re.compile(
    r"pass(word|code|phrase)|(?<!postal)(?<!sorting)(^|_)code$|(^|_)(pin|otp|token|credential|secret|csrf\w*|iban|cvc)"
    r"($|_)|card_?number",
    re.IGNORECASE,
)
BROWSER = re.compile(r"[\w-]{43}", re.ASCII)  # as `new_browser` makes them
MAX_KEPT_BYTES = 100_000  # of one form
MAX_KEPT_FORMS = 10  # of one browser; the oldest goes


def new_browser() -> str:
    """256 random bits, for the cookie."""
    return secrets.token_urlsafe(32)


def fields_to_keep(data: QueryDict) -> list[tuple[str, list[str]]]:
    """What may be kept of a form: no passwords, codes or tokens. Files are not part of it.

    Emptied fields are kept as well, because their page would show again what was in them.
    """
    return [
        (name, [str(value).replace("\x00", "") for value in values])
        for name, values in data.lists()
        if name != tokens.FIELD and not SECRET_NAMES.search(name)
    ]


@transaction.atomic
def keep_form(*, browser: str, account: int | None, token: FormToken, path: str, data: QueryDict, at: datetime) -> bool:
    """Keep what was typed, instead of what was kept of the same form before. False if it is too much or nothing."""
    fields = fields_to_keep(data)
    is_empty = not any(any(values) for _name, values in fields)
    if is_empty or len(json.dumps(fields)) > MAX_KEPT_BYTES or len(path) > MAX_PAGE_LENGTH:
        return False
    KeptForm.objects.update_or_create(
        browser=browser, account_id=account, page=token.page, path=path, defaults={"fields": fields, "at": at}
    )
    newest = KeptForm.objects.filter(browser=browser).values("pk")[:MAX_KEPT_FORMS]
    KeptForm.objects.filter(browser=browser).exclude(pk__in=newest).delete()
    return True


@transaction.atomic
def delete_forms_of(*, account: int) -> None:
    """Delete what was kept of an account that is erased (R14)."""
    KeptForm.objects.filter(account=account).delete()
    Submission.objects.filter(account=account).delete()
