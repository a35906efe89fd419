"""The engine of sessions: Django's in the database, which also says whom each session is about (R14)."""

import json
import re
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.utils import timezone

from cps_portal.core.lib.compiled_queries import CompiledQuery
from members.models import Session
from members.models.sign_ins import MAX_NAME_LENGTH

ADDRESS = re.compile(r'[^\s"@]+@[^\s"@]+')
KEPT: CompiledQuery[tuple[str]] = CompiledQuery(
    lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now).values_list("session_data")
)


class SessionStore(DatabaseSessionStore):
    """Saves `members.Session` rows, so that erasing somebody finds theirs without decoding those of everybody."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        """The data; empty if the session has ended or was never there. With every page: the SQL is compiled once."""
        row = KEPT.first(key=self.session_key, now=timezone.now()) if self.session_key else None
        if row is None:
            self._session_key = None
            return {}
        return dict(self.decode(row[0]))

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
