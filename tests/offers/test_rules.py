"""The state of a Welcome Pack follows from its reported steps (R37, R38)."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.offers.enums import PackState, PackStep
from members.offers.rules import PackStepRecord, card_number, pack_progress
from members.rules import luhn_digit
from tests.rows import each_row

DAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
STEPS = [step for step in PackStep if step != PackStep.ASKED]


def story(*steps: PackStep, sending: int = 1) -> list[PackStepRecord]:
    return [PackStepRecord(step, sending, DAY + timedelta(hours=n)) for n, step in enumerate(steps)]


@each_row(
    ("steps", "state"),
    [
        ((PackStep.ASKED,), PackState.REQUESTED),
        ((PackStep.ASKED, PackStep.ACCEPTED), PackState.ACCEPTED),
        ((PackStep.ASKED, PackStep.DISPATCHED, PackStep.PACKED), PackState.DISPATCHED),
        ((PackStep.ASKED, PackStep.DISPATCHED, PackStep.MISSING), PackState.DISPATCHED),
        ((PackStep.ASKED, PackStep.CANCELLED, PackStep.PACKED), PackState.CANCELLED),
        ((PackStep.ASKED, PackStep.CANCELLED, PackStep.DISPATCHED), PackState.DISPATCHED),
        ((PackStep.ASKED, PackStep.DISPATCHED, PackStep.RETURNED), PackState.RETURNED),
        ((PackStep.ASKED, PackStep.DISPATCHED, PackStep.RECEIVED), PackState.RECEIVED),
        ((PackStep.ASKED, PackStep.DISPATCHED, PackStep.RECEIVED, PackStep.RETURNED), PackState.RETURNED),
        ((PackStep.ASKED, PackStep.DISPATCHED, PackStep.RETURNED, PackStep.RECEIVED), PackState.RECEIVED),
    ],
)
def test_the_state_follows_from_all_steps_together(steps: tuple[PackStep, ...], state: PackState) -> None:
    assert pack_progress(story(*steps)).state == state


def test_reports_on_an_earlier_sending_do_not_affect_the_current_one() -> None:
    again = [*story(PackStep.ASKED, PackStep.DISPATCHED, PackStep.RETURNED), *story(PackStep.SENT_AGAIN, sending=2)]
    late = [*again, *story(PackStep.RETURNED, PackStep.DISPATCHED)]
    assert pack_progress(late).state == PackState.REQUESTED
    assert pack_progress(late).sending == 2


@given(st.lists(st.sampled_from(STEPS), max_size=4, unique=True))
def test_the_order_of_arrival_never_matters(steps: list[PackStep]) -> None:
    told = story(PackStep.ASKED, *steps)
    assert len({pack_progress(order).state for order in permutations(told)}) == 1


def test_a_card_number_has_a_check_digit() -> None:
    assert card_number(17) == "88" + "000000017" + luhn_digit("88000000017")
    with pytest.raises(ValueError, match="does not fit into a card number"):
        card_number(10**9)
