"""The contract held against what is made up from it: every operation, as each kind of partner that may ask it (R55).

`make test-schema`, SCHEMA_EXAMPLES=... of each operation beside the examples of the contract and the limits of each
value, which Schemathesis works out by itself. Fewer than twenty: one kind for each, and the limits of some.
"""

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test

from cps_portal.core.partners.enums import PartnerKind
from tests.api.contract import EXAMPLES, LONG, Asker, may, name_of, operations
from tests.api.stage import reference, set_stage
from tests.world import World

pytestmark = pytest.mark.schema
SOME = {"checkCard", "getSale", "getTicket", "listLoanUnits"}  # their limits also when there is little time


def pairs() -> list[Any]:
    found = []
    for operation in operations():
        kinds = [kind for kind in PartnerKind if may(kind, operation)]
        limits = LONG or name_of(operation) in SOME
        found += [
            pytest.param(operation, kind, limits, id=f"{name_of(operation)}-{kind}")
            for kind in (kinds if LONG else kinds[:1])
        ]
    return found


@pytest.mark.parametrize(("operation", "kind", "limits"), pairs())
def test_every_answer_is_what_the_contract_says(operation: Any, kind: PartnerKind, limits: bool, world: World) -> None:
    asker = Asker(set_stage(world, kind), reference())
    modes = [mode for mode in HypothesisTestMode if limits or mode != HypothesisTestMode.COVERAGE]
    config = HypothesisTestConfig(
        project=operation.schema.config,
        modes=modes,
        settings=settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    create_test(operation=operation, test_func=asker.ask, config=config)()
    # What takes neither a parameter nor a body has one example.
    assert asker.seen.total() >= (EXAMPLES if operation.method != "get" or list(operation.iter_parameters()) else 1)
