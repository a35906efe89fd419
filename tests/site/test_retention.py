"""How long rows are kept (R14, R54, R70): every table has a rule, and the nightly task keeps to it."""

import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta  # noqa: F401
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection, models
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken
from pghistory.models import Context

from cps_portal.celery import app
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.history import expiring_trail
from cps_portal.core.limits.models import Counter
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import OPEN, State
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners.models import ApiCall, Attempt, Credential, IdempotencyRecord, Partner, WebhookEndpoint
from cps_portal.core.submissions.models import KeptForm, Submission
from cps_portal.site import retention
from cps_portal.site.presenters.retention import in_words, privacy_periods
from cps_portal.site.retention import CLEARED, HISTORY, Bounded, Deleted, Kept, delete_all, rules_of_tables
from kitbag.models import CatalogueProposal, HeldDecision, LedgerCheck, MissedSearch
from members.models import Device, EmailChange, MemberView, Session, StaffAccess
from members.offers.actions.offers import send_news
from members.offers.enums import OfferKind, OfferState
from members.offers.models import Offer
from members.support import actions as cases
from members.support.enums import CaseKind
from members.support.models import Case, CaseReader
from servicing.models import EstimateDraft, PackedTicket
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

NOW = timezone.now()
SECOND = timedelta(seconds=1)
DOCUMENT = Path(__file__).parents[2] / "docs" / "retention.md"


def partner() -> Partner:
    return Partner.objects.get_or_create(slug="house", defaults={"name": "House", "kind": "fulfilment", "since": NOW})[
        0
    ]


def credential() -> Credential:
    defaults = {"client_type": "confidential", "authorization_grant_type": "client-credentials"}
    found = Credential.objects.filter(partner=partner()).first()
    return found or Credential.objects.create(partner=partner(), scopes=["fulfilment"], name="c", **defaults)


def held_decision(world: World) -> HeldDecision:
    return HeldDecision.objects.create(
        kind="approve",
        registration=world.ana.registrations.all()[0],
        by=world.staff,
        held_at=NOW - SECOND,
        apply_at=NOW,
        state="applied",
        ended_at=NOW,
    )


def packed_ticket(world: World) -> PackedTicket:
    centre, serial = a_centre(uuid4().hex), f"{uuid4().int % 10**12:012}"
    ticket = a_request(world, centre, serial, wish="standard")
    return PackedTicket.objects.create(ticket=ticket, number="T 1", number_key="T1", by=world.staff, at=NOW)


def estimate_draft(world: World) -> EstimateDraft:
    centre, serial = a_centre(uuid4().hex), f"{uuid4().int % 10**12:012}"
    ticket = a_request(world, centre, serial, wish="standard")
    return EstimateDraft.objects.create(ticket=ticket, by=world.staff, saved_at=NOW)


def endpoint() -> WebhookEndpoint:
    defaults = {"url": "https://house.example/", "since": NOW, "types": ["endpoint.test"]}
    return WebhookEndpoint.objects.get_or_create(partner=partner(), defaults=defaults)[0]


def message(key: str = "", **fields: Any) -> Message:
    values = {"kind": "mail", "state": State.SENT, "sent_at": NOW, "created_at": NOW, "blanked_at": NOW, **fields}
    return Message.objects.create(key=key or uuid4().hex, **values)


# How a row of each table is made that is deleted as soon as its time is over.
def a_case(world: World) -> Case:
    return cases.open_case(kind=CaseKind.CONTACT, subject="S", text="T", member=world.ana, by=world.ana.user, at=NOW)


