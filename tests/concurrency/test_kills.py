"""A broker or a worker killed between the commit of a submission and its task: nothing is lost or counted twice."""

import signal
import time
from datetime import timedelta

import pytest
import redis
import time_machine
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.celery import app
from cps_portal.core.lib.background import queue_task
from cps_portal.core.outbox.models import Message
from kitbag import tasks
from kitbag.enums import RegistrationState
from kitbag.models import PointsEntry, Registration
from members.actions.levels import notify_level_changes
from members.models import LevelChange, Member
from tests.factories import draft, submitted
from tests.workers import Broker, StartWorker, wait_until
from tests.world import World

pytestmark = [pytest.mark.launcher, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_broker")]


def assert_counted_once(row: Registration) -> None:
    """500 points and the rise to Silver, each recorded once, and told once after the pause (R70)."""
    row.refresh_from_db()
    assert row.state == RegistrationState.VALIDATED
    assert list(PointsEntry.objects.filter(registration=row).values_list("amount", flat=True)) == [500]
    member = Member.objects.get(pk=row.member_id)
    assert (member.points, member.level) == (500, "silver")
    change = LevelChange.objects.get(member=member)
    for _time in range(2):
        with transaction.atomic():
            notify_level_changes(limit=100, at=change.at + timedelta(minutes=settings.NOTICE_PAUSE_MINUTES))
    assert list(level_mails(row).values_list("key", flat=True)) == [f"level-{change.pk}"]


def level_mails(row: Registration) -> QuerySet[Message]:
    return Message.objects.filter(to=row.member.user.email, key__startswith="level-")


def is_validated(row: Registration) -> bool:
    return Registration.objects.filter(pk=row.pk, state=RegistrationState.VALIDATED).exists()


def is_a_transaction_waiting_for_ours() -> bool:
    with connection.cursor() as cursor:
        # not pg_stat_activity: its view is frozen within a transaction
        cursor.execute("select count(*) from pg_locks where not granted and transactionid = pg_current_xact_id()::xid")
        return bool(cursor.fetchone()[0])


def requeue_unfinished_tasks() -> None:
    """Requeue unfinished tasks, as workers do after the ten minutes of CELERY_BROKER_TRANSPORT_OPTIONS."""
    with app.connection_for_write(transport_options={"visibility_timeout": 0}) as broker:
        broker.default_channel.qos.restore_visible()


def test_a_registration_submitted_while_the_broker_is_down_is_counted_once_by_the_sweep(
    committed_world: World, broker: Broker
) -> None:
    row = draft(committed_world.ben, committed_world.pro_body)
    client = Client()
    client.force_login(committed_world.ben.user)
    broker.kill()
    begun = time.monotonic()
    typed = {"serial": "400000000001", "country": "KE", "store": "Nairobi Cameras", "do": "submit"}
    date = {"purchased_on_day": "12", "purchased_on_month": "9", "purchased_on_year": "2023"}
    answer = client.post(reverse("kitbag:finish", args=[row.pk]), {**typed, **date})
    assert time.monotonic() - begun < 60
    assert (answer.status_code, answer["Location"]) == (302, row.get_absolute_url())
    row.refresh_from_db()
    assert row.state == RegistrationState.SUBMITTED
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        tasks.sweep_undecided()
        assert_counted_once(row)
        tasks.sweep_undecided()
        tasks.check_registration(row.pk)
    assert_counted_once(row)


def test_a_worker_killed_during_the_task_loses_nothing_and_doubles_nothing(
    committed_world: World, broker: Broker, start_worker: StartWorker
) -> None:
    """Both the second worker and the sweep take the task again; it still counts once."""
    world = committed_world
    row = submitted(world.ben, world.pro_body, "400000000001", at=timezone.now() - timedelta(minutes=2))
    with transaction.atomic():
        Member.objects.locked().get(pk=world.ben.pk)  # the check blocks here, during the task
        worker = start_worker()
        wait_until(is_a_transaction_waiting_for_ours)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    with redis.Redis.from_url(broker.url) as queue:
        assert (queue.llen("celery"), queue.hlen("unacked")) == (0, 1), "the killed worker had the task, unfinished"
        assert not is_validated(row)
        requeue_unfinished_tasks()
        assert queue.llen("celery") == 1
        queue_task("kitbag.sweep_undecided")
        start_worker()
        wait_until(lambda: is_validated(row))
        wait_until(lambda: not queue.llen("celery") and not queue.hlen("unacked"))
    assert_counted_once(row)


@pytest.mark.parametrize("broker", ["durable"], indirect=True)
def test_a_broker_killed_with_the_task_in_its_queue_has_it_after_a_restart(
    committed_world: World, broker: Broker, start_worker: StartWorker
) -> None:
    row = submitted(committed_world.ben, committed_world.pro_body, "400000000001")
    with redis.Redis.from_url(broker.url) as queue:
        # Once this is on disk, so is everything before it. Otherwise the sweep would have to help.
        queue.set("later", 1)
        queue.execute_command("WAITAOF", 1, 0, 10_000)
    broker.kill()
    broker.start()
    with redis.Redis.from_url(broker.url) as queue:
        assert queue.llen("celery") == 1
    start_worker()
    wait_until(lambda: is_validated(row))
    assert_counted_once(row)
