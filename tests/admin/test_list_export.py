"""Every list of the desk is a file as well: its own rows and columns, for who may, and recorded (R54)."""

import csv
import html
import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from cps_portal.core.lib.admin import PortalModelAdmin
from cps_portal.core.lib.dates import write_day, write_moment
from cps_portal.site.presenters import list_export as presenter
from cps_portal.site.views import list_export
from kitbag.enums import Stage
from kitbag.models import PointsEntry
from members.actions import write_note
from members.models import Member, MemberNote, StaffAccess, User
from members.support.actions import open_case
from members.support.enums import CaseKind, CaseState
from members.support.models import Case
from servicing.models import Ticket
from tests.admin.conftest import SignIn, signed_in
from tests.admin.crowd import add_crowd
from tests.admin.test_pages import LISTS, PAGES, url_of
from tests.factories import UserFactory, counting, moved
from tests.rows import each_row
from tests.servicing.jobs import a_centre, at_the_centre
from tests.servicing.test_desk import works_at
from tests.world import World

TABLE = re.compile(r'<table id="result_list">(.*?)</table>', re.DOTALL)
ARROW = re.compile(r'<span aria-hidden="true">[↑↓]</span>')
NUMBER = re.compile(r'<data value="([^"]*)">[^<]*</data>')  # as people read it; a file has the value
ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
CELL = re.compile(r"<(td|th)([^>]*)>(.*?)</\1>", re.DOTALL)
XLSX_CELL = re.compile(r'<c r="([A-Z]+)\d+"[^>]*><is><t[^>]*>(.*?)</t></is></c>', re.DOTALL)


def download(client: Client, model: type[Model], query: str = "", **data: str) -> HttpResponse:
    address = reverse("admin:export", args=[model._meta.app_label, model._meta.model_name])
    return client.post(f"{address}{query}", {"format": "csv", **data})


def content(answer: Any) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def csv_rows(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content(answer).decode("utf-8-sig"))))


def xlsx_rows(answer: Any) -> list[list[str]]:
    """The cells of the only sheet, with the empty ones. Every cell is a text: a formula would be an error."""
    sheet = zipfile.ZipFile(io.BytesIO(content(answer))).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    rows = [dict(XLSX_CELL.findall(row)) for row in re.findall(r"<row .*?</row>", sheet, re.DOTALL)]
    return [[html.unescape(row.get(column, "")) for column in rows[0]] for row in rows]


def plain(cell: str) -> str:
    """What a person reads in a cell of the list, without spaces, which differ between a page and a file."""
    icons = {"True": "Yes", "False": "No", "None": ""}
    cell = NUMBER.sub(r"\1", ARROW.sub("", cell))
    cell = re.sub(r'<img[^>]* alt="(\w+)">', lambda icon: icons[icon[1]], cell)
    text = html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()
    return re.sub(r"\s+", "", "" if text == "-" else text)


def shown_rows(client: Client, model: type[Model], query: str = "") -> list[list[str]]:
    page = client.get(url_of(model, "changelist") + query).content.decode()
    rows = ROW.findall(TABLE.findall(page)[0])
    cells = [[(found[1], found[2]) for found in CELL.findall(row)] for row in rows]
    return [[plain(text) for attributes, text in row if "action-checkbox" not in attributes] for row in cells]


def as_shown(cell: str) -> str:
    """A cell of the file as the list writes it: without the sign that stops formulas, and days in its form."""
    cell = cell.removeprefix("'")
    if re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
        cell = write_day(parse_date(cell))
    elif re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+[+-]\d\d:\d\d", cell):
        cell = write_moment(parse_datetime(cell))
    return re.sub(r"\s+", "", "" if cell == "-" else cell)


@pytest.mark.wide
def test_every_list_is_a_file_of_its_own_rows_in_a_fixed_number_of_queries(world: World, as_root: Client) -> None:
    def exported(model: type[Model]) -> tuple[list[list[str]], int]:
        with CaptureQueriesContext(connection) as queries:
            rows = csv_rows(download(as_root, model))
        return [[as_shown(cell) for cell in row] for row in rows], len(queries)

    add_crowd(range(1), world.terms)
    few = {model: exported(model)[1] for model in LISTS}
    add_crowd(range(1, 4), world.terms)
    wrong = {}
    for model in LISTS:
        last = StaffAccess.objects.latest("pk").pk
        listed = shown_rows(as_root, model)
        rows, queries = exported(model)
        recorded = StaffAccess.objects.get(pk__gt=last, kind="export")
        assert (recorded.model, recorded.rows) == (model._meta.label_lower, len(rows) - 1)
        if model is not StaffAccess and listed != rows[: len(listed)]:
            wrong[model._meta.label] = next(pair for pair in zip(listed, rows, strict=False) if pair[0] != pair[1])
        if queries > few[model]:
            wrong[f"{model._meta.label} queries"] = (few[model], queries)
    assert wrong == {}


