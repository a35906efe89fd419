"""Erasing a person after their account was closed (R14)."""

import json
from datetime import timedelta
from typing import Any

import pytest
import redis
from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings
from django.core import mail
from django.core.files.storage import InMemoryStorage, storages
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox.enums import OPEN
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners.models import Partner
from cps_portal.site import actions
from cps_portal.site.actions import ways_to
from kitbag.models import PointsEntry, Registration, Sale, StolenReport
from members.models import LevelChange, Member, Session, TermsAcceptance
from members.sessions import SessionStore
from tests.accounts.everything import AFTER, MARK, START, STOLEN, add_everything, traces
from tests.ledger import assert_only_what_is_validated_counts, assert_points_and_levels_follow_the_entries
from tests.world import World

# Text columns of what belongs to a member that hold no words of a person, by the reason.
NOT_A_PERSONS = {
    "codes and keys": {
        "theme",
        "number",
        "level",
        "state",
        "warning",
        "review_reason",
        "refusal_reason",
        "removal_reason",
        "cause",
        "stage",
        "kind",
        "outcome",
        "where",
        "letter",
        "key",
        "code",
        "path",
        "reference",
        "author",
        "from_level",
        "to_level",
        "access_token",
        "visitor_language",
        "language",
        "purpose",
        "type",
        "pgh_label",
        "action",
        "currency",
        "why_standard",
        "treatment",
        "contents",
        "agreement",
        "external_id",
        "page",
        "model",
        "rating",
        "snoozed_job",
        "version",
        "filters",
    },
    "countries": {"country"},
    "names of products": {"about"},
    "when it was exported": {"file"},
    "codes only, and what a repair needed": {"data", "text", "name", "phone"},
    "made unusable": {"password"},
    "made from random bits or the content, blanked with it": {"digest", "stored_as"},
}

KEPT_WITH_THE_PRODUCT = {  # for its next owner, and so that an old number stays known (R35, R64)
    *(f"servicing_servicereport.{name}" for name in ("serial_key", "done", "parts")),
    *(
        f"{table}.{name}"
        for table in ("kitbag_serialchange", "kitbag_serialchangeevent")
        for name in ("serial", "serial_key", "new_serial", "new_key")
    ),
}


def close(member: Member) -> Member:
    return actions.close_account(member=member, by=member.user, at=START + timedelta(days=1))


def erase() -> None:
    after = 0
    while after := actions.erase_due(at=START + timedelta(days=1) + AFTER, limit=1, after=after):
        pass


def files_stored() -> list[str]:
    storage = storages["files"]
    assert isinstance(storage, InMemoryStorage)
    return [row for row in StoredFile.objects.values_list("stored_as", flat=True) if row and storage.exists(row)]


@pytest.fixture
def somebody(world: World) -> Member:
    return add_everything(world)


def test_no_trace_is_left_in_any_table_file_message_or_queue(world: World, somebody: Member) -> None:
    unmarked = unmarked_columns(somebody)
    assert unmarked == set(), "nobody has decided what becomes of these when an account is closed"
    assert len(traces(MARK)) > 20
    assert files_stored()
    close(somebody)
    erase()
    assert traces(MARK) == {}
    assert set(traces(STOLEN)) <= {"kitbag_stolenreport.serial_key", "kitbag_stolenreportevent.serial_key"}
    assert files_stored() == []
    assert not Message.objects.filter(state__in=OPEN, to__contains="invalid").exists()
    signed_in = [session.get_decoded() for session in Session.objects.all()]
    assert MARK not in str(signed_in).lower()
    assert queued_or_cached(MARK) == []
    assert MARK not in str([letter.message() for letter in mail.outbox if letter.to[0].endswith("invalid")]).lower()


