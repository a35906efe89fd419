"""The programme on the desk: who opens which page, what it counts, and how much that costs (R1, R9, R22, R54)."""

import csv
import io
import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.site.presenters.programme_numbers import TITLES
from cps_portal.site.queries import programme
from cps_portal.site.queries.programme_numbers import read_numbers
from cps_portal.site.tasks import count_programme
from cps_portal.site.views.programme import overview_context
from kitbag.actions import planning
from kitbag.enums import Stage
from kitbag.models import CatalogueProposal, LedgerCheck, MissedSearch, StageChange
from members import actions
from members.enums import Level, Programme, ServiceLevel
from members.models import CountryProgramme, LevelChange, Member, StaffAccess, TermsVersion, User
from members.offers.enums import OfferKind, OfferState, PackStep, PlaceState
from members.offers.models import Offer, PackEvent, SignUp
from members.support.enums import CaseKind
from members.support.models import Case
from tests.admin.conftest import SignIn
from tests.admin.crowd import add_crowd
from tests.factories import UserFactory, announced, draft, plan, validated
from tests.offers.packing import asked
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import use_empty_cache
from tests.world import World

NOW = timezone.now()
TODAY = timezone.localdate(NOW)
OVERVIEW_QUERIES = 9
NUMBERS_QUERIES = 10
MONTH_INDEXES = [
    "level_change_(at|by_member)",  # the second costs as much in a small table
    "registration_moments",
    "points_entry_at",
    "ticket_ready",
    "pack_event_occurred",
    "case_opened",
]
FILES = [f"programme_{key}_csv" for key in TITLES]
ROLES = ("Programme", "Support", "Centre", "", "root")
# Address -> answer to each of ROLES. Nobody else enters the desk.
PAGES: dict[str, tuple[int, ...]] = {
    "programme": (200, 200, 403, 403, 200),
    "programme_changes": (200, 200, 403, 403, 200),
    "programme_countries": (200, 200, 403, 403, 200),
    "programme_offers": (200, 200, 403, 403, 200),
    "programme_numbers": (200, 403, 403, 403, 200),
    **dict.fromkeys(FILES, (200, 403, 403, 403, 200)),
}


@pytest.fixture
def as_programme(staff: SignIn) -> Client:
    return staff("Programme")


@pytest.fixture
def root(world: World) -> User:
    return UserFactory(is_superuser=True)


def page(name: str) -> str:
    return reverse(f"admin:{name}")


def months_ago(count: int) -> datetime:
    """A moment in the middle of that month."""
    month = TODAY.year * 12 + TODAY.month - 1 - count
    return datetime(month // 12, month % 12 + 1, 15, 12, tzinfo=timezone.get_default_timezone())


def counted(client: Client, url: str) -> int:
    use_empty_cache()  # what is kept there for a while shall not end between these two
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


# --- Who opens what ------------------------------------------------------------------------------


def test_each_page_opens_for_the_roles_whose_rights_allow_it(staff: SignIn, world: World) -> None:
    clients = {role: staff(is_superuser=True) if role == "root" else staff(role) for role in ROLES}
    given = {name: tuple(clients[role].get(page(name)).status_code for role in ROLES) for name in PAGES}
    assert given == PAGES
    for outsider in (Client(), signed_in_member(world.ana)):
        assert {outsider.get(page(name)).status_code for name in PAGES} <= {302, 403}
    assert {clients["root"].post(page(name)).status_code for name in PAGES} == {405}


def signed_in_member(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def test_support_sees_what_is_planned_but_no_numbers_and_nothing_to_plan(staff: SignIn, world: World) -> None:
    planning.plan_changes(plans=[plan(world.pro_body, Stage.SUPERSEDED, NOW)], by=None, at=NOW)
    CatalogueProposal.objects.create(product=world.lens, changes={"points_current": [200, 220]}, proposed_at=NOW)
    text = staff("Support").get(page("programme")).content.decode()
    assert world.pro_body.name in text
    for hidden in ("Members by level", "Proposals", "Plan a change", "Products that count", world.lens.name):
        assert hidden not in text, hidden


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("Programme", ["Planned changes", "Members by level", "Proposals", "Plan a change"], ["Queues", "Start with"]),
        ("Support", ["Queues", "Start with the oldest"], ["Planned changes</h2>", "Members by level"]),
        ("Centre", ["Take in", "To assess"], ["Planned changes", "Start with the oldest", "Queues</h2>"]),
        ("root", ["Queues", "Planned changes</h2>", "Proposals", "Start with the oldest", "Waiting for a detail"], []),
    ],
)
def test_everybody_lands_on_their_own_work(
    staff: SignIn, world: World, role: str, shown: list[str], hidden: list[str]
) -> None:
    add_crowd(range(1), world.terms)
    client = staff(is_superuser=True) if role == "root" else staff(role)
    text = client.get("/admin/", follow=True).content.decode()
    assert [words for words in shown if words not in text] == []
    assert [words for words in hidden if words in text] == []