MAKERS: dict[str, Callable[[World], models.Model]] = {
    "cases.CaseReader": lambda world: CaseReader.objects.create(case=a_case(world), user=world.staff, seen_at=NOW),
    "admin.LogEntry": lambda world: LogEntry.objects.create(user=world.ana.user, action_flag=CHANGE, action_time=NOW),
    "files.StoredFile": lambda _world: StoredFile.objects.create(
        purpose="case", kind="jpeg", size=1, created_at=NOW, erased_at=NOW
    ),
    "kitbag.CatalogueProposal": lambda world: CatalogueProposal.objects.create(
        product=world.body, changes={}, state="declined", proposed_at=NOW, closed_at=NOW
    ),
    "kitbag.HeldDecision": held_decision,
    "kitbag.MissedSearch": lambda _world: MissedSearch.objects.create(
        day=NOW.date(), text=uuid4().hex, count=2, counted_at=NOW
    ),
    "kitbag.LedgerCheck": lambda _world: LedgerCheck.objects.create(started_at=NOW),
    "limits.Counter": lambda _world: Counter.objects.create(key=uuid4().hex, value=1, expires_at=NOW),
    "oauth2_provider.AccessToken": lambda _world: AccessToken.objects.create(
        application=credential(), token=secrets.token_hex(), expires=NOW
    ),
    "members.Device": lambda world: Device.objects.create(
        user=world.ana.user, key=uuid4().hex, signed_in_at=NOW, last_seen_at=NOW
    ),
    "members.EmailChange": lambda world: EmailChange.objects.create(
        user=world.ana.user, old_email="a@example.org", new_email="b@example.org", at=NOW
    ),
    "members.MemberView": lambda world: MemberView.objects.create(
        by=world.staff, member=world.ana, reason="r", at=NOW, until=NOW + timedelta(days=9999)
    ),
    "members.StaffAccess": lambda world: StaffAccess.objects.create(by=world.staff, kind="page", door="desk", at=NOW),
    "outbox.Message": lambda _world: message(),
    "servicing.EstimateDraft": estimate_draft,
    "servicing.PackedTicket": packed_ticket,
    "partners.ApiCall": lambda _world: ApiCall.objects.create(
        credential=credential(), at=NOW, request_id=uuid4().hex, method="GET", path="/", status=200, took_ms=1
    ),
    "partners.Attempt": lambda _world: Attempt.objects.create(
        endpoint=endpoint(), key="k", type="t", at=NOW, took_ms=1
    ),
    "partners.IdempotencyRecord": lambda _world: IdempotencyRecord.objects.create(
        partner=partner(), key=uuid4().hex, request_hash="", at=NOW, status=200
    ),
    "pghistory.Context": lambda _world: Context.objects.create(metadata={}),
    "members.Session": lambda _world: Session.objects.create(session_key=uuid4().hex, expire_date=NOW),
    "submissions.KeptForm": lambda _world: KeptForm.objects.create(browser=uuid4().hex, page="/", path="/", at=NOW),
    "submissions.Submission": lambda _world: Submission.objects.create(nonce=uuid4().hex, body_hash="", at=NOW),
}


def moved_to(row: models.Model, **columns: object) -> models.Model:
    """As if it had been written then: deleted and written again, because the trail refuses to be changed."""
    table, key = row._meta.db_table, row._meta.pk.column
    changes = ", ".join(f'"{column}" = %s' for column in columns)
    with expiring_trail(), connection.cursor() as cursor:
        cursor.execute(f'create temporary table moving as select * from "{table}" where "{key}" = %s', [row.pk])  # noqa: S608
        cursor.execute(f"update moving set {changes}", list(columns.values()))  # noqa: S608
        cursor.execute(f'delete from "{table}" where "{key}" = %s', [row.pk])  # noqa: S608
        cursor.execute(f'insert into "{table}" select * from moving; drop table moving')  # noqa: S608
    return row


def exists(row: models.Model) -> bool:
    return type(row)._default_manager.filter(pk=row.pk).exists()


# --- The declaration --------------------------------------------------------------------------------


def test_every_table_has_a_rule_and_no_rule_is_without_a_table() -> None:
    tables = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert set(rules_of_tables()) - tables == set(), "rules without a table"
    assert tables - set(rules_of_tables()) == set(), "add them to RULES in cps_portal/site/retention.py"


def test_the_columns_of_the_rules_are_times() -> None:
    wrong = [
        label
        for label, rule in rules_of_tables().items()
        if isinstance(rule, Deleted)
        and not isinstance(apps.get_model(label)._meta.get_field(rule.since), models.DateTimeField)
    ]
    assert wrong == []


