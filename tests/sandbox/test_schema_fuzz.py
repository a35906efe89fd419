"""The sandbox's own operations held against what is made up from the contract that a sandbox serves (R55).

As tests/api/test_schema_fuzz.py, as each kind of partner: what there is to make, to age and to trigger differs.
"""

from functools import cache
from typing import Any

import orjson
import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.settings import patched_settings
from hypothesis import HealthCheck
from hypothesis import settings as effort
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test

from cps_portal.core.partners.enums import PartnerKind
from cps_portal.sandbox.middleware import HEADER, KINDS, LOST, SLOW
from kitbag.models import Product
from tests.api.contract import EXAMPLES, LONG, Asker, loaded, name_of
from tests.api.machines import machine
from tests.sandbox.conftest import listen
from tests.servicing.jobs import a_centre

pytestmark = pytest.mark.schema
OWN = ("getSandboxData", "makeSandboxData", "ageSandboxData", "triggerSandboxEvent")
SOME = {"ageSandboxData", "triggerSandboxEvent"}  # their limits also when there is little time


class Calm(Asker):
    """Asks for no failure: what each value does is in test_failures.py. Values that are none are asked with."""

    def call(self, case: Any) -> Any:
        headers = case.headers or {}
        asked = headers.get(HEADER, "")
        if asked in (*KINDS, LOST) or SLOW.fullmatch(asked):
            headers.pop(HEADER)
        return super().call(case)


@cache
def served() -> bytes:
    """The contract as a sandbox serves it. test_absence.py compares that with the contract of production."""
    hooks = [*settings.SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"], "cps_portal.sandbox.api.contract.describe_sandbox"]
    with patched_settings({"POSTPROCESSING_HOOKS": hooks}):
        found = SchemaGenerator(urlconf="tests.sandbox.urls").get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return bytes(OpenApiJsonRenderer().render(found))


def operation_of(name: str) -> Any:
    (found,) = loaded(orjson.loads(served())).include(lambda one: name_of(one.operation) == name).get_all_operations()
    return found.ok()


@pytest.mark.parametrize("kind", PartnerKind)
@pytest.mark.parametrize("name", OWN)
def test_every_answer_is_what_the_contract_of_the_sandbox_says(name: str, kind: PartnerKind, sandbox: Product) -> None:
    found = machine("fuzz", kind)
    if kind == PartnerKind.CENTRE:
        a_centre(partner=found.partner)
    assert listen(found).post("sandbox/data").status_code == 200
    operation, asker = operation_of(name), Calm(found)
    limits = LONG or name in SOME
    config = HypothesisTestConfig(
        project=operation.schema.config,
        modes=[mode for mode in HypothesisTestMode if limits or mode != HypothesisTestMode.COVERAGE],
        settings=effort(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    create_test(operation=operation, test_func=asker.ask, config=config)()
    assert asker.seen.total() >= EXAMPLES
    assert asker.seen["good", 200], asker.seen
