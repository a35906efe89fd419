"""Who is behind a change, in the history of tracked rows (R54)."""

from typing import Any

import pghistory
from django.contrib.auth.base_user import AbstractBaseUser


def attributed_to(by: AbstractBaseUser | None, **details: Any) -> pghistory.context:
    """Context manager: every history row written inside names this person, whatever entry point they came through.

    The middleware does the same for the signed-in user, but actions are also called by tasks, commands and the API.
    With `None`, the portal itself, nothing is added: all changes of a request share one context, and the person who is
    signed in must not be overwritten.
    """
    return pghistory.context(**({"user": by.pk} if by else {}), **details)