def test_append_only_tables_are_never_deleted_from() -> None:
    """R9, R11, R21, R37: the ledger and the other logs that rules name."""
    logs = {
        model._meta.label
        for model in apps.get_models()
        if any(trigger.name == "append_only" for trigger in getattr(model._meta, "triggers", []))
    }
    assert {"kitbag.PointsEntry", "members.LevelChange", "members.TermsAcceptance"} <= logs
    assert {label for label in logs if not isinstance(rules_of_tables()[label], Kept)} == set()


def test_every_history_ends_but_the_one_that_partners_read() -> None:
    """R54, R55"""
    kept = {
        model._meta.label for model in retention.history_models() if rules_of_tables()[model._meta.label] is not HISTORY
    }
    assert kept == {"kitbag.ProductEvent"}


def test_periods_are_longer_than_what_depends_on_them() -> None:
    """Refusals are counted in the history (R25); a restored backup may know a file again."""
    assert timedelta(days=settings.REVIEW_REFUSALS[1]) < settings.HISTORY_KEPT
    assert timedelta(days=settings.OUTBOX_RETENTION_DAYS) < settings.MESSAGES_KEPT
    keep_days = re.search(r"BACKUP_KEEP_DAYS:-(\d+)", Path("deploy/backup/portal-backup").read_text())
    assert keep_days and timedelta(days=int(keep_days[1])) < settings.ERASED_FILES_KEPT


def test_every_task_of_the_declaration_is_scheduled() -> None:
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {"portal.delete_expired", *(cleared.task for cleared in CLEARED)} <= scheduled
    hours = [entry["kwargs"]["hourly"] for entry in app.conf.beat_schedule.values() if "kwargs" in entry]
    assert sorted(hours) == [False, True]
    tables = {*retention.expiring_tables(hourly=True), *retention.expiring_tables(hourly=False)}
    assert tables == {label for label, rule in rules_of_tables().items() if isinstance(rule, Deleted)}


# --- Deleting ---------------------------------------------------------------------------------------


def test_each_table_loses_its_rows_when_their_time_is_over_and_not_before(world: World) -> None:
    rules = {label: rule for label, rule in rules_of_tables().items() if isinstance(rule, Deleted)}
    assert {label for label, rule in rules.items() if rule is not HISTORY} == set(MAKERS)
    wrong = []
    for label, make in MAKERS.items():
        rule = rules[label]
        old = moved_to(make(world), **{rule.since: NOW - rule.after})
        young = moved_to(make(world), **{rule.since: NOW - rule.after + SECOND})
        delete_all(label=label, at=NOW)
        if (exists(old), exists(young)) != (False, True):
            wrong.append((label, exists(old), exists(young)))
    assert wrong == []


def test_a_history_loses_old_rows_and_then_their_context(world: World) -> None:
    events = apps.get_model("members", "MemberEvent")._default_manager
    context = moved_to(Context.objects.create(metadata={}), created_at=NOW - settings.HISTORY_KEPT)
    event = events.filter(pgh_obj=world.ana.pk).first()
    moved_to(event, pgh_created_at=NOW - settings.HISTORY_KEPT + SECOND, pgh_context_id=context.pk)
    assert delete_all(label="members.MemberEvent", at=NOW) == 0
    assert delete_all(label="pghistory.Context", at=NOW) == 0, "a row of history still names it"
    assert delete_all(label="members.MemberEvent", at=NOW + SECOND) == 1
    assert delete_all(label="pghistory.Context", at=NOW) == 1


def test_a_message_that_may_still_be_sent_is_never_deleted(world: World) -> None:
    Message.objects.all().delete()
    long_ago = NOW - 10 * settings.MESSAGES_KEPT
    rows = []
    for state in State:
        times = {"next_at": long_ago if state in OPEN else None, "sent_at": long_ago if state == State.SENT else None}
        claim = uuid4() if state == State.SENDING else None
        rows.append(message(state=state, created_at=long_ago, blanked_at=None, claim=claim, **times))
    assert delete_all(label="outbox.Message", at=NOW) == 0
    outbox.blank_old(at=NOW)
    delete_all(label="outbox.Message", at=NOW)
    assert {row.state for row in rows if exists(row)} == set(OPEN)


