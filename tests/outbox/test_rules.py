from datetime import timedelta

from cps_portal.outbox import rules


def test_the_pauses_grow_from_a_minute_and_never_pass_four_hours() -> None:
    pauses = [rules.pause_after(n) for n in range(1, 12)]
    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert pauses[-1] == timedelta(hours=4)


def test_after_about_four_days_it_gives_up() -> None:
    pauses = [rules.pause_after(n) for n in range(1, 31)]
    assert pauses[-1] is None
    total = sum((pause for pause in pauses if pause), timedelta())
    assert timedelta(days=3) < total < timedelta(days=5)