def test_the_rail_marks_the_programme_on_its_pages_and_on_the_lists_behind_them(as_programme: Client) -> None:
    for url in [page("programme"), page("programme_offers"), page("kitbag_catalogueproposal_changelist")]:
        assert str(as_programme.get(url).context["shell"]["current"].label) == "Programme"
    assert str(as_programme.get("/admin/").context["shell"]["current"].label) == "Today"


# --- What the overview counts --------------------------------------------------------------------


def test_the_overview_counts_members_kit_jobs_and_what_waits(as_programme: Client, world: World) -> None:
    Member.objects.filter(pk=world.ben.pk).update(joined_at=NOW)
    Member.objects.filter(pk=world.chloe.pk).update(closed_at=NOW)
    draft(world.ben, world.lens)
    LedgerCheck.objects.create(started_at=NOW, finished_at=NOW, wrong_points=2)
    Offer.objects.create(
        kind=OfferKind.SPECIAL,
        slug="o",
        title="Offer",
        summary="s",
        levels=["red"],
        state=OfferState.PUBLISHED,
        since=NOW - timedelta(days=1),
        until=NOW + timedelta(days=9),
    )
    context = as_programme.get("/admin/").context
    strip = {str(number.label): (number.value, number.note) for number in context["strip"]}
    assert strip["Members"] == ("2", "+1 this week")
    assert strip["Products that count"] == ("3", "1.5 a member")
    assert strip["Waiting for a detail"] == ("1", "")
    assert strip["Jobs in time, 30 days"] == ("–", "0 of 0")
    assert strip["Offers"] == ("1", "1 end in 30 days")
    assert strip["Ledger check"][0] == "2 off"
    assert [(part.level, part.members) for part in context["level_parts"]] == [
        (Level.RED, 1),
        (Level.SILVER, 0),
        (Level.GOLD, 1),
        (Level.PLATINUM, 0),
    ]
    assert [row.group for row in context["offer_rows"]] == ["ending"]


def test_the_overview_reads_members_and_kit_as_they_were_counted_last(as_programme: Client, world: World) -> None:
    count_programme()
    draft(world.ben, world.lens)
    Member.objects.filter(pk=world.ben.pk).update(level=Level.SILVER)
    with CaptureQueriesContext(connection) as queries:
        strip = {str(number.label): number.value for number in as_programme.get("/admin/").context["strip"]}
    assert strip["Waiting for a detail"] == "0"
    counted = [query["sql"] for query in queries if 'COUNT("members_member"' in query["sql"]]
    assert counted == []
    count_programme()
    answer = as_programme.get("/admin/")
    strip = {str(number.label): number.value for number in answer.context["strip"]}
    assert strip["Waiting for a detail"] == "1"
    assert {part.level: part.members for part in answer.context["level_parts"]}[Level.SILVER] == 1
    assert "products were counted at" in answer.content.decode()


