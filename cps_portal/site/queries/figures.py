"""What the exporter and the System page show, from rows: so they are right also after a restart (R54).

No figure is labelled with a member, a serial number or an address. Each reader is one or two cheap questions; one that
fails does not hide the others.
"""

import json
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Count, F, Min, Model, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from cps_portal.core.lib.task_headers import QUEUED_AT_HEADER
from cps_portal.core.limits.store import refusals_today
from cps_portal.core.outbox.enums import FINISHED, OPEN, Kind
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners.enums import EndpointState
from cps_portal.core.partners.models import ApiCall, WebhookEndpoint
from cps_portal.core.system.actions import BACKUP, QUEUE_PREFIX
from cps_portal.core.system.models import Tick
from kitbag.models import LedgerCheck, Registration, StageChange
from members.enums import ChangeState
from members.models import Member, ThresholdPlan
from members.support.models import Case
from servicing.models import Ticket

logger = logging.getLogger(__name__)

MAX_COUNTED = 20_000  # rows of a day, read from the newest back
MAX_TABLES = 8
BROKER_SECONDS = 0.5


@dataclass(frozen=True)
class Sample:
    """One value of a metric; seconds, bytes or a count, as the name of the metric says. Infinite: never happened."""

    metric: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


METRICS = {
    "portal_database_up": "1 if the database answers.",
    "portal_broker_up": "1 if the broker answers.",
    "portal_cache_up": "1 if the cache answers.",
    "portal_figures_failed": "How many groups of figures could not be read.",
    "portal_outbox_oldest_due_seconds": "For how long the oldest message that is due has been due.",
    "portal_outbox_oldest_open_seconds": "How long ago the oldest message that has not left was written.",
    "portal_outbox_messages": "Messages that have not left, and those of the last day that have ended.",
    "portal_webhook_endpoints_failing": "Endpoints of partners that fail at the moment.",
    "portal_queue_length": "Tasks that wait for a worker.",
    "portal_queue_oldest_seconds": "How long the oldest waiting task has waited.",
    "portal_tick_age_seconds": "How long ago a worker of the queue ran its tick.",
    "portal_beat_tick_age_seconds": "How long ago any worker ran a tick that the clock had queued.",
    "portal_desk_waiting": "Registrations that wait for a person.",
    "portal_desk_oldest_seconds": "How long the oldest of them has waited.",
    "portal_cases_waiting": "Cases that wait for support.",
    "portal_cases_overdue": "Cases whose answer is overdue.",
    "portal_tickets_late": "Jobs past their target that are not ready.",
    "portal_points_runs": "Runs over members or registrations that are going on.",
    "portal_points_run_registrations_left": "Registrations that these runs have not reached yet.",
    "portal_points_run_idle_seconds": "How long the run that rests longest has not done a step.",
    "portal_ledger_differences": "Differences that the last check of the ledger found.",
    "portal_ledger_check_age_seconds": "How long ago the ledger was checked.",
    "portal_registrations_today": "Products that members have added today.",
    "portal_joins_today": "Members who have joined today.",
    "portal_sign_ins_refused_total": "Attempts to sign in that were refused; begins again each day.",
    "portal_api_calls_last_hour": "Calls of the API in the last hour.",
    "portal_table_bytes": "Bytes of the largest tables, with their indexes.",
    "portal_backup_age_seconds": "How long ago a backup was finished.",
    "portal_backup_log_streaming": "1 if the log of the database is being taken away.",
    "portal_connections": "Connections to the database.",
    "portal_connections_used_ratio": "Share of the connections that the database allows.",
}
COUNTERS = frozenset({"portal_sign_ins_refused_total"})

Reader = Callable[[datetime], Iterator[Sample]]


def read_figures(at: datetime) -> list[Sample]:
    """All figures. Without the database: whether it, the broker and the cache answer, and the queues."""
    is_up = _database_answers()
    samples = [Sample("portal_database_up", float(is_up)), *broker(at), *cache(at)]
    failed = 0
    for reader in READERS if is_up else ():
        try:
            with transaction.atomic():  # or the first that fails would end the transaction of the page
                samples += reader(at)
        except Error:
            failed += 1
            logger.warning("could not read %s", reader.__name__, exc_info=True)
    return [*samples, Sample("portal_figures_failed", failed)]


