"""However planning, telling, applying, registering, removing, crashing and replaying interleave: R20 to R22."""

import os
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import planning, removals, stage_change_notices, stage_changes
from kitbag.actions.planning import Plan
from kitbag.enums import RegistrationState, RemovalReason, Stage
from kitbag.models import Product, Registration, StageChange
from members import actions as members
from members.enums import ChangeState
from tests import ledger
from tests.factories import announced, validated
from tests.snapshot import cast
from tests.world import World

EXAMPLES = int(os.environ.get("CHANGES_EXAMPLES", "5"))  # .ci/run asks for more
START = datetime(2026, 3, 1, tzinfo=UTC)
WHO = st.sampled_from(["ana", "ben", "chloe"])
WHAT = st.sampled_from(["body", "lens"])
CRASH = st.sampled_from([False, False, True])
NUMBER = st.integers(0, 5)


class Crash(Exception):
    """The worker is gone."""


class Changes(RuleBasedStateMachine):
    """Members who come and go while staff plan and the jobs work, each cut off now and then before its commit."""

    @initialize()
    def begin(self) -> None:
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.world: World = cast()
        self.at = START
        self.serial = 700000000000
        for member in (self.world.ben, self.world.chloe):
            self.register_for(member, self.world.body)
        change = announced(Plan(self.world.body, Stage.SUPERSEDED, self.day(61), self.world.grip), self.at)
        self.at = change.announced_at or self.at

    def teardown(self) -> None:
        if not hasattr(self, "outer"):
            return
        try:
            for change in StageChange.objects.filter(state=ChangeState.RUNNING):
                while stage_changes.reconcile_step(change=change.pk, limit=2, at=self.at):
                    pass
            assert not ledger.awaiting()
            self.agrees()
            if StageChange.objects.exists():
                ledger.assert_settling_again_writes_nothing()
        finally:
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)

    def register_for(self, member: Any, product: Product) -> None:
        self.serial += 1
        serial = str(self.serial) if product == self.world.body else str(self.serial)[-7:]
        validated(member, product, serial, at=self.at)

    @rule(who=WHO, what=WHAT)
    def register(self, who: str, what: str) -> None:
        self.at += timedelta(minutes=1)
        self.register_for(getattr(self.world, who), getattr(self.world, what))

    @rule(which=NUMBER)
    def remove(self, which: int) -> None:
        rows = list(Registration.objects.filter(state=RegistrationState.VALIDATED).order_by("pk"))
        if rows:
            row = rows[which % len(rows)]
            removals.remove_registration(registration=row, reason=RemovalReason.SOLD, by=None, at=self.at)

    @rule(what=WHAT, stage=st.sampled_from(Stage), days=st.sampled_from([61, 62]))
    def plan(self, what: str, stage: Stage, days: int) -> None:
        self.at += timedelta(minutes=1)
        with suppress(Refusal):
            planning.plan_changes(plans=[self.planned(what, stage, days)], by=None, at=self.at)

    @rule(which=NUMBER, what=WHAT, days=st.sampled_from([61, 62]))
    def replace(self, which: int, what: str, days: int) -> None:
        changes = list(StageChange.objects.planned())
        if changes:
            change = changes[which % len(changes)]
            plan = Plan(change.product, Stage(change.to_stage), self.day(days), change.successor)
            with suppress(Refusal):
                planning.replace_change(change=change, plan=plan, by=None, at=self.at)

    @rule(which=NUMBER)
    def cancel(self, which: int) -> None:
        changes = list(StageChange.objects.planned())
        if changes and which < 2:
            planning.cancel_change(change=changes[which % len(changes)], by=None, at=self.at)

    @rule(crash=CRASH)
    def tell(self, crash: bool) -> None:
        self.at += timedelta(hours=1)
        for change in stage_change_notices.changes_to_announce(at=self.at):
            self.step(crash, stage_change_notices.notify_holders_step, change=change, limit=1, at=self.at)
            while not crash and stage_change_notices.notify_holders_step(change=change, limit=1, at=self.at):
                pass

    @rule(crash=CRASH)
    def the_day_comes(self, crash: bool) -> None:
        change = StageChange.objects.planned().filter(announced_at__isnull=False).first()
        if change and change.told_in_time:
            ledger.assert_every_holder_was_told(change)
            self.at = max(self.at, datetime.combine(change.effective_on, time(12), UTC))
            begin = stage_changes.begin_change.__wrapped__  # type: ignore[attr-defined]  # durable
            self.step(crash, begin, change=change, at=self.at)

    @rule(which=NUMBER, crash=CRASH)
    def settle_some(self, which: int, crash: bool) -> None:
        running = list(StageChange.objects.filter(state=ChangeState.RUNNING).order_by("pk"))
        if running:
            change = running[which % len(running)]
            self.step(crash, stage_changes.reconcile_step, change=change.pk, limit=1, at=self.at)
            self.step(crash, members.notify_level_changes, limit=1, at=self.at)

    @invariant()
    def agrees(self) -> None:
        if hasattr(self, "world"):
            ledger.assert_points_and_levels_follow_the_entries()
            ledger.assert_only_what_is_validated_counts()
            ledger.assert_nobody_is_told_twice()

    def day(self, days: int) -> Any:
        return timezone.localdate(self.at) + timedelta(days=days)

    def planned(self, what: str, stage: Stage, days: int) -> Plan:
        product: Product = getattr(self.world, what)
        product.refresh_from_db()
        successor = self.world.grip if stage == Stage.SUPERSEDED else None
        return Plan(product, stage, self.day(days), successor)

    def step(self, crash: bool, action: Any, **arguments: Any) -> None:
        """Take a step; with `crash` it is cut off just before its commit."""
        self.at += timedelta(minutes=1)
        with suppress(Crash), transaction.atomic():
            action(**arguments)
            if crash:
                raise Crash


@pytest.mark.wide
@pytest.mark.django_db
def test_the_ledger_agrees_however_changes_interleave() -> None:
    run_state_machine_as_test(
        Changes,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