def test_the_compiled_figures_are_those_of_the_querysets(staff: SignIn, root: User, world: World) -> None:
    """Of every role, for two moments: each has values of its own."""
    plan(world.pro_body, Stage.SUPERSEDED, NOW)
    MissedSearch.objects.create(day=TODAY, text="nifty fifty", count=3, counted_at=NOW)
    add_crowd(range(2), world.terms)
    for group in ("Programme", "Support", "Centre"):
        staff(group)
    for user in (root, *User.objects.filter(is_staff=True)):
        for at in (NOW, NOW + timedelta(days=40)):
            today = timezone.localdate(at)
            values = {
                "at": at,
                "jobs_since": at - programme.JOBS_FOR,
                "ends_before": at + programme.ENDS_SOON,
                "missed_since": today - programme.MISSED_FOR,
                "tomorrow": today + timedelta(days=1),
            }
            parts = [part for right, part in programme.FIGURES.items() if user.has_perm(right)]
            rows = [row for query, names in parts for row in query(*(values[name] for name in names))]
            figures = programme.read_figures(user, at)
            found = [
                (group, name, *pair)
                for group in ("centres", "waiting", "wanted")
                for name, pair in getattr(figures, group).items()
            ]
            assert sorted(found) == sorted(rows), (user, at)
    assert programme.read_figures(root, NOW).waiting["changes"][0] > 0


def test_the_overview_costs_nine_queries_however_many_rows_there_are(as_programme: Client, world: World) -> None:
    user = User.objects.get(groups__name="Programme")
    user.has_perm("kitbag.view_stagechange")  # reads the rights once for the request
    with CaptureQueriesContext(connection) as own:
        overview_context(user, NOW)
    assert len(own) <= OVERVIEW_QUERIES
    add_crowd(range(2), world.terms)  # two, because overlaps of a single change are not asked for
    urls = ["/admin/", *(page(name) for name in PAGES)]
    few = {url: counted(as_programme, url) for url in urls}
    add_crowd(range(2, 3), world.terms)
    many = {url: counted(as_programme, url) for url in urls}
    assert many == few
    assert max(many.values()) <= 30 + SNAPSHOT_QUERIES


# --- Planned changes -----------------------------------------------------------------------------


def test_planned_changes_are_listed_by_day_with_who_drops_and_who_overlaps(as_programme: Client, world: World) -> None:
    validated(world.ben, world.lens, "1000009")
    plans = [plan(world.pro_body, Stage.SUPERSEDED, NOW), plan(world.lens, Stage.SUPERSEDED, NOW)]
    later = plan(world.lens, Stage.UNSERVICEABLE, NOW, effective_on=TODAY + timedelta(days=200))
    planning.plan_changes(plans=[*plans, later], by=None, at=NOW)
    CountryProgramme.objects.create(
        country="SY", kind=Programme.FREE, service_level=ServiceLevel.FULL, valid_from=TODAY + timedelta(days=1)
    )
    context = as_programme.get(page("programme_changes")).context
    first, second, third = context["days"]
    assert (first.days, [row.title for row in first.rows], first.effect) == ("tomorrow", ["Syria"], None)
    assert {row.title: row.members for row in second.rows} == {world.pro_body.name: 1, world.lens.name: 2}
    assert (second.effect.members, second.effect.lost, second.falls, second.rises) == (2, 540, 1, 0)
    assert (third.effect.members, third.falls) == (2, 0)
    assert context["planned"].overlapping == 1, "Ana has both"
    assert context["planned"].repeated == [world.lens.name]
    assert context["touched"] == 2
    text = as_programme.get(page("programme_changes")).content.decode()
    assert "1 member drops a level" in text
    assert "1 member has two or more of these products" in text
    assert "From “No programme” to “Free programme, Full”" in text


def test_the_state_of_a_change_says_whether_members_know_in_time(as_programme: Client, world: World) -> None:
    announced(plan(world.pro_body, Stage.SUPERSEDED, NOW), NOW)
    late = announced(plan(world.lens, Stage.SUPERSEDED, NOW), NOW)
    StageChange.objects.filter(pk=late.pk).update(effective_on=TODAY + timedelta(days=1))
    planning.plan_changes(plans=[plan(world.body, Stage.SUPERSEDED, NOW)], by=None, at=NOW)
    rows = {row.title: str(row.state) for row in as_programme.get("/admin/").context["change_rows"]}
    assert rows == {
        world.pro_body.name: "Ready",
        world.lens.name: "Told too late",
        world.body.name: "Members are being told",
    }


