"""The contract held against what is made up from it: every operation, as the kind of partner it is for (R55).

`make test-schema`, SCHEMA_EXAMPLES=... of each operation.
"""

import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import urllib3
import yaml
from django.conf import settings as conf
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from cps_portal.partners.enums import SCOPES, PartnerKind
from servicing.models import Ticket
from tests.api.machines import Machine, machine
from tests.servicing.jobs import a_centre, at_the_centre
from tests.world import World

pytestmark = pytest.mark.schema
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "10"))
KINDS = {
    "Fulfilment": PartnerKind.FULFILMENT, "Sales": PartnerKind.RETAILER, "Webhooks": PartnerKind.CENTRE,
}  # fmt: skip
# The tokens are a library's and follow RFC 6749; the signed endpoint has a table of its own (tests/offers).
ELSEWHERE = {"fetchToken", "revokeToken", "reportOnWelcomePack"}
# A word that is no number is refused like a wrong one: 404 where it stands in an address, 409 by a rule of ours.
SENT = ("method", "url", "headers", "params", "json", "data", "files", "cookies")
EXCLUDED = [
    checks.ignored_auth,  # asks again without the token, which tests/api/test_access.py does for every route
    checks.use_after_free,
    checks.ensure_resource_availability,
    checks.unsupported_method,
    checks.positive_data_acceptance,  # our rules know more than a schema can say: 404, 409
]


@cache
def contract() -> Any:
    committed = Path(conf.BASE_DIR, "docs", "openapi.yaml").read_text(encoding="utf-8")
    return schemathesis.openapi.from_dict(yaml.safe_load(committed))


def operations() -> list[Any]:
    found = [result.ok() for result in contract().get_all_operations()]
    return [one for one in found if one.definition.raw["operationId"] not in ELSEWHERE]


def ask(case: Any, token: str) -> requests.Response:
    """Through the client of the tests, as bytes on a line would come."""
    kwargs = case.as_transport_kwargs(base_url="http://localhost", headers={"Authorization": f"Bearer {token}"})
    kwargs = {name: kwargs[name] for name in SENT if name in kwargs}
    sent = requests.Request(**kwargs).prepare()
    body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
    headers = {name: value for name, value in sent.headers.items() if name.lower() != "content-length"}
    headers["Accept-Encoding"] = "identity"
    content_type = str(headers.pop("Content-Type", "application/octet-stream"))
    answer = Client().generic(str(sent.method), sent.path_url, body, content_type, headers=headers)
    found = requests.Response()
    found.status_code, found.url, found.request = answer.status_code, str(sent.url), sent
    found._content = b"".join(answer) if answer.streaming else answer.content
    found.headers.update(answer.items())
    found.raw = urllib3.HTTPResponse(headers=dict(answer.items()), status=answer.status_code)
    found.elapsed = timedelta(milliseconds=1)
    return found


@pytest.fixture
def machines(world: World) -> dict[PartnerKind, Machine]:
    found = {kind: machine(f"fuzz-{kind}", kind, scopes=SCOPES[kind]) for kind in PartnerKind}
    centre = a_centre(partner=found[PartnerKind.CENTRE].partner)
    at_the_centre(world, centre)
    for one in found.values():
        one.fetch()
    assert Ticket.objects.count() == 1
    return found


@pytest.mark.parametrize("operation", operations(), ids=lambda one: one.definition.raw["operationId"])
def test_every_answer_is_what_the_contract_says(operation: Any, machines: dict[PartnerKind, Machine]) -> None:
    tag = operation.definition.raw["tags"][0]
    token = machines[KINDS.get(tag, PartnerKind.CENTRE)].token

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        case.validate_response(ask(case, token), excluded_checks=EXCLUDED)

    run()
    assert not_a_server_error not in EXCLUDED
