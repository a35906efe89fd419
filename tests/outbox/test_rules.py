from datetime import timedelta

from django.conf import settings

from cps_portal.core.outbox import rules
from tests.rows import each_row

MAIL, WEBHOOK = settings.OUTBOX_RETRY_POLICIES["mail"], settings.OUTBOX_RETRY_POLICIES["webhook"]


def test_the_pauses_of_a_mail_grow_from_a_minute_and_never_pass_four_hours() -> None:
    pauses = [rules.retry_delay(n, MAIL) for n in range(1, 12)]
    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert pauses[-1] == timedelta(hours=4)


def test_a_mail_is_given_up_after_about_four_days() -> None:
    pauses = [rules.retry_delay(n, MAIL) for n in range(1, 31)]
    assert pauses[-1] is None
    total = sum((pause for pause in pauses if pause), timedelta())
    assert timedelta(days=3) < total < timedelta(days=5)


@each_row(
    ("attempts", "minutes"), [(1, 1), (2, 2), (3, 4), (8, 128), (11, 1024), (12, 1440), (13, 1440), (32000, 1440)]
)
def test_a_webhook_is_tried_once_a_day_in_the_end_and_never_given_up(attempts: int, minutes: int) -> None:
    assert rules.retry_delay(attempts, WEBHOOK) == timedelta(minutes=minutes)
    assert not rules.is_exhausted(attempts, WEBHOOK)