def test_nothing_planned_and_no_offer_is_said(as_programme: Client, world: World) -> None:
    assert "Nothing is planned" in as_programme.get(page("programme_changes")).content.decode()
    assert "No offer" in as_programme.get(page("programme_offers")).content.decode()


# --- Countries, terms, offers --------------------------------------------------------------------


def test_countries_say_what_is_in_force_what_comes_and_who_accepted_the_terms(
    as_programme: Client, world: World
) -> None:
    newest = TermsVersion.objects.create(version="2026-01", valid_from=NOW - timedelta(days=1))
    TermsVersion.objects.create(version="2099-01", valid_from=NOW + timedelta(days=30))
    actions.accept_terms(member=world.ana, terms=newest, at=NOW)
    CountryProgramme.objects.create(country="FR", kind=Programme.NONE, valid_from=TODAY - timedelta(days=3))
    CountryProgramme.objects.create(country="ZA", kind=Programme.SUBSCRIPTION, valid_from=TODAY + timedelta(days=3))
    Member.objects.filter(pk=world.chloe.pk).update(country="AQ")
    answer = as_programme.get(page("programme_countries"))
    rows = {row.name: row for row in answer.context["rows"]}
    assert (rows["South Africa"].members, rows["South Africa"].accepted, rows["South Africa"].share) == (1, 1, 100)
    assert rows["South Africa"].programme == "Free programme, Full"
    assert rows["South Africa"].coming[0].startswith("Subscription programme from ")
    assert (rows["Kenya"].members, rows["Kenya"].accepted) == (1, 0)
    assert rows["France"].programme == rows["AQ"].programme == "No programme"
    terms = {line.terms.version: (line.accepted, words) for line, words, _tone in answer.context["terms"]}
    assert terms == {"2099-01": (0, "counts from then on"), "2026-01": (1, "in force"), "2024-01": (3, "earlier")}
    changed = [(change.name, change.is_coming) for change in as_programme.get("/admin/").context["countries_changed"]]
    assert changed == [("South Africa", True), ("France", False)]


def test_offers_are_grouped_by_when_they_end_and_say_how_often_they_were_used(
    as_programme: Client, world: World
) -> None:
    def offer(slug: str, since: int, until: int | None, **facts: object) -> Offer:
        end = NOW + timedelta(days=until) if until is not None else None
        values = {"kind": OfferKind.SPECIAL, "state": OfferState.PUBLISHED, "levels": ["red"], **facts}
        return Offer.objects.create(
            slug=slug, title=slug, summary=slug, since=NOW + timedelta(days=since), until=end, **values
        )

    party = offer("party", -5, 9, kind=OfferKind.EVENT, venue="Here", starts_at=NOW, places=2)
    offer("live", -5, 90)
    offer("coming", 5, None, countries=["ZA", "KE"])
    offer("draft", -5, None, state=OfferState.DRAFT)
    offer("ended", -50, -9)
    offer("long ago", -500, -100)
    offer("taken back", -5, None, state=OfferState.WITHDRAWN)
    SignUp.objects.create(offer=party, member=world.ana, state=PlaceState.HELD, place=1, since=NOW)
    SignUp.objects.create(offer=party, member=world.ben, state=PlaceState.WAITING, since=NOW)
    groups = as_programme.get(page("programme_offers")).context["groups"]
    assert [(str(name), [row.offer.slug for row in rows]) for name, rows in groups] == [
        ("Ends within 30 days", ["party"]),
        ("Live", ["live"]),
        ("To come", ["coming"]),
        ("Drafts", ["draft"]),
        ("Ended in the last 90 days", ["ended"]),
    ]
    first, coming = groups[0][1][0], groups[2][1][0]
    assert (first.used, first.waits, coming.countries) == ("1 of 2 places", 1, "2 countries")


# --- Numbers over time ---------------------------------------------------------------------------