def test_every_list_of_the_desk_has_a_file_or_is_a_page_of_its_own() -> None:
    without = {
        model._meta.label
        for model, pages in admin.site._registry.items()
        if not (isinstance(pages, PortalModelAdmin) and pages.has_list)
    }
    assert without == PAGES


def test_a_workbook_has_the_same_rows_as_the_csv_file(world: World, as_root: Client) -> None:
    answer = download(as_root, Member, format="xlsx")
    assert answer["Content-Disposition"].endswith('.xlsx"')
    assert xlsx_rows(answer) == csv_rows(download(as_root, Member))


def test_the_file_has_the_rows_that_filters_and_search_choose(world: World, as_root: Client) -> None:
    for query in ("?level__exact=gold", f"?q={world.ben.number}", "?o=1", "?o=-1", "?level__exact=platinum"):
        rows = csv_rows(download(as_root, Member, query))[1:]
        listed = shown_rows(as_root, Member, query)[1:] if rows else []
        assert [[as_shown(cell) for cell in row] for row in rows] == listed, query
    assert len(csv_rows(download(as_root, Member, "?level__exact=gold"))) == 2


def test_what_was_downloaded_is_recorded_without_what_was_searched(world: World, staff: SignIn) -> None:
    client = staff("Support")
    content(download(client, Member, "?level__exact=gold&q=ana@example.org&country=ana@example.org"))
    record = StaffAccess.objects.get(kind="export")
    assert (record.model, record.page, record.key, record.member) == ("members.member", "admin:export", None, None)
    assert record.filters == "level__exact=gold&country=…&q=…"
    assert record.rows == 0


@each_row(
    ("group", "rights", "status"),
    [
        ("Support", (), 200),
        ("Programme", (), 200),
        ("Centre", (), 403),  # may not see members
        ("", ("view_member",), 403),
        ("", ("export_lists",), 403),
        ("", ("view_member", "export_lists"), 200),
    ],
)
def test_a_list_is_downloaded_by_who_may_see_it_and_has_the_right(
    world: World, staff: SignIn, group: str, rights: tuple[str, ...], status: int
) -> None:
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="members", codename__in=rights))
    client = staff(group) if group else signed_in(User.objects.get(pk=user.pk))
    before = StaffAccess.objects.count()
    answer = download(client, Member)
    list(answer)  # which closes the file
    assert answer.status_code == status
    assert StaffAccess.objects.count() == before + (status == 200)
    page = client.get(url_of(Member, "changelist"))
    assert (b"/export/" in page.content) == (status == 200)


def test_a_clerk_of_a_centre_downloads_the_jobs_of_that_centre_only(world: World, groups: dict[str, Group]) -> None:
    ours, theirs = a_centre("ours"), a_centre("theirs")
    mine, other = at_the_centre(world, ours), at_the_centre(world, theirs, "112345678901")
    user = works_at(ours, groups)
    rows = str(csv_rows(download(signed_in(user), Ticket)))
    assert mine.reference_in_groups in rows
    assert other.reference_in_groups not in rows