def test_news_of_an_offer_is_not_sent_again_after_its_message_is_gone(world: World) -> None:
    """R56: `send_news` finds by the message who was told."""
    member = world.ana
    member.wants_news = True
    member.save()
    offer = Offer.objects.create(
        kind=OfferKind.SPECIAL,
        title="Loan pool",
        text="x",
        levels=[member.level],
        since=NOW,
        state=OfferState.PUBLISHED,
    )
    send_news(at=NOW)
    news = Message.objects.filter(key__startswith=f"offer-{offer.pk}-news-")
    assert news.count() == 1
    news.update(state=State.CANCELLED, next_at=None)
    later = NOW + 2 * settings.MESSAGES_KEPT
    outbox.blank_old(at=later)
    delete_all(label="outbox.Message", at=later)
    assert news.count() == 1 and not send_news(at=later)
    Offer.objects.update(until=later - SECOND)
    delete_all(label="outbox.Message", at=later)
    assert news.count() == 0 and not send_news(at=later)


def test_files_that_something_refers_to_stay(world: World) -> None:
    """Evidence of an erased member keeps its empty file: the row of the evidence could not stay without it."""
    sql = str(StoredFile.objects.filter(retention._is_unused(NOW)).query)
    referring = ["cases_caseattachment", "kitbag_evidence", "servicing_ticketfile", "servicing_visitingmember"]
    referring.append("kitbag_ownerdetails")
    assert [table for table in referring if f'"{table}"' not in sql] == []


def test_batches_delete_everything_in_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = retention.RULES["members.Session"]
    monkeypatch.setitem(rules_of_tables(), "members.Session", replace(rule, batch=3))  # type: ignore[type-var]
    Session.objects.bulk_create(Session(session_key=f"k{n}", expire_date=NOW) for n in range(8))
    assert retention.delete_batch(label="members.Session", at=NOW) == 3
    assert delete_all(label="members.Session", at=NOW) == 5


def test_other_tables_cannot_be_deleted_from(world: World) -> None:
    for label, rule in rules_of_tables().items():
        if isinstance(rule, Kept | Bounded):
            with pytest.raises(KeyError):
                retention.delete_batch(label=label, at=NOW)


# --- The documents ----------------------------------------------------------------------------------


@each_row(
    "period, words",
    [
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=23), "23 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(weeks=6), "42 days"),
        (timedelta(days=365), "1 year"),
        (timedelta(days=400), "400 days"),
        (timedelta(days=730), "2 years"),
    ],
)
def test_periods_in_words(period: timedelta, words: str) -> None:
    assert in_words(period) == words


def test_the_privacy_notice_says_how_long_things_are_kept(db: None) -> None:
    page = " ".join(Client().get("/privacy/").content.decode().split())
    periods = privacy_periods()
    assert len(periods) >= 6
    assert [what for what, period in periods if f"<dt>{what}</dt> <dd> {period} </dd>" not in page] == []


def documented_rule(label: str) -> str:
    """The second and third column of a table's row in docs/retention.md."""
    rule = rules_of_tables()[label]
    cleared = [f"{entry.what}: after {in_words(entry.after)}" for entry in CLEARED if entry.model == label]
    if isinstance(rule, Deleted):
        fate = f"deleted after {in_words(rule.after)}" if rule.after else "deleted when it has expired"
    else:
        fate = "kept" if isinstance(rule, Kept) else "does not grow"
    return f"{fate} | {'; '.join([rule.why, *cleared])}"


def test_the_document_says_the_same_as_the_declaration() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]+ \| [^|]+?) \|", DOCUMENT.read_text(), re.MULTILINE)
    history = {model._meta.label for model in retention.history_models()}
    expected = {label: documented_rule(label) for label in rules_of_tables() if label not in history}
    expected["kitbag.ProductEvent"] = documented_rule("kitbag.ProductEvent")
    expected["members.MemberEvent"] = documented_rule("members.MemberEvent")  # and all other histories
    assert dict(rows) == expected