def _database_answers() -> bool:
    try:
        return _select("select 1") == [(1,)]
    except Error:
        logger.warning("the database does not answer", exc_info=True)
        return False


def _age(at: datetime, moment: datetime | None) -> float:
    return math.inf if moment is None else max((at - moment).total_seconds(), 0.0)


def outbox(at: datetime) -> Iterator[Sample]:
    waiting = Message.objects.filter(state__in=OPEN).values_list("kind", "ordering_key")
    rows = list(waiting.annotate(due=Min("next_at", filter=Q(next_at__lte=at)), oldest=Min("created_at")).order_by())
    if not any(kind == Kind.MAIL for kind, *_rest in rows):
        rows.append((Kind.MAIL, Kind.MAIL, at, at))
    for kind, lane, due, oldest in rows:
        labels = {"kind": str(kind), "lane": str(lane)}
        yield Sample("portal_outbox_oldest_due_seconds", _age(at, due or at), labels)
        yield Sample("portal_outbox_oldest_open_seconds", _age(at, oldest), labels)
    ended = Q(state__in=FINISHED, created_at__gte=at - timedelta(days=1), blanked_at=None)
    for condition in (Q(state__in=OPEN), ended):  # one index each
        counts = Message.objects.filter(condition).values_list("kind", "state").annotate(Count("pk")).order_by()
        for kind, state, count in counts:
            yield Sample("portal_outbox_messages", count, {"kind": kind, "state": state})


def endpoints(_at: datetime) -> Iterator[Sample]:
    failing = WebhookEndpoint.objects.filter(state=EndpointState.ACTIVE, ended_at=None, failing_since__isnull=False)
    for partner, count in failing.values_list("partner__slug").annotate(Count("pk")).order_by():
        yield Sample("portal_webhook_endpoints_failing", count, {"partner": partner})


def broker(_at: datetime) -> Iterator[Sample]:
    """Whether it answers, and its queues. The oldest task is the last of the list."""
    client = _redis(settings.CELERY_BROKER_URL)
    try:
        queues = [(queue, client.llen(queue), client.lindex(queue, -1)) for queue in settings.QUEUES]
    except redis.RedisError:
        yield Sample("portal_broker_up", 0)
        return
    finally:
        client.close()
    yield Sample("portal_broker_up", 1)
    for queue, length, oldest in queues:
        yield Sample("portal_queue_length", length, {"queue": queue})
        waited = _waited(oldest) if oldest else 0.0
        if waited is not None:
            yield Sample("portal_queue_oldest_seconds", waited, {"queue": queue})


def _redis(url: str) -> Any:
    return redis.Redis.from_url(url, socket_timeout=BROKER_SECONDS, socket_connect_timeout=BROKER_SECONDS)


def _waited(task: bytes) -> float | None:
    """Seconds since this message of Celery's was published; None if it does not say when."""
    queued_at = json.loads(task).get("headers", {}).get(QUEUED_AT_HEADER)
    return max(time.time() - queued_at, 0.0) if isinstance(queued_at, int | float) else None


def cache(_at: datetime) -> Iterator[Sample]:
    client = _redis(settings.CACHES["default"]["LOCATION"])
    try:
        client.ping()
    except redis.RedisError:
        yield Sample("portal_cache_up", 0)
    else:
        yield Sample("portal_cache_up", 1)
    finally:
        client.close()


def ticks(at: datetime) -> Iterator[Sample]:
    moments = dict(Tick.objects.values_list("name", "at"))
    ages = {queue: _age(at, moments.get(f"{QUEUE_PREFIX}{queue}")) for queue in settings.QUEUES}
    for queue, age in ages.items():
        yield Sample("portal_tick_age_seconds", age, {"queue": queue})
    yield Sample("portal_beat_tick_age_seconds", min(ages.values()))
    yield Sample("portal_backup_age_seconds", _age(at, moments.get(BACKUP)))


def desk(at: datetime) -> Iterator[Sample]:
    waiting = Registration.objects.queue().order_by().values_list("review_reason")
    for queue, count, oldest in waiting.annotate(Count("pk"), Min("submitted_at")):
        yield Sample("portal_desk_waiting", count, {"queue": queue})
        yield Sample("portal_desk_oldest_seconds", _age(at, oldest), {"queue": queue})
    cases = Case.objects.queue().order_by()
    yield Sample("portal_cases_waiting", cases.count())
    yield Sample("portal_cases_overdue", cases.overdue(at).count())