def test_the_inbox_of_cases_is_a_file_of_its_view_in_its_order(world: World, as_support: Client) -> None:
    now = timezone.now()

    def case(subject: str, **changed: Any) -> Case:
        row = open_case(kind=CaseKind.CONTACT, subject=subject, text="?", member=world.ana, by=None, at=now)
        Case.objects.filter(pk=row.pk).update(**changed)
        return row

    clerk = User.objects.get(groups__name="Support")
    case("ours")
    case("late", due_at=now - timedelta(days=2))
    case("later", due_at=now - timedelta(days=1), assigned_to=clerk)
    case("done", state=CaseState.CLOSED, closed_at=now, due_at=None, unread_since=None)
    case("theirs", state=CaseState.WAITING, due_at=None, quiet_since=now, unread_since=None)
    case("asleep", snoozed_at=now, snoozed_until=now + timedelta(days=2))
    expected = {
        "": ["late", "later", "ours", "theirs", "asleep"],
        "?view=mine": ["later"],
        "?view=nobody": ["late", "ours", "theirs", "asleep"],
        "?view=closed": ["done"],
        "?view=all&group=overdue": ["late", "later"],
        f"?q={world.ana.number}": ["late", "later", "ours", "theirs", "asleep", "done"],
        "?level=platinum": [],
        "?level=nonsense&page=x": ["late", "later", "ours", "theirs", "asleep"],
    }
    for query, subjects in expected.items():
        rows = csv_rows(download(as_support, Case, query))
        assert [row[rows[0].index("Subject")] for row in rows[1:]] == subjects, query
        page = as_support.get(f"/admin/cases/case/{query}")
        shown = [row.case.subject for group in page.context["groups"] for row in group.rows]
        assert shown == subjects, query
        assert (b"/export/" in page.content) == bool(subjects)
    late = csv_rows(download(as_support, Case, "?view=mine"))
    facts = dict(zip(*late, strict=True))
    assert (facts["State"], facts["Customer"], facts["Assigned to"]) == ("Overdue", world.ana.full_name, str(clerk))
    assert xlsx_rows(download(as_support, Case, "?view=mine", format="xlsx")) == late
    record = StaffAccess.objects.filter(kind="export").latest("pk")
    assert (record.model, record.rows, record.filters) == ("cases.case", 1, "view=mine")


def test_cases_are_downloaded_with_the_right_in_few_queries(world: World, staff: SignIn) -> None:
    add_crowd(range(1), world.terms)
    assert download(staff("Centre"), Case).status_code == 403
    client = staff("Support")
    with CaptureQueriesContext(connection) as few:
        rows = len(csv_rows(download(client, Case)))
    add_crowd(range(1, 2), world.terms)
    with CaptureQueriesContext(connection) as many:
        assert len(csv_rows(download(client, Case))) > rows
    assert len(many) <= len(few)


def test_a_cell_that_begins_like_a_formula_is_a_text(world: World, as_root: Client) -> None:
    evil = '=HYPERLINK("https://evil.example";"Open")'
    write_note(member=world.ana, text=evil, pinned=False, by=world.staff, at=timezone.now())
    cells = [cell for row in csv_rows(download(as_root, MemberNote)) for cell in row]
    assert f"'{evil}" in cells
    assert not [cell for cell in cells if cell.startswith("=")]
    assert evil in [cell for row in xlsx_rows(download(as_root, MemberNote, format="xlsx")) for cell in row]


def test_a_list_that_is_too_long_says_so(world: World, as_root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_export, "MAX_ROWS", 2)
    answer = download(as_root, Member, "?o=1")
    assert answer["Location"] == url_of(Member, "changelist") + "?o=1"
    assert "longer than the 2 rows that a file holds" in as_root.get(answer["Location"]).content.decode()
    assert not StaffAccess.objects.filter(kind="export").exists()


def test_rows_are_read_in_batches(world: World, as_root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = csv_rows(download(as_root, Member))
    monkeypatch.setattr(presenter, "BATCH", 2)
    assert csv_rows(download(as_root, Member)) == whole


def test_what_is_not_understood_is_refused_in_words(world: World, as_root: Client) -> None:
    assert download(as_root, Member, format="pdf").status_code == 400
    assert as_root.get(reverse("admin:export", args=["members", "member"])).status_code == 405
    for app, model in (("members", "nothing"), ("system", "tick")):
        assert as_root.post(reverse("admin:export", args=[app, model]), {"format": "csv"}).status_code == 404
    answer = download(as_root, Member, "?nonsense=1")
    assert answer.status_code == 302
    assert "These filters don’t exist" in as_root.get(answer["Location"]).content.decode()


def test_points_that_are_lost_have_a_minus_on_the_page_and_a_number_in_the_file(world: World, as_root: Client) -> None:
    counting(world.ana, world.lens, "1000009")
    moved(world.lens, Stage.SUPERSEDED)
    lost = PointsEntry.objects.filter(member=world.ana, amount__lt=0).latest("pk").amount
    page = as_root.get(url_of(PointsEntry, "changelist")).content.decode()
    assert f'<data value="{lost}">\u2212{-lost:,}</data>' in page
    assert str(lost) in {cell for row in csv_rows(download(as_root, PointsEntry)) for cell in row}
