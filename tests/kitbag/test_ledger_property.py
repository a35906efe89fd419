"""Whatever members and staff do in whatever order, the ledger, the points and the level agree (R11, R18, R20, R21)."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cps_portal.core.lib.errors import Refusal
from kitbag.actions import ledger, registrations, removals, review
from kitbag.enums import RefusalReason, RegistrationState, RemovalReason, Stage
from kitbag.models import PointsEntry, Product, Registration
from members import rules as member_rules
from members.enums import PointsCause
from members.models import LevelChange, LevelThreshold, Member
from tests.factories import details, moved
from tests.snapshot import cast
from tests.world import World

SERIALS = st.sampled_from(["300000000001", "0300000000001", "3000 0000 0002", "300000000003", "12345"])
EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "6"))  # .ci/run asks for more
START = datetime(2026, 3, 1, tzinfo=UTC)


class Kitbags(RuleBasedStateMachine):
    """Two members, a member of staff and the machine, doing anything that the actions offer."""

    rows = Bundle("rows")

    @initialize()
    def begin(self) -> None:
        self.outer = transaction.atomic()
        self.outer.__enter__()
        self.world: World = cast()
        self.at = START

    def teardown(self) -> None:
        if hasattr(self, "outer"):
            transaction.set_rollback(True)
            self.outer.__exit__(None, None, None)

    def attempt(self, action: Any, **arguments: Any) -> None:
        """Refused is an answer like any other; anything else an action raises is a failure."""
        self.at += timedelta(minutes=1)
        with suppress(Refusal):
            action(**arguments)

    @rule(target=rows, who=st.sampled_from(["ana", "ben"]), what=st.sampled_from(["body", "pro_body", "lens", "grip"]))
    def add(self, who: str, what: str) -> Registration:
        member, product = getattr(self.world, who), getattr(self.world, what)
        return registrations.add_product(member=member, product=product, at=self.at)

    @rule(row=rows, serial=SERIALS, insisted=st.booleans(), no_serial=st.booleans())
    def submit(self, row: Registration, serial: str, insisted: bool, no_serial: bool) -> None:
        given = details(serial, no_serial=no_serial)
        self.attempt(registrations.submit_registration, registration=row, details=given, insisted=insisted, at=self.at)

    @rule(row=rows)
    def check(self, row: Registration) -> None:
        self.attempt(registrations.check_registration, registration=row, at=self.at)

    @rule(row=rows)
    def approve(self, row: Registration) -> None:
        self.attempt(review.approve_registration, registration=row, by=self.world.staff, at=self.at)

    @rule(row=rows, reason=st.sampled_from(RefusalReason))
    def refuse(self, row: Registration, reason: RefusalReason) -> None:
        self.attempt(review.refuse_registration, registration=row, reason=reason, by=self.world.staff, at=self.at)

    @rule(row=rows)
    def reopen(self, row: Registration) -> None:
        self.attempt(registrations.reopen_registration, registration=row, at=self.at)

    @rule(row=rows, reason=st.sampled_from(RemovalReason))
    def remove(self, row: Registration, reason: RemovalReason) -> None:
        self.attempt(removals.remove_registration, registration=row, reason=reason, by=None, at=self.at)

    @rule(what=st.sampled_from(["body", "pro_body", "lens"]), stage=st.sampled_from(Stage))
    def change_stage(self, what: str, stage: Stage) -> None:
        product: Product = getattr(self.world, what)
        product.refresh_from_db()
        if product.stage != stage:
            self.at += timedelta(days=101)
            moved(product, stage, self.at)

    @invariant()
    def entries_sum_to_the_points_of_the_member(self) -> None:
        if not hasattr(self, "world"):
            return
        thresholds = LevelThreshold.objects.in_force()
        for member in Member.objects.all():
            total = PointsEntry.objects.filter(member=member).aggregate(sum=Sum("amount"))["sum"] or 0
            assert member.points == total
            assert member.level == member_rules.level_for(total, thresholds)
            last = LevelChange.objects.filter(member=member).order_by("pk").last()
            assert member.level == (last.to_level if last else "red")

    @invariant()
    def only_what_is_validated_counts_and_as_much_as_its_stage_says(self) -> None:
        if not hasattr(self, "world"):
            return
        for row in Registration.objects.with_counted().select_related("product"):
            expected = row.product.points if row.state == RegistrationState.VALIDATED else 0
            assert row.counted == expected

    @invariant()
    def settling_again_writes_nothing(self) -> None:
        if not hasattr(self, "world"):
            return
        keys = list(Registration.objects.values_list("pk", flat=True))
        again = ledger.reconcile(registrations=keys, cause=PointsCause.VALIDATED, about="", by=None, at=self.at)
        assert again == ledger.LedgerChanges()

    @invariant()
    def one_serial_of_a_product_counts_once(self) -> None:
        if not hasattr(self, "world"):
            return
        counting = Registration.objects.filter(state=RegistrationState.VALIDATED, serial_key__isnull=False)
        keys = list(counting.values_list("product", "serial_key"))
        assert len(keys) == len(set(keys))


@pytest.mark.wide
@pytest.mark.django_db
def test_the_ledger_agrees_whatever_happens() -> None:
    run_state_machine_as_test(
        Kitbags,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
