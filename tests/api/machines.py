"""A partner's system, for tests: it fetches a token as any client of OAuth does, and asks with it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.http import HttpResponse
from django.test import Client
from django.test.client import encode_multipart
from django.utils import timezone

from cps_portal.core.partners import actions
from cps_portal.core.partners.enums import SCOPES, PartnerKind
from cps_portal.core.partners.models import Credential, Partner

API = "/api/v1/"
FORM, FILES, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"


@dataclass
class Machine:
    partner: Partner
    credential: Credential
    secret: str
    client: Client = field(default_factory=Client)
    token: str = ""

    def fetch(self, **more: str) -> HttpResponse:
        data = {
            "grant_type": "client_credentials",
            "client_id": self.credential.client_id,
            "client_secret": self.secret,
            **more,
        }
        answer = self.client.generic("POST", f"{API}oauth/token", urlencode(data), content_type=FORM)
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, data: Any = None, *, key: str | None = None, **headers: str) -> HttpResponse:
        """With a key of its own unless one is given; "" for none."""
        once = uuid4().hex if key is None else key
        return self.ask("POST", path, data, **({"Idempotency-Key": once} if once else {}), **headers)

    def send(
        self, path: str, parts: dict[str, Any], *, key: str | None = None, boundary: str = "a-line", **headers: str
    ) -> HttpResponse:
        """A form with files, as `post`."""
        once = uuid4().hex if key is None else key
        return self.ask(
            "POST",
            path,
            encode_multipart(boundary, parts),
            f"{FILES}; boundary={boundary}",
            **({"Idempotency-Key": once} if once else {}),
            **headers,
        )

    def ask(self, method: str, path: str, data: Any = None, kind: str = JSON, **headers: str) -> HttpResponse:
        if not self.token:
            assert self.fetch().status_code == 200
        body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
        return self.client.generic(
            method,
            f"{API}{path}",
            body,
            content_type=kind,
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )


def machine_of(partner: Partner) -> Machine:
    """A system of a partner that is there already, with every scope that it may have."""
    credential, secret = actions.issue_credential(
        partner=partner, name="System", scopes=SCOPES[partner.kind], by=None, at=timezone.now()
    )
    return Machine(partner, credential, secret)


def machine(
    slug: str = "joburg", kind: PartnerKind = PartnerKind.CENTRE, scopes: Iterable[str] = (), **more: Any
) -> Machine:
    """A partner with a credential that may do all its kind may, unless scopes are named."""
    partner, _made = Partner.objects.get_or_create(slug=slug, defaults={"name": f"Partner {slug}", "kind": kind})
    wanted = list(scopes) or list(SCOPES[kind])
    credential, secret = actions.issue_credential(
        partner=partner, name="Workshop system", scopes=wanted, by=None, at=timezone.now(), rate=100_000, **more
    )
    return Machine(partner, credential, secret)
