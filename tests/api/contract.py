"""The contract as Schemathesis takes it, with the application itself behind it."""

import os
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from schemathesis.specs.openapi.checks import ensure_resource_availability, ignored_auth

from cps_portal.core.partners.enums import SCOPES, PartnerKind
from cps_portal.core.rest.idempotency import HEADER
from tests.api.committed import read_contract
from tests.api.machines import Machine

# The tokens are a library's and follow RFC 6749; the signed endpoint has a table of its own (tests/offers).
ELSEWHERE = {"fetchToken", "revokeToken", "reportOnWelcomePack"}
CALLER = {"REMOTE_ADDR": "127.0.0.1", "HTTP_ACCEPT_ENCODING": "identity"}
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "10"))
LONG = EXAMPLES >= 20
HOST = "http://testserver"


class Portal(WSGIHandler):
    """The transaction of the test stays open from one request to the next, as with Django's own client."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)
        try:
            answer = super().__call__({**environ, **CALLER}, start_response)
            body = list(answer)
            answer.close()
        finally:
            for signal in (request_started, request_finished):
                signal.connect(close_old_connections)
        return body


@cache
def _whole() -> Any:
    return loaded(read_contract())


def loaded(document: dict[str, Any]) -> Any:
    """A contract, with the portal of the settings of this moment behind it."""
    # To Schemathesis a token is something to take away or to forge only under this name.
    document["components"]["securitySchemes"]["oauth2"] = {"type": "http", "scheme": "bearer"}
    found = schemathesis.openapi.from_dict(document)
    found.app = Portal()
    found.config.generation.update(with_security_parameters=False, deterministic=True, allow_x00=False)
    found.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "304", "400", "404", "409", "412"]
    found.config.phases.stateful.inference.algorithms = []  # the links are ours: they are in the contract
    return found


def contract(wanted: Callable[[Any], bool]) -> Any:
    """The part of it with these operations."""
    return _whole().include(lambda one: name_of(one.operation) not in ELSEWHERE and wanted(one.operation))


def operations() -> list[Any]:
    return [found.ok() for found in contract(lambda _one: True).get_all_operations()]


def name_of(operation: Any) -> str:
    return str(operation.definition.raw["operationId"])


def may(kind: PartnerKind, operation: Any) -> bool:
    """Whether a partner of this kind may hold the scope."""
    [(_scheme, wanted)] = operation.definition.raw["security"][0].items()
    return set(wanted) <= set(SCOPES[kind])


# A rule of ours that no schema can say: what is refused with 400 although it looks as it should.
BEYOND = {
    "unknown",  # names nothing of ours
    "empty",  # a list of nothing
    "signs",  # what no form takes either
    "url",
    "tracking_url",  # a host that could not be one
    "file",  # bytes that are no photo
    "email",  # what the standard has names for and no mail server
    "far",  # a moment that no calendar of ours reaches
    "openTicket serial",
    "openVisitorTicket serial",  # not one digit or letter
    "checkIntake ",
    "checkIntake product",  # one of three, and what goes with which
    "openTicket product",
    "openVisitorTicket product",  # needed, or not, with what else is said
    "reportOnWelcomePackByToken reason",
    "in_warranty",
}

WRITTEN_LATER = {"getServiceReport"}  # a ticket that was just opened has none yet: 404


class Asker:
    """One partner's system. Each answer goes through every check that Schemathesis has."""

    def __init__(self, found: Machine, reference: str = "") -> None:
        """`reference`: of something that there is, instead of each second one that is made up."""
        assert found.fetch().status_code == 200
        self.machine, self.reference = found, reference
        self.headers = {"Authorization": f"Bearer {found.token}"}
        self.guarded: set[str] = set()  # where no token and a forged one were refused: once each is enough
        self.seen: Counter[tuple[str, int]] = Counter()

    def ask(self, case: Any) -> None:
        self.check(case, self.call(case))

    def call(self, case: Any) -> Any:
        if is_good(case):
            if self.reference and "reference" in case.path_parameters and self.seen.total() % 2:
                case.path_parameters["reference"] = self.reference
            if HEADER in (case.headers or {}):
                case.headers[HEADER] = f"made-up-{self.seen.total()}"
            for name in ("If-Match", "If-None-Match"):  # no version that is made up is there
                (case.headers or {}).pop(name, None)
            (case.query or {}).pop("cursor", None)  # sealed by us, and only for the list that it came from
        answer = case.call(base_url=HOST, headers=self.headers)
        self.seen["good" if is_good(case) else "bad", answer.status_code] += 1
        return answer

    def check(self, case: Any, answer: Any, **more: Any) -> None:
        name = name_of(case.operation)
        excluded = [ignored_auth] if name in self.guarded else []
        if name in WRITTEN_LATER:
            excluded.append(ensure_resource_availability)
        case.validate_response(
            answer,
            additional_checks=[is_refused_by_a_rule],
            headers=self.headers,
            transport_kwargs={"base_url": HOST, "headers": self.headers},
            excluded_checks=excluded,
            **more,
        )
        if answer.status_code < 300:
            self.guarded.add(name)


def is_good(case: Any) -> bool:
    """Made up to be right, or written by us."""
    return case.meta is None or bool(case.meta.generation.mode.is_positive)


def is_refused_by_a_rule(_context: Any, response: Any, case: Any) -> None:
    if not is_good(case) or response.status_code != 400:
        return
    said = response.json()
    name = name_of(case.operation)
    for one in said.get("errors", [{"code": said["code"]}]):
        place = next((one[key] for key in ("parameter", "pointer", "header") if key in one), "").rpartition("/")[2]
        assert BEYOND & {place, one["code"], f"{name} {place}"}, f"{name}: {said}"