def test_members_of_each_month_are_worked_out_from_todays_and_what_happened_since(root: User, world: World) -> None:
    """Ben joined three months ago and reached Silver last month; Chloe closed last month, then lost her level."""
    Member.objects.filter(pk=world.ben.pk).update(joined_at=months_ago(3), level=Level.SILVER)
    LevelChange.objects.create(
        member=world.ben, from_level=Level.RED, to_level=Level.SILVER, points=500, cause="validated", at=months_ago(1)
    )
    LevelChange.objects.create(
        member=world.chloe, from_level=Level.GOLD, to_level=Level.RED, points=0, cause="removed", at=NOW
    )
    Member.objects.filter(pk=world.chloe.pk).update(closed_at=months_ago(1))
    found = read_numbers(root, NOW)
    levels = [found.members.by_level[month] for month in found.months]
    shown = [(row["red"], row["silver"], row["gold"], row["platinum"]) for row in levels[-5:]]
    assert shown == [(0, 0, 2, 0), (1, 0, 2, 0), (1, 0, 2, 0), (0, 1, 1, 0), (0, 1, 1, 0)]
    assert levels[0] == levels[-5]
    countries = [found.members.by_country[month] for month in found.months]
    assert [(row.get("KE", 0), row.get("TR", 0)) for row in countries[-4:]] == [(1, 1), (1, 1), (1, 0), (1, 0)]
    assert countries[0].get("KE", 0) == 0
    assert found.members.joined[found.months[-4]] == {"KE": 1}
    assert found.members.closed[found.months[-2]] == 1
    assert sum(levels[-1].values()) == Member.objects.open().count()


def test_registrations_points_packs_and_cases_are_counted_in_their_month(root: User, world: World) -> None:
    validated(world.ben, world.body, "100000000077", at=months_ago(2))
    pack = asked(world.ana)
    for step, count in [(PackStep.DISPATCHED, 1), (PackStep.RETURNED, 1), (PackStep.ASKED, 0)]:
        PackEvent.objects.create(pack=pack, step=step, sending=1, occurred_at=months_ago(count), received_at=NOW)
    for days, kept in [(-1, True), (-1, False), (5, False)]:
        opened = months_ago(1)
        Case.objects.create(
            reference=f"AAAA000{Case.objects.count()}",
            kind=next(iter(CaseKind)),
            subject="?",
            member=world.ben,
            opened_at=opened,
            due_at=NOW,
            first_answer_due_at=NOW + timedelta(days=days),
            first_answered_at=opened if kept else None,
        )
    found = read_numbers(root, NOW)
    month = dict(zip(range(11, -1, -1), found.months, strict=True))
    assert found.registrations[month[2]] == (1, 1, 0)
    assert found.points[month[2]] == (300, 0)
    assert (found.packs[month[1]], found.packs[month[0]]) == ((0, 1, 1), (1, 0, 0))
    assert found.cases[month[1]] == (3, 2, 1)
    assert sum(sum(values) for values in found.registrations.values()) == 2, "Ana's are older than a year"


def test_months_begin_at_midnight_of_the_portals_zone(root: User, world: World) -> None:
    """The last second of a month in Johannesburg is still the same month in UTC, and the first one is not yet (R54)."""
    first = read_numbers(root, NOW).months[-1]
    begins = datetime(first.year, first.month, 1, tzinfo=timezone.get_default_timezone())
    assert begins.astimezone(timezone.get_fixed_timezone(0)).date() != first, "the zone is east of UTC"
    Member.objects.filter(pk=world.ben.pk).update(joined_at=begins)
    Member.objects.filter(pk=world.chloe.pk).update(joined_at=begins - timedelta(seconds=1))
    joined = read_numbers(root, NOW).members.joined
    assert (joined[first], joined[read_numbers(root, NOW).months[-2]]) == ({"KE": 1}, {"TR": 1})


def test_a_chart_without_a_number_says_that_nothing_happened(as_programme: Client, world: World) -> None:
    validated(world.ben, world.lens, "1000009")
    answer = as_programme.get(page("programme_numbers"))
    empty = {part.key for part in answer.context["parts"] if part.is_empty}
    assert empty == {"targets", "packs", "cases"}
    text = answer.content.decode()
    assert text.count("Nothing happened in these months") == len(empty)
    assert text.count('<svg class="sc-chart"') == len(TITLES) - len(empty)


