"""Today: what waits for each role, counted in few queries on indexes, and only what its rights open (R54)."""

import re
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.site.queries import workload
from kitbag.actions import registrations
from kitbag.actions.held_decisions import hold_claim, undo_decision
from kitbag.enums import ClaimOutcome
from kitbag.models import Claim, Registration
from kitbag.queries.deadlines import decision_due, submitted_before
from kitbag.queries.versions import version_of_claim
from members.models import User
from members.support.actions import open_case, take
from members.support.enums import CaseKind
from members.support.models import Case
from servicing.models import ServiceCentre
from tests.admin.conftest import SignIn, signed_in
from tests.admin.crowd import add_jobs
from tests.factories import UserFactory, submitted, validated
from tests.queries import SNAPSHOT_QUERIES
from tests.servicing.test_desk import works_at
from tests.world import World

BIG = (
    "kitbag_registration",
    "cases_case",
    "offers_welcomepack",
    "outbox_message",
    "servicing_ticket",
    "servicing_loan",
)
SUPPORT = {"reviews", "appeals", "cases", "claims", "sightings", "packs", "loans", "failed", "held"}
PROGRAMME = {"loans", "proposals", "planned"}
RECORDS, BOARD = "/admin/records/", "/admin/servicing/ticket/board/"
OPENS = 9  # a check submitted in the night before a working day is due in a night, too


def member_of(groups: dict[str, Group], name: str) -> User:
    user = UserFactory(is_staff=True)
    user.groups.add(groups[name])
    return user


def test_each_role_is_shown_the_queues_that_its_rights_open(world: World, groups: dict[str, Group]) -> None:
    now = timezone.now()
    expected = {"Support": SUPPORT, "Programme": PROGRAMME, "Centre": {"loans"}}
    shown = {name: set(workload.read_queues(member_of(groups, name), now)) for name in expected}
    assert shown == expected
    assert set(workload.read_queues(UserFactory(is_superuser=True), now)) == set(workload.QUEUES)
    assert workload.read_queues(UserFactory(is_staff=True), now) == {}


def test_the_compiled_counts_are_those_of_the_querysets(world: World, groups: dict[str, Group]) -> None:
    """Of every role, and of two people of one role, each with a centre of their own."""
    root, now = UserFactory(is_staff=True, is_superuser=True), timezone.now()
    add_jobs([world.ana, world.ben], root)
    validated(world.ben, world.pro_body, "100000000001")  # Ana's number: a claim
    clerks = [works_at(ServiceCentre.objects.get(slug=f"of-{one.pk}"), groups) for one in (world.ana, world.ben)]
    for user in (root, *clerks, *(member_of(groups, name) for name in ("Support", "Programme", "Centre"))):
        for at in (now, now + timedelta(days=40)):
            rows = [row for query in workload.queue_queries(user, at) for row in query]
            assert workload.read_queues(user, at) == {row[0]: workload.Waiting(*row) for row in rows}, user


def test_a_claim_whose_decision_is_held_no_longer_waits(world: World) -> None:
    """As on the page of claims, and it waits again if the decision is taken back (R54)."""
    root, now = UserFactory(is_superuser=True), timezone.now()
    validated(world.ben, world.pro_body, "100000000001")  # Ana's number
    claim = Claim.objects.get()
    Claim.objects.update(respond_by=timezone.localdate() - timedelta(days=1))
    claim.refresh_from_db()
    assert (claims_of(root).total, claims_of(root).late) == (1, 1)
    held = hold_claim(
        claim=claim, outcome=ClaimOutcome.HOLDER, why="Shown.", version=version_of_claim(claim), by=root, at=now
    )
    assert (claims_of(root).total, claims_of(root).late) == (0, 0)
    undo_decision(decision=held, by=root, at=now)
    assert claims_of(root).total == 1


def claims_of(user: User) -> workload.Waiting:
    return workload.read_queues(user, timezone.now())["claims"]


def test_a_clerk_counts_the_jobs_of_the_own_centre_only(world: World, groups: dict[str, Group]) -> None:
    add_jobs([world.ana, world.ben], UserFactory(is_staff=True, is_superuser=True))
    first = works_at(ServiceCentre.objects.get(slug=f"of-{world.ana.pk}"), groups)
    second = works_at(ServiceCentre.objects.get(slug=f"of-{world.ben.pk}"), groups)
    now = timezone.now()
    jobs = {
        user: sum(row.total for row in workload.read_jobs(user, now).values())
        for user in (first, second, member_of(groups, "Centre"), member_of(groups, "Support"))
    }
    own, other, nowhere, everywhere = jobs.values()
    assert nowhere == 0 < own
    assert own + other == everywhere
    assert workload.read_jobs(member_of(groups, "Programme"), now) == {}
    assert {job.centre.slug for job in workload.jobs_due(first)} <= {f"of-{world.ana.pk}"}


