"""The exporter and the System page show the same figures, and nothing about single members (R54)."""

import math
from copy import deepcopy
from datetime import timedelta

import pytest
from celery import current_app
from django.contrib.auth.models import Group
from django.db import InternalError, connection, connections
from django.test import Client
from django.utils import timezone
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry
from pytest_django import Settings

from cps_portal.core.limits.store import count_refusal, store
from cps_portal.core.outbox.models import Message
from cps_portal.core.system.actions import note_queue
from cps_portal.core.system.models import Tick
from cps_portal.core.system.tasks import tick
from cps_portal.site.alerts import ALERTS, Severity, alert_for
from cps_portal.site.management.commands.serve_metrics import PortalCollector, read_only_and_short
from cps_portal.site.presenters import system
from cps_portal.site.queries import figures
from cps_portal.site.queries.figures import METRICS, Sample, read_figures
from kitbag.models import LedgerCheck
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.world import World

NOW = timezone.now()


@pytest.fixture(autouse=True)
def no_refusals(request: pytest.FixtureRequest, django_db_setup: None) -> None:
    """They are counted in a transaction of their own, and so stay."""
    if "world" in request.fixturenames:
        for reason in system.REASONS:
            store.delete(f"refused:{timezone.localdate():%Y-%m-%d}:{reason}")


def value(metric: str, samples: list[Sample], **labels: str) -> float:
    (sample,) = [each for each in samples if each.metric == metric and labels.items() <= each.labels.items()]
    return sample.value


def test_each_figure_is_read_from_rows(world: World) -> None:
    Message.objects.create(
        key="late", kind="mail", to="x@example.org", created_at=NOW, next_at=NOW - timedelta(seconds=90)
    )
    Message.objects.create(
        key="later", kind="mail", to="x@example.org", created_at=NOW, next_at=NOW + timedelta(hours=1)
    )
    LedgerCheck.objects.create(started_at=NOW, finished_at=NOW - timedelta(hours=2), wrong_points=2, wrong_levels=1)
    note_queue(queue="celery", at=NOW - timedelta(seconds=30))
    note_queue(queue="celery", at=NOW - timedelta(seconds=10))
    Tick.objects.create(name="backup", at=NOW - timedelta(hours=3))
    samples = read_figures(NOW)
    assert value("portal_database_up", samples) == 1
    assert value("portal_figures_failed", samples) == 0
    assert value("portal_outbox_oldest_due_seconds", samples, kind="mail") == 90
    assert value("portal_outbox_messages", samples, kind="mail", state="queued") == 2
    assert value("portal_ledger_differences", samples) == 3
    assert value("portal_ledger_check_age_seconds", samples) == 7200
    assert value("portal_tick_age_seconds", samples, queue="celery") == 10
    assert value("portal_tick_age_seconds", samples, queue="webhooks") == math.inf
    assert value("portal_beat_tick_age_seconds", samples) == 10
    assert value("portal_backup_age_seconds", samples) == 3 * 3600
    assert 0 < value("portal_connections_used_ratio", samples) <= 1
    assert {sample.metric for sample in samples} <= set(METRICS)