def unmarked_columns(member: Member) -> set[str]:
    """The text columns of everything that is the member's and carries no mark."""
    marked = set(traces(MARK))
    known = set().union(*NOT_A_PERSONS.values())
    found = set()
    for model in apps.get_models():
        if model is Sale:  # a shop's word about a product: its link to the registration goes, see below
            continue
        if model._meta.proxy or not (model in actions.OWNED_BY_USER or model is Member or list(ways_to(Member, model))):
            continue
        for field in model._meta.concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField | models.JSONField)
            column = f"{model._meta.db_table}.{field.column}"
            if column in KEPT_WITH_THE_PRODUCT:
                continue
            if is_text and column not in marked and not field.choices and field.name not in known:
                found.add(column)
    return found


def test_a_confirmed_sale_leads_to_nobody_after_erasing(world: World, somebody: Member) -> None:
    row = Registration.objects.of(somebody).exclude(serial="").first()
    assert row is not None
    shop = Partner.objects.create(name="Shop", slug="shop", kind="retailer")
    sale = Sale.objects.create(
        partner=shop,
        external_id="1",
        product=row.product,
        serial="1",
        serial_key="1",
        country="ZA",
        receipt="1",
        sold_on=START.date(),
        confirmed_at=START,
        registration=row,
        matched_at=START,
    )
    close(somebody)
    erase()
    sale.refresh_from_db()
    assert sale.registration is None