def test_the_counts_take_two_queries_and_scan_no_big_table(world: World) -> None:
    root, now = UserFactory(is_superuser=True), timezone.now()
    with CaptureQueriesContext(connection) as queries:
        workload.read_queues(root, now)
        workload.read_jobs(root, now)
    assert len(queries) == 2
    with connection.cursor() as cursor:
        # What tests before this one left in the tables and their statistics must not decide.
        cursor.execute(f"analyze {', '.join(BIG)}")
        # An empty table is cheapest to read whole, or through the block indexes of the programme's numbers.
        cursor.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
    plans = [query.explain() for query in workload.queue_queries(root, now)]
    plans.append(workload.job_rows(root).explain())
    scanned = [line for plan in plans for line in plan.splitlines() if "Seq Scan" in line]
    assert [line for line in scanned if any(f"on {table}" in line for table in BIG)] == []
    text = "\n".join(plans)
    for index in ("registration_submitted", "case_queue", "welcome_pack_waiting", "outbox_message_trouble"):
        assert index in text, index


def test_today_costs_the_same_for_many_rows_as_for_one(world: World, as_root: Client) -> None:
    as_root.get("/admin/")
    with CaptureQueriesContext(connection) as few:
        as_root.get("/admin/")
    add_jobs([world.ana, world.ben, world.chloe], UserFactory(is_staff=True, is_superuser=True))
    with CaptureQueriesContext(connection) as many:
        answer = as_root.get("/admin/")
    assert len(many) == len(few) <= 15 + SNAPSHOT_QUERIES, "the administrator sees the overview of the programme, too"
    assert answer.context["jobs"]


def test_the_count_of_overdue_checks_agrees_with_the_date_that_members_read(world: World) -> None:
    """Over two weeks, hour by hour: a check is overdue from its own deadline on (R19)."""
    start = datetime(2026, 12, 18, tzinfo=UTC)  # with Christmas and New Year
    moments = [start + timedelta(hours=hours) for hours in range(0, 24 * 14, 5)]
    by_day = [at for at in moments if at.astimezone(settings.SUPPORT_CALENDAR.zone).hour >= OPENS]
    due = {at: decision_due(Registration(submitted_at=at)) for at in by_day}
    minute = timedelta(minutes=2)
    assert [at for at, until in due.items() if until and at < submitted_before(until - minute)] == []
    assert [at for at, until in due.items() if until and at >= submitted_before(until + minute)] == []
    assert len(due) > 30


def test_all_records_are_grouped_by_subject_with_histories_last(world: World, as_root: Client) -> None:
    subjects = as_root.get(RECORDS).context["subjects"]
    names = [str(subject["name"]) for subject in subjects]
    assert names[0] == "Members"
    assert names[-1] == "Logs and histories"
    listed = [entry["object_name"] for subject in subjects for entry in subject["models"]]
    assert len(listed) == len(set(listed)) > 80
    assert [name for name in listed if name.endswith("HistoryEvent")] == [
        entry["object_name"] for entry in subjects[-1]["models"] if entry["object_name"].endswith("HistoryEvent")
    ]


def test_all_records_are_those_that_the_rights_open_and_can_be_found_by_name(staff: SignIn) -> None:
    centre = staff("Centre")
    page = centre.get(RECORDS)
    listed = {entry["object_name"] for subject in page.context["subjects"] for entry in subject["models"]}
    kept = {"CardRule", "Loan", "LoanUnit", "ReadySet", "ReadySetLine", "ServiceCentre", "Ticket", "VisitingMember"}
    assert listed == kept
    assert page.context["may_change"] == 2, "loan units and ready sets; the others are changed by their own pages"
    assert {Client().get(RECORDS).status_code, centre.post(RECORDS).status_code} == {302, 405}
    found = centre.get(RECORDS, {"q": " READY"}).context["subjects"]
    assert [[str(entry["name"]) for entry in subject["models"]] for subject in found] == [
        ["Ready sets", "Lines of ready sets"]
    ]
    assert "Nothing fits" in centre.get(RECORDS, {"q": "<nothing\x00"}).content.decode()


