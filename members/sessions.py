"""The engine of sessions: Django's in the database, which also says whom each session is about (R14)."""

import json
import re
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.base_session import AbstractBaseSession

from members.models import Session
from members.models.sign_ins import MAX_NAME_LENGTH

ADDRESS = re.compile(r'[^\s"@]+@[^\s"@]+')


class SessionStore(DatabaseSessionStore):
    """Saves `members.Session` rows, so that erasing somebody finds theirs without decoding those of everybody."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        row = super().create_model_instance(data)
        assert isinstance(row, Session)  # noqa: S101 (for the types)
        row.names = names_in(data)
        return row


def names_in(data: dict[str, Any]) -> list[str]:
    """Whom the data of a session are about: the key of the account that is signed in, and every address in them."""
    addresses = ADDRESS.findall(json.dumps(data, default=str, ensure_ascii=False).lower())
    account = [str(data[SESSION_KEY])] if SESSION_KEY in data else []
    return account + sorted({address[:MAX_NAME_LENGTH] for address in addresses})