def test_figures_cost_a_fixed_number_of_queries(world: World, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(75):  # type: ignore[operator]  # two of three are savepoints
        read_figures(NOW)


def test_a_group_of_figures_that_fails_hides_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("drop table limits_counter")
    samples = read_figures(NOW)
    assert value("portal_figures_failed", samples) == 1
    assert value("portal_joins_today", samples) >= 0
    assert any(sample.metric == "portal_connections" for sample in samples)


def test_without_a_broker_its_queues_are_missing_and_all_else_is_there(db: None, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    samples = read_figures(NOW)
    assert value("portal_broker_up", samples) == 0
    assert not any(sample.metric == "portal_queue_length" for sample in samples)
    assert value("portal_database_up", samples) == 1


def test_tasks_that_wait_are_counted_with_the_age_of_the_oldest(db: None, settings: Settings) -> None:
    settings.CELERY_BROKER_URL = settings.REDIS_URL
    settings.QUEUES = ("a-queue-of-this-test",)
    client = figures._redis(settings.REDIS_URL)
    client.delete(*settings.QUEUES)
    with current_app.connection_for_write(settings.REDIS_URL) as broker:
        for _n in range(2):
            tick.apply_async(args=["celery"], queue=settings.QUEUES[0], connection=broker)
    samples = read_figures(NOW)
    client.delete(*settings.QUEUES)
    assert value("portal_queue_length", samples) == 2
    assert 0 < value("portal_queue_oldest_seconds", samples) < 60


def test_no_label_names_a_member_an_address_or_a_serial_number(world: World) -> None:
    count_refusal("password")
    labels = {label for sample in read_figures(NOW) for label in sample.labels}
    assert labels <= {
        *("kind", "lane", "state", "partner", "queue", "level", "centre", "reason", "status", "table", "slot")
    }


def test_the_exporter_gives_what_is_read_in_the_form_that_prometheus_reads(world: World) -> None:
    count_refusal("second_factor")
    registry = CollectorRegistry()
    registry.register(PortalCollector())
    text = generate_latest(registry).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["portal_sign_ins_refused"].samples[0].labels == {"reason": "second_factor"}
    assert families["portal_tick_age_seconds"].samples[0].value == math.inf
    assert families["portal_database_up"].samples[0].value == 1


def test_the_exporter_only_reads_and_never_for_long(db: None) -> None:
    own = connections.create_connection("default")
    own.settings_dict = deepcopy(own.settings_dict)
    read_only_and_short(own)
    with own.cursor() as cursor:
        cursor.execute("select current_setting('statement_timeout'), current_setting('default_transaction_read_only')")
        assert cursor.fetchone() == ("2s", "on")
        with pytest.raises(InternalError, match="read-only"):
            cursor.execute("insert into system_tick values ('x', now())")
    own.close()


def test_every_queue_has_a_tick_and_every_route_leads_to_one(settings: Settings) -> None:
    ticking = {
        entry["options"]["queue"] for entry in current_app.conf.beat_schedule.values() if entry["task"] == "system.tick"
    }
    assert ticking == set(settings.QUEUES)
    assert {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()} <= ticking


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((0, "0 s"), (12.4, "12 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h")),
        *((172799, "47 h"), (172800, "2 days"), (86400 * 40, "40 days"), (math.inf, "never")),
    ],
)
def test_times_are_said_in_one_unit(seconds: float, words: str) -> None:
    assert system.duration_words(seconds) == words


def test_the_page_is_coloured_by_the_thresholds_of_the_alerts() -> None:
    for alert in ALERTS:
        beyond = alert.limit - 0.5 if alert.is_below else alert.limit * 1.001 + 0.5
        met = alert_for(alert.metric, beyond, alert.labels)
        assert met, alert.name
        assert met.severity in (alert.severity, Severity.CRITICAL)
        within = alert.limit if not alert.is_below else alert.limit + 1
        others = [each for each in ALERTS if each.metric == alert.metric]
        if len(others) == 1:
            assert alert_for(alert.metric, within, alert.labels) is None, alert.name
    (queues,) = [
        panel
        for panel in system.panels([Sample("portal_outbox_oldest_due_seconds", 301, {"kind": "mail", "lane": "mail"})])
        if panel.lines
    ]
    (line,) = queues.lines
    assert (line.tone, line.alert, line.value) == ("warn", "MailLate", "oldest waits 5 min")


def test_every_metric_is_shown_on_the_page_or_left_out_for_a_reason() -> None:
    assert set(METRICS) == set(system.FIGURES) | set(system.NOT_SHOWN)
    assert {alert.metric for alert in ALERTS} <= set(METRICS)


@pytest.mark.parametrize(("group", "status"), [("Programme", 200), ("Support", 403), ("Centre", 403), ("", 403)])
def test_the_system_page_is_for_the_programme_team(
    world: World, groups: dict[str, Group], group: str, status: int
) -> None:
    user = UserFactory(is_staff=True)
    user.groups.set([groups[group]] if group else [])
    answer = signed_in(user).get("/admin/system/tick/")
    assert answer.status_code == status
    if status == 200:
        page = answer.content.decode()
        assert "Act now" in page and "WorkerSilent" in page and "Database" in page


def test_sign_ins_that_are_refused_are_counted_by_reason(world: World) -> None:
    client = Client()
    for _n in range(2):
        client.post("/accounts/login/", {"login": world.ana.user.email, "password": "not her password"})
    refused = [each for each in read_figures(NOW) if each.metric == "portal_sign_ins_refused_total"]
    assert [(each.labels, each.value) for each in refused] == [({"reason": "password"}, 2)]