def test_the_rail_shows_each_role_its_parts(staff: SignIn) -> None:
    support = {"Today", "Decide", "Cases", "Members", "Programme", "Board", "Take in", "Ship", "Jobs", "Loans"}
    expected = {
        "Support": support,
        "Programme": {"Today", "Jobs", "Loans", "Members", "Programme", "System"},
        "Centre": {"Board", "Take in", "Ship", "Jobs", "Loans"},
        "": {"Today"},
    }
    shown = {
        group: {str(part.label) for part in staff(group).get(RECORDS).context["shell"]["parts"] if part.icon}
        for group in expected
    }
    assert shown == {group: {*parts, "All records"} for group, parts in expected.items()}


def test_a_clerk_of_a_centre_lands_on_the_board(staff: SignIn, groups: dict[str, Group]) -> None:
    clerk = staff("Centre")
    assert clerk.get("/admin/")["Location"] == BOARD
    assert f'<a href="{BOARD}">Board</a>' in clerk.get("/admin/servicing/loanunit/").content.decode(), "no Today"
    assert str(clerk.get(BOARD).context["shell"]["current"].label) == "Board"
    both = UserFactory(is_staff=True)
    both.groups.add(groups["Centre"], groups["Programme"])
    for client in (staff("Support"), signed_in(both), staff()):
        assert client.get("/admin/").status_code == 200


# --- Counts in the rail ----------------------------------------------------------------------------


def badges(client: Client, url: str = RECORDS) -> dict[str, tuple[int, str]]:
    parts = client.get(url).context["shell"]["parts"]
    return {str(part.label): (part.badge.count, part.badge.tone) for part in parts if part.badge}


def test_the_rail_counts_what_waits_and_says_what_is_overdue_or_mine(world: World, staff: SignIn) -> None:
    now = timezone.now()
    for number in (1, 2):
        row = submitted(world.ben, world.body, f"5821{number}", insisted=True, at=now - timedelta(days=30 * number))
        registrations.check_registration(registration=row, at=now)
    validated(world.ben, world.lens, "1000003")  # Ana's number: a claim, and two cases for support
    assert badges(staff("")) == {}
    clerk = UserFactory(is_staff=True)
    clerk.groups.add(Group.objects.get(name="Support"))
    case = open_case(kind=CaseKind.CONTACT, subject="Strap", text="Where?", member=world.ana, by=None, at=now)
    take(case=case, by=clerk, at=now)
    client = signed_in(clerk)
    shown, queues = badges(client), workload.read_queues(clerk, now)
    checks = queues["reviews"].total
    assert checks >= 2
    assert shown["Checks"] == (checks, "late")
    assert shown["Claims"] == (1, "")
    assert shown["Decide"] == (checks + 1, "late")
    assert shown["Mine"] == shown["Today"] == (1, "turn")
    assert shown["Cases"][0] == Case.objects.queue().count() == shown.get("Nobody’s", (0, ""))[0] + 1
    page = client.get(RECORDS).content.decode()
    assert re.search(r'<span class="d-count"\s+data-tone="late">', page)
    assert '<span class="sr">waiting, some overdue</span>' in page


def test_the_rail_of_a_centre_counts_its_own_jobs_as_the_board_does(world: World, groups: dict[str, Group]) -> None:
    add_jobs([world.ana, world.ben], UserFactory(is_staff=True, is_superuser=True))
    clerk = works_at(ServiceCentre.objects.get(slug=f"of-{world.ana.pk}"), groups)
    client = signed_in(clerk)
    shown, board = badges(client), client.get(BOARD).context
    assert shown["Board"][0] == next(chip.count for chip in board["chips"] if chip.name == "all") > 0
    lanes = {lane.name: lane.total for column in board["columns"] for lane in column}
    assert {name: shown.get(name, (0, ""))[0] for name in ("Take in", "Ship")} == {
        "Take in": lanes["arriving"],
        "Ship": lanes["ready"],
    }


def test_the_rail_costs_one_query_in_half_a_minute_that_scans_no_big_table(world: World, as_root: Client) -> None:
    as_root.get(RECORDS)
    with CaptureQueriesContext(connection) as later:
        as_root.get(RECORDS)
    cache.clear()
    with CaptureQueriesContext(connection) as first:
        as_root.get(RECORDS)
    assert len(first) == len(later) + 1
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
    plans = [query.explain() for query in workload.rail_queries(UserFactory(is_superuser=True), timezone.now())]
    scanned = [line for plan in plans for line in plan.splitlines() if "Seq Scan" in line]
    assert [line for line in scanned if any(f"on {table}" in line for table in BIG)] == []