def test_the_numbers_take_ten_queries(root: User, world: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            read_numbers(root, NOW)
        return len(queries)

    few = count()
    add_crowd(range(4), world.terms)
    assert count() == few <= NUMBERS_QUERIES


def test_the_year_is_read_along_indexes(root: User, world: World) -> None:
    add_crowd(range(2), world.terms)
    with CaptureQueriesContext(connection) as queries:
        read_numbers(root, NOW)
    plans = []
    with connection.cursor() as cursor:
        for way in (
            "seqscan",
            "nestloop",
            "mergejoin",
            "indexscan",
        ):  # cheaper for the few rows of a test
            cursor.execute(f"set local enable_{way} = off")
        for query in queries.captured_queries:
            cursor.execute(f"explain {query['sql']}")
            plans += [line for (line,) in cursor.fetchall()]
    text = "\n".join(plans)
    assert [name for name in MONTH_INDEXES if not re.search(name, text)] == []


def test_every_chart_has_words_and_a_table(as_programme: Client, world: World) -> None:
    add_crowd(range(2), world.terms)
    answer = as_programme.get(page("programme_numbers"))
    parts = answer.context["parts"]
    assert [part.key for part in parts] == list(TITLES)
    text = answer.content.decode()
    assert text.count("<table") == len(parts)
    assert text.count('role="img"') == len([part for part in parts if not part.is_empty])
    for part in parts:
        said = part.columns.text if part.columns else part.line.text if part.line else part.words
        assert said, part.key
        assert all(len(row) == len(part.heads) for row in part.rows), part.key
        assert all(len(row) == len(part.csv_heads) for row in part.file_rows), part.key


def test_each_chart_is_a_csv_file_and_its_download_is_recorded(as_programme: Client, world: World) -> None:
    add_crowd(range(2), world.terms)
    files = {}
    for name in FILES:
        answer = as_programme.get(page(name))
        assert answer["Content-Type"].startswith("text/csv")
        key = name.removeprefix("programme_").removesuffix("_csv")
        assert answer["Content-Disposition"] == f'attachment; filename="{key}.csv"'
        files[key] = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [len(files[key]) for key in ("members", "registrations", "points", "packs", "cases")] == [12] * 5
    last = files["members"][-1]
    assert last["month"] == f"{TODAY:%Y-%m}"
    assert int(last["all"]) == sum(int(last[level]) for level in Level.values) == Member.objects.open().count()
    of_kenya = [row for row in files["countries"] if row["country"] == "KE"]
    assert len(of_kenya) == 12
    assert int(of_kenya[-1]["members"]) == Member.objects.open().filter(country="KE").count()
    recorded = StaffAccess.objects.filter(kind="export").order_by("pk")
    assert list(recorded.values_list("page", "rows")) == [
        (f"admin:{name}", len(files[key])) for name, key in zip(FILES, TITLES, strict=True)
    ]
    as_programme.get(page("programme_numbers"))
    assert recorded.count() == len(FILES), "the page itself is no download"


def test_the_overview_says_what_was_searched_and_not_found(as_programme: Client, staff: SignIn) -> None:
    """The most frequent of a week first; the button leads to the products, one of which may be given the name."""
    for text, count, days in [
        ("nifty fifty", 3, 0),
        ("nifty fifty", 2, 6),
        ("a & b", 4, 1),
        ("old", 9, 8),
        ("1×", 1, 0),
    ]:
        day = TODAY - timedelta(days=days)
        MissedSearch.objects.create(day=day, text=text, count=count, counted_at=NOW)
    shown = as_programme.get(page("programme"))
    rows = shown.context["wanted"]
    assert [(row.text, row.searches) for row in rows] == [("nifty fifty", "5 searches"), ("a & b", "4 searches")]
    assert as_programme.get(rows[1].url).context["cl"].query == "a & b"
    assert "Searched and not found" not in staff("Support").get(page("programme")).content.decode()