def queued_or_cached(word: str) -> list[str]:
    """The keys of the broker and the cache whose name or content has the word."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    readers = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
    }
    held = {key: readers[client.type(key)](key) for key in client.scan_iter() if client.type(key) in readers}
    return [str(key) for key, content in held.items() if word in f"{key!r} {content!r}".lower()]


def test_what_is_kept_identifies_nobody_and_still_adds_up(world: World, somebody: Member) -> None:
    entries = PointsEntry.objects.filter(member=somebody).count()
    assert somebody.points > 0
    close(somebody)
    erase()
    somebody.refresh_from_db()
    assert (somebody.points, somebody.level) == (0, "red")
    assert PointsEntry.objects.filter(member=somebody).count() > entries, "entries are added, none is taken away"
    assert_points_and_levels_follow_the_entries()
    assert_only_what_is_validated_counts()
    assert set(Registration.objects.of(somebody).values_list("state", flat=True)) == {"removed"}
    assert somebody.country.code == "ZA"
    assert TermsAcceptance.objects.filter(member=somebody).exists()
    user = somebody.user
    assert user.email.endswith("@example.invalid")
    assert not user.is_active
    assert not user.has_usable_password()
    assert Registration.objects.get(member=world.ben).claims_made.get().outcome == "withdrawn"
    report = StolenReport.objects.get(serial_key=STOLEN)
    assert (report.lifted_at, report.member, report.registration) == (None, None, None)


def test_append_only_tables_have_no_personal_columns() -> None:
    """They can never be blanked. What an entry is about and the language of the terms identify nobody."""
    for model in (PointsEntry, LevelChange, TermsAcceptance):
        texts = {
            field.name
            for field in model._meta.concrete_fields
            if isinstance(field, models.CharField | models.TextField | models.JSONField) and not field.choices
        }
        assert texts <= {"about", "language"}, model


def test_an_erased_person_can_join_again(world: World) -> None:
    address = world.ana.user.email
    close(world.ana)
    erase()
    answer = Client().post(
        "/accounts/signup/",
        {
            "email": address,
            "password1": "another short sentence",
            "first_name": "Eve",
            "last_name": "New",
            "country": "ZA",
            "adult": "on",
            "terms": "on",
        },
    )
    assert answer.status_code == 302
    assert Member.objects.open().filter(user__email=address).exists()


def test_a_failed_erasure_is_rolled_back_and_the_next_run_finishes_it(world: World, somebody: Member) -> None:
    """The database itself stops one of two in the middle."""
    close(somebody)
    close(world.chloe)
    with connection.cursor() as cursor:
        cursor.execute(
            "create function stop_here() returns trigger language plpgsql as $$ begin raise exception 'broken'; end $$;"
            "create trigger stop_here before update on cases_case for each row execute function stop_here()"
        )
    before = traces(MARK)
    erase()
    del before["members_session.names"]  # sessions end before, and stay ended
    somebody.refresh_from_db()
    world.chloe.refresh_from_db()
    assert somebody.erased_at is None
    assert world.chloe.erased_at
    assert traces(MARK) == before
    with connection.cursor() as cursor:
        cursor.execute("drop trigger stop_here on cases_case")
    erase()
    assert traces(MARK) == {}
    left = traces("erased-")
    erase()
    assert traces("erased-") == left


def test_nobody_is_erased_a_day_early_or_after_reopening_the_account(world: World, somebody: Member) -> None:
    kit = list(Registration.objects.of(somebody).order_by("pk").values())
    points, level, held = somebody.points, somebody.level, traces(MARK)
    close(somebody)
    last = START + timedelta(days=1 + settings.CLOSING_DAYS)
    assert actions.erase_due(at=last, limit=10) == 0
    members_back = actions.reopen_account(member=somebody, by=somebody.user, at=last)
    assert members_back.closed_at is None
    erase()
    somebody.refresh_from_db()
    assert (somebody.points, somebody.level) == (points, level)
    assert list(Registration.objects.of(somebody).order_by("pk").values()) == kit
    now = traces(MARK)
    assert all(now[where] >= rows for where, rows in held.items()), "nothing has gone"
    close(somebody)
    with pytest.raises(Refusal, match="no longer be reopened"):
        actions.reopen_account(member=somebody, by=somebody.user, at=last + timedelta(days=2))


def test_staff_accounts_cannot_be_closed(world: World) -> None:
    world.ana.user.is_staff = True
    world.ana.user.save()
    with pytest.raises(Refusal, match="admin"):
        close(world.ana)
    assert Member.objects.open().filter(pk=world.ana.pk).exists()


def test_erasing_reads_only_the_sessions_of_the_erased(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """R14: by an index, and without decoding one: signed in, half signed in, and never anybody else's."""
    decoded: list[str] = []
    decode = SessionStore.decode

    def counted(store: SessionStore, data: str) -> Any:
        decoded.append(data)
        return decode(store, data)

    for person in (world.ana, world.ben, world.chloe):
        Client().force_login(person.user)
    half = SessionStore()
    half["account_login"] = {"email": f"  {world.ben.user.email.upper()} ", "at": 1}
    half.save()
    EmailAddress.objects.create(user=world.ben.user, email="Second@example.org")
    other = SessionStore()
    other["typed"] = "second@example.org"
    other.save()
    visitor = SessionStore()
    visitor["language"] = "en"
    visitor.save()
    Session.objects.bulk_create(
        Session(session_key=f"somebody-{n}", session_data="", expire_date=timezone.now(), names=[f"9{n:06d}"])
        for n in range(500)
    )
    monkeypatch.setattr(SessionStore, "decode", counted)
    with CaptureQueriesContext(connection) as queries:
        assert actions.drop_sessions(users={world.ben.user_id}) == 3
    assert decoded == []
    assert len(queries) <= 4
    signed_in = {row.names[0] for row in Session.objects.exclude(session_key__startswith="somebody-") if row.names}
    assert signed_in == {str(world.ana.user_id), str(world.chloe.user_id)}
    assert Session.objects.filter(session_key=visitor.session_key).exists()
    assert Session.objects.count() == 503


def test_sessions_are_found_by_their_index(world: World) -> None:
    """R14: however many others there are, only those of the person are read."""
    rows = (
        Session(session_key=f"somebody-{n}", session_data="x" * 200, expire_date=timezone.now(), names=[f"9{n:06d}"])
        for n in range(20_000)
    )
    Session.objects.bulk_create(rows, batch_size=5000)
    with connection.cursor() as cursor:
        cursor.execute("analyze members_session")
    Client().force_login(world.ben.user)
    query = Session.objects.naming([str(world.ben.user_id), world.ben.user.email])
    plan = query.explain(analyze=True, format="json")
    (top,) = json.loads(plan)
    assert "session_names" in plan
    assert "Seq Scan" not in plan
    assert top["Plan"]["Actual Rows"] == 1