def tickets(at: datetime) -> Iterator[Sample]:
    late = Ticket.objects.filter(ended_at=None, ready_at=None, paused=False, due_at__lt=at)
    for level, centre, count in late.values_list("level", "centre__slug").annotate(Count("pk")).order_by():
        yield Sample("portal_tickets_late", count, {"level": level or "visiting", "centre": centre})


def runs(at: datetime) -> Iterator[Sample]:
    changes = StageChange.objects.filter(state=ChangeState.RUNNING)
    plans = ThresholdPlan.objects.filter(state=ChangeState.RUNNING)
    left = changes.aggregate(left=Sum(F("holders") - F("settled")), step=Min(Coalesce("stepped_at", "flipped_at")))
    step = plans.aggregate(step=Min(Coalesce("stepped_at", "begun_at")))["step"]
    steps = [moment for moment in (left["step"], step) if moment]
    yield Sample("portal_points_runs", changes.count() + plans.count())
    yield Sample("portal_points_run_registrations_left", max(left["left"] or 0, 0))
    yield Sample("portal_points_run_idle_seconds", _age(at, min(steps)) if steps else 0)


def ledger(at: datetime) -> Iterator[Sample]:
    check = LedgerCheck.objects.filter(finished_at__isnull=False).order_by("-pk").first()
    yield Sample("portal_ledger_check_age_seconds", _age(at, check.finished_at if check else None))
    if check:
        differences = check.wrong_registrations + check.wrong_points + check.wrong_levels
        yield Sample("portal_ledger_differences", differences)


def today(at: datetime) -> Iterator[Sample]:
    yield Sample("portal_registrations_today", _since_midnight(Registration, "added_at", at))
    yield Sample("portal_joins_today", _since_midnight(Member, "joined_at", at))


def _since_midnight(model: type[Model], column: str, at: datetime) -> int:
    """How many rows are of today, by the index of the primary key: these times have none."""
    midnight = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    newest = model._default_manager.order_by("-pk").values_list(column, flat=True)[:MAX_COUNTED]
    return sum(moment >= midnight for moment in newest)


def refusals(_at: datetime) -> Iterator[Sample]:
    for reason, count in refusals_today().items():
        yield Sample("portal_sign_ins_refused_total", count, {"reason": reason})


def api_calls(at: datetime) -> Iterator[Sample]:
    calls = ApiCall.objects.filter(at__gte=at - timedelta(hours=1))
    counts: Counter[tuple[str, str]] = Counter()
    for partner, status, count in calls.values_list("credential__partner__slug", "status").annotate(Count("pk")):
        counts[partner, f"{status // 100}xx"] += count
    for (partner, status), count in counts.items():
        yield Sample("portal_api_calls_last_hour", count, {"partner": partner, "status": status})


def tables(_at: datetime) -> Iterator[Sample]:
    rows = _select(
        "select relname, pg_total_relation_size(oid) from pg_class where relkind = 'r'"
        " and relnamespace = 'public'::regnamespace order by 2 desc limit %s",
        MAX_TABLES,
    )
    for table, size in rows:
        yield Sample("portal_table_bytes", size, {"table": table})


def connections(_at: datetime) -> Iterator[Sample]:
    rows = _select(
        "select coalesce(state, 'other'), count(*) from pg_stat_activity"
        " where backend_type = 'client backend' group by 1"
    )
    for state, count in rows:
        yield Sample("portal_connections", count, {"state": state})
    ((allowed,),) = _select("select current_setting('max_connections')::int")
    yield Sample("portal_connections_used_ratio", sum(count for _state, count in rows) / allowed)


def backup_log(_at: datetime) -> Iterator[Sample]:
    """Only where a backup has created its slot."""
    for slot, is_active in _select("select slot_name, active from pg_replication_slots where slot_type = 'physical'"):
        yield Sample("portal_backup_log_streaming", float(is_active), {"slot": slot})


def _select(statement: str, *values: int) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


READERS: tuple[Reader, ...] = (
    *(outbox, endpoints, ticks, desk, tickets, runs, ledger),
    *(today, refusals, api_calls, tables, connections, backup_log),
)
