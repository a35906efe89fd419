"""From one answer to the next request along the links of the contract, as each kind of partner (R55).

`make test-schema`, SCHEMA_EXAMPLES=... times SCHEMA_STEPS=... of requests each.
"""

import os
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from schemathesis.generation.stateful.state_machine import StepOutput, normalize_name
from schemathesis.specs.openapi.expressions import evaluate

from cps_portal.core.partners.enums import PartnerKind
from tests.api.contract import EXAMPLES, LONG, Asker, contract, is_good, may, name_of
from tests.api.machines import machine
from tests.api.stage import BODIES, EASY, FIRST, QUERIES, begin, furnish, remember, set_stage
from tests.world import World

pytestmark = pytest.mark.schema
STEPS = int(os.environ.get("SCHEMA_STEPS", "30" if LONG else "12"))
ODD = 5  # each so many requests keep the body that was made up


# --- Each link once ------------------------------------------------------------------------------------


@dataclass
class Walk:
    """Goes along every link from where the contract can be entered, each time as far as it has not been."""

    asker: Asker
    stranger: Asker  # another partner of the same kind
    there: dict[str, Any]
    known: dict[str, Any]

    def __post_init__(self) -> None:
        self.followed: Counter[tuple[str, str]] = Counter()
        self.refused: dict[tuple[str, str], str] = {}

    def ask(self, name: str, parameters: dict[str, Any]) -> tuple[Any, Any]:
        operation = self.there[name]
        more = {"body": BODIES[name](self.known) if name in BODIES else {}} if operation.body else {}
        headers = {"Idempotency-Key": "walk"}
        case = operation.Case(path_parameters=parameters, query=QUERIES.get(name, {}), headers=headers, **more)
        answer = self.asker.call(case)
        self.asker.check(case, answer)
        if answer.headers.get("content-type") == ["application/json"]:
            remember(self.known, answer.json())
        if parameters and name != "getProduct":  # which is everybody's
            again = operation.Case(path_parameters=parameters, query=case.query, headers=headers, **more)
            assert self.stranger.call(again).status_code == 404, name
        return case, answer

    def go(self, name: str, parameters: dict[str, Any], way: tuple[tuple[str, str], ...] = ()) -> Any:
        """Ask, and follow what leads on from here unless that was done; all of it is undone afterwards."""
        case, answer = self.ask(name, parameters)
        for _step in EASY:  # as far as the job has to be
            if answer.status_code in (404, 409) and name in FIRST:
                self.ask(FIRST[name], parameters)
                case, answer = self.ask(name, parameters)
        links = case.operation.definition.raw["responses"].get(str(answer.status_code), {}).get("links", {})
        for target, link in links.items() if answer.status_code < 300 else ():
            pair = (name, target)
            if target not in self.there or pair in way or self.followed[pair]:
                continue
            begun, known = transaction.savepoint(), dict(self.known)
            output = StepOutput(answer, case)
            values = {one: evaluate(expression, output) for one, expression in link["parameters"].items()}
            followed = self.go(target, values, (*way, pair))
            if followed.status_code < 300:
                self.followed[pair] += 1
            else:
                self.refused[pair] = followed.text
            transaction.savepoint_rollback(begun)
            self.known = known
        return answer


@pytest.mark.parametrize("kind", PartnerKind)
def test_each_link_leads_on(kind: PartnerKind, world: World) -> None:
    found = furnish(world, set_stage(world, kind))
    there = {name_of(one): one for one in operations_of(kind)}
    walk = Walk(Asker(found), Asker(machine("stranger", kind)), there, begin(found))
    for name, one in there.items():
        if "{" not in one.path:
            walk.go(name, {})
    missed = {pair: walk.refused.get(pair) for pair in links_of(there) if not walk.followed[pair]}
    assert not missed, "\n".join(f"{pair}: {said}" for pair, said in missed.items())


def operations_of(kind: PartnerKind) -> list[Any]:
    return [found.ok() for found in contract(lambda one: may(kind, one)).get_all_operations()]


def links_of(there: dict[str, Any]) -> list[tuple[str, str]]:
    found = {
        (name, target)
        for name, one in there.items()
        for answer in one.definition.raw["responses"].values()
        for target in answer.get("links", {})
        if target in there
    }
    return sorted(found)


# --- Stories that are made up ------------------------------------------------------------------------------


def story_of(kind: PartnerKind, asker: Asker, followed: Counter[str]) -> Any:
    known = begin(asker.machine)
    base = contract(lambda one: may(kind, one)).as_state_machine()
    # What stands under something else is come to by a link, not with a key that is made up.
    below = {label for label in base._root_labels if "{" in label}

    class Story(base):  # type: ignore[misc, valid-type]
        """One story: what it changed is undone at its end, so that each begins alike."""

        def setup(self) -> None:
            self.known = dict(known)
            self.begun = transaction.savepoint()

        def teardown(self) -> None:
            transaction.savepoint_rollback(self.begun)

        def call(self, case: Any, **_more: Any) -> Any:
            name = name_of(case.operation)
            if is_good(case) and len(self.recorder.cases) % ODD:
                if name in BODIES:
                    case.body = BODIES[name](self.known)
                case.query = QUERIES.get(name, {})
            return asker.call(case)

        def after_call(self, response: Any, case: Any) -> None:
            super().after_call(response, case)
            if 200 <= response.status_code < 300:
                node = self.recorder.cases[case.id]
                followed[name_of(case.operation)] += bool(node.transition and node.is_transition_applied)
                if response.headers.get("content-type") == ["application/json"]:
                    remember(self.known, response.json())

        def validate_response(self, response: Any, case: Any, **_more: Any) -> None:
            asker.check(case, response, recorder=self.recorder)

    away = {normalize_name(f"RANDOM -> {label}"): None for label in below}
    return type("Story", (Story,), {**away, "_root_labels": base._root_labels - below})


@pytest.mark.parametrize("kind", PartnerKind)
def test_no_story_ends_in_a_fault(kind: PartnerKind, world: World) -> None:
    followed: Counter[str] = Counter()
    asker = Asker(furnish(world, set_stage(world, kind)))
    story_of(kind, asker, followed).run(
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
    )
    assert followed.total() > EXAMPLES * STEPS // 5, followed
