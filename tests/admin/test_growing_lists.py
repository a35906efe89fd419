"""A list of the desk counts and filters without reading its whole table (R54)."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.lib import admin_lists
from cps_portal.core.lib.admin_lists import BoundedPaginator, country_column
from members.models import Member
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.world import World

pytestmark = pytest.mark.django_db
MEMBERS = reverse("admin:members_member_changelist")
SMALL = {"cases.CannedAnswer", "kitbag.Sighting", "members.CountryProgramme", "servicing.EstimatedHoliday"}
SMALL |= {"servicing.VisitingMember"}  # hundreds of rows: their filters may look for their values
# What the programme, partners and centres keep: read whole and sorted, whatever the number of members.
KEPT_SMALL = {
    "members.CountryPlan",
    "members.LevelBenefit",
    "members.LevelThreshold",
    "members.TermsVersion",
    "members.ThresholdPlan",
    "members.LostAddress",
    "members.AccountFreeze",
    "members.AccountMerge",
    "offers.Offer",
    "offers.PackItem",
    "kitbag.Product",
    "kitbag.ProductName",
    "kitbag.StageChange",
    "kitbag.CatalogueProposal",
    "partners.EndpointSecret",
    "servicing.CalendarException",
    "servicing.ServiceCentre",
    "servicing.LoanUnit",
    "servicing.ReadySet",
    "servicing.ReadySetLine",
}
QUEUES = {"kitbag.Claim", "kitbag.RegistrationInReview"}  # sorted after a partial index has chosen what waits
WHOLE = ("COUNT(*)", "DISTINCT", "MIN(", "MAX(")


@pytest.fixture
def as_root(world: World) -> Client:
    return signed_in(UserFactory(is_staff=True, is_superuser=True))


def test_a_list_is_counted_as_far_as_its_bound_and_says_so(
    world: World, as_root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = as_root.get(MEMBERS).content.decode()
    assert "more than" not in shown
    monkeypatch.setattr(admin_lists, "MAX_COUNTED", 2)
    answer = as_root.get(MEMBERS)
    assert answer.context["cl"].result_count == 3
    assert "more than 2 members" in " ".join(answer.content.decode().split())
    assert "more than 2 results" in as_root.get(MEMBERS, {"q": "example"}).content.decode()
    monkeypatch.setattr(admin_lists, "MAX_COUNTED", 3)
    assert BoundedPaginator(Member.objects.order_by("pk"), 2).num_pages == 2
    assert not BoundedPaginator(Member.objects.order_by("pk"), 2).is_cut


def test_each_row_has_the_address_of_its_page_whatever_its_key_is(world: World, as_root: Client) -> None:
    """A key that is no number is escaped."""
    changes = as_root.get(MEMBERS).context["cl"]
    rows = list(changes.result_list)
    rows[0].pk = "a_b/c"
    expected = [reverse("admin:members_member_change", args=[quote(row.pk)]) for row in rows]
    assert [changes.url_for_result(row) for row in rows] == expected
    assert as_root.get(expected[1]).status_code == 200


def test_no_list_reads_its_table_whole(world: World, as_root: Client) -> None:
    """The list of every model of the admin, shown once: what it asks for, and how its rows are found."""
    counted, sorted_whole = {}, {}
    for model in [model for model in admin.site._registry if model._meta.label not in SMALL]:
        with CaptureQueriesContext(connection) as asked:
            page = as_root.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        if whole := asked_of_all_rows(model, [query["sql"] for query in asked]):
            counted[model._meta.label] = whole
        if page.status_code == 200 and "cl" in page.context:
            plan = plan_by_index(page.context["cl"].queryset[:51])
            if "->  Sort " in plan or f"Seq Scan on {model._meta.db_table}" in plan:  # an incremental sort is bounded
                sorted_whole[model._meta.label] = plan
    assert counted == {}
    assert {label: plan for label, plan in sorted_whole.items() if label not in KEPT_SMALL | QUEUES} == {}
    assert set(sorted_whole) == KEPT_SMALL | QUEUES, "an exception that is none any more"


def asked_of_all_rows(model: type[Model], statements: list[str]) -> list[str]:
    """Counts without a LIMIT inside, and questions for distinct values, the first or the last."""
    return [
        sql.rpartition("SELECT DISTINCT")[2][:80]
        for sql in statements
        if f'FROM "{model._meta.db_table}"' in sql
        and "LIMIT" not in sql
        and sql.startswith("SELECT")
        and any(word in sql.partition("FROM")[0] for word in WHOLE)
    ]


def plan_by_index(rows: QuerySet[Model]) -> str:
    """How the database reads rows, with what would be cheaper in a small table switched off."""
    with transaction.atomic(), connection.cursor() as cursor:
        for way in ("seqscan", "sort", "bitmapscan", "hashjoin", "mergejoin", "material"):
            cursor.execute(f"set local enable_{way} = off")
        return rows.explain()


def test_a_filter_of_dates_has_the_years_before(world: World, as_root: Client) -> None:
    now = timezone.localtime()
    for years in (0, 1, 3):
        joined = now.replace(year=now.year - years, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        Member.objects.filter(pk=[world.ana, world.ben, world.chloe][min(years, 2)].pk).update(joined_at=joined)
    changes = as_root.get(MEMBERS).context["cl"]
    spec = next(one for one in changes.filter_specs if getattr(one, "field_path", "") == "joined_at")
    choices = {str(one["display"]): one["query_string"] for one in spec.choices(changes)}
    expected = {0: [world.ana], 1: [world.ben], 2: [], 3: [world.chloe], 4: []}
    for years, members in expected.items():
        label = str(now.year - years) if years else "This year"
        rows = as_root.get(MEMBERS + choices[label]).context["cl"].result_list
        assert list(rows) == members, label
    assert [*choices][:5] == ["Any date", "Today", "Past 7 days", "This month", "This year"]


def test_a_filter_of_countries_has_all_of_them_by_name(world: World, as_root: Client, groups: dict[str, Group]) -> None:
    page = as_root.get(MEMBERS, {"country__exact": "KE"})
    assert [member.pk for member in page.context["cl"].result_list] == [world.ben.pk]
    spec = next(one for one in page.context["cl"].filter_specs if getattr(one, "field_path", "") == "country")
    choices = list(spec.choices(page.context["cl"]))
    assert len(choices) > 200 and {"Kenya", "Kosovo"} <= {str(one["display"]) for one in choices}
    assert [str(one["display"]) for one in choices if one["selected"]] == ["Kenya"]
    assert page.text.count("<option") == len(choices)


def test_the_select_of_countries_keeps_the_other_filters_and_its_choice(world: World, as_root: Client) -> None:
    page = as_root.get(MEMBERS, {"country__exact": "KE", "level__exact": "red", "q": "Ben", "p": "1"})
    form = page.text[page.text.index('<form method="get">\n<input type="hidden"') :].partition("</form>")[0]
    assert re.findall(r'name="(\w+)" value="([^"]*)"', form) == [("level__exact", "red"), ("q", "Ben")]
    assert re.findall(r'<option value="(\w*)" selected>([^<]*)<', form) == [("KE", "Kenya")]
    assert '<details name="changelist-filter" class="is-on">' in page.text
    forged = as_root.get(MEMBERS, {"country__exact": '"><b>'})
    assert forged.status_code == 200 and '"><b>' not in forged.text


def test_the_country_of_a_row_is_in_the_readers_language_and_sorts(world: World, as_root: Client) -> None:
    row = next(row for row in as_root.get(MEMBERS).context["cl"].result_list if row.pk == world.ben.pk)
    assert country_column(row) == "Kenya"
    Member.objects.filter(pk=world.ben.pk).update(country="")
    row.refresh_from_db()
    assert country_column(row) == "-"
    place = as_root.get(MEMBERS).context["cl"].list_display.index(country_column)
    codes = [row.country.code for row in as_root.get(MEMBERS, {"o": str(place)}).context["cl"].result_list]
    assert codes == sorted(codes) and len(set(codes)) > 1
