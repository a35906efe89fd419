"""The audit trail of a member: who, when, through which door, before → after, in words (R54)."""

import csv
import io
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.lib.history_context import attributed_to
from cps_portal.site.actions import move_member, ways_to
from cps_portal.site.presenters.trail import CALLED, COMPUTED, Line, build_trail, is_secret
from cps_portal.site.queries.trail import SOURCES, SUBJECTS, WHO, Selection
from cps_portal.site.retention import history_models
from kitbag.actions import adjustments, registrations
from members import actions
from members.models import AccountMerge, LostAddress, Member, User
from tests.accounts.everything import START, add_everything
from tests.admin.conftest import SignIn, signed_in
from tests.factories import UserFactory, details, draft
from tests.rows import each_row
from tests.world import World


@pytest.fixture
def support(groups: dict[str, Group]) -> User:
    user = UserFactory(email="lerato@example.org", is_staff=True)
    user.groups.add(groups["Support"])
    return User.objects.get(pk=user.pk)


def lines(member: Member, user: User, subject: str = "", who: str = "") -> list[Line]:
    return build_trail(member, user, Selection(subject, who), start=0, limit=500).lines


def test_every_history_and_log_of_a_member_is_in_the_trail() -> None:
    sources = {source.model for source in SOURCES}
    logs = [
        model for model in apps.get_models() if "append_only" in {t.name for t in getattr(model._meta, "triggers", [])}
    ]
    others = [model for model in apps.get_models() if hasattr(model, "trail")]
    missing = {
        model._meta.label
        for model in [*history_models(), *logs, *others]
        if list(ways_to(Member, model)) and model._meta.label not in sources
    }
    assert missing == set(), "add them to SOURCES in cps_portal/site/queries/trail.py"
    assert {source.subject for source in SOURCES} == set(SUBJECTS)


def test_a_change_is_told_with_who_when_where_before_and_after(world: World, support: User) -> None:
    client = signed_in(support)
    page = reverse("admin:members_member_change", args=[world.ana.pk])
    client.post(page, {"first_name": "Ana", "last_name": "Botha", "specialty": "sport", "wants_reminders": "on"})
    newest = lines(world.ana, support, "person", "staff")[0]
    assert (newest.who, newest.door) == ("lerato@example.org", "desk")
    assert [(change.label, change.before, change.after) for change in newest.changes] == [
        ("Last name", "Example", "Botha"),
        ("Mostly shoots", "–", "Sport"),
    ]


def test_what_two_people_decided_of_an_account_is_named(world: World, support: User) -> None:
    """R69: a lost address and a merge, with the step that each of the two took."""
    second = UserFactory(email="thabo@example.org", is_staff=True)
    now = timezone.now()
    with attributed_to(support):
        change = LostAddress.objects.create(
            member=world.ana, old_email="a@old.org", new_email="a@new.org", requested_by=support, requested_at=now
        )
        merge = AccountMerge.objects.create(survivor=world.ben, ended=world.ana, requested_by=support, requested_at=now)
    with attributed_to(second):
        for row in (change, merge):
            type(row).objects.filter(pk=row.pk).update(state="refused", decided_by=second, decided_at=now)
    told = [line for line in lines(world.ana, support, "person", "staff") if "→" in line.what or "into" in line.what]
    numbers = f"{world.ana.number_in_groups} into {world.ben.number_in_groups}"
    assert {(line.who, line.what) for line in told} == {
        ("lerato@example.org", "Lost address: a@old.org → a@new.org, new"),
        ("thabo@example.org", "Lost address: a@old.org → a@new.org"),
        ("lerato@example.org", f"Merge of accounts: {numbers}, new"),
        ("thabo@example.org", f"Merge of accounts: {numbers}"),
    }
    steps = {
        (change.label, change.before, change.after) for line in told if line.who[0] == "t" for change in line.changes
    }
    assert steps == {("State", "Waits for a second person", "Refused")}
    assert any(numbers in line.what for line in lines(world.ben, support, "person"))


@each_row(
    "context, who, door",
    [
        ({"user": "ana", "url": "/profile/"}, "Ana Example", "member’s page"),
        ({"user": "ana", "url": "/kitbag/3/finish/"}, "Ana Example", "member’s page"),
        ({"user": "support", "url": "/admin/members/member/3/change/"}, "lerato@example.org", "desk"),
        ({"user": "support"}, "lerato@example.org", "–"),
        ({"partner": "house", "url": "/api/v1/packs/"}, "Fulfilment House", "API"),
        ({"partner": "gone", "url": "/api/v1/packs/"}, "gone", "API"),
        ({"user": 987654, "url": "/admin/"}, "somebody of the staff", "desk"),
        ({"url": "/contact/"}, "the portal itself", "member’s page"),
        ({"user": None, "url": "/api/v1/tickets/"}, "the portal itself", "API"),
        ({}, "the portal itself", "background work"),
    ],
)
def test_who_it_was_and_through_which_door(
    world: World, support: User, context: dict[str, Any], who: str, door: str
) -> None:
    apps.get_model("partners", "Partner")._default_manager.create(
        name="Fulfilment House", slug="house", kind="fulfilment"
    )
    people = {"ana": world.ana.user_id, "support": support.pk}
    if "user" in context:
        context = {**context, "user": people.get(context["user"], context["user"])}
    with attributed_to(None, **context):
        Member.objects.filter(pk=world.ana.pk).update(country="KE")
    newest = lines(world.ana, support, "person")[0]
    assert (newest.who, newest.door, newest.changes[0].after) == (who, door, "Kenya")


def test_each_source_says_something_in_words(world: World, support: User) -> None:
    """No key, no name of a class, no Python in what people read."""
    support.is_superuser = True
    support.save()
    member = add_everything(world)
    told = lines(member, support)
    assert len(told) > 40
    texts = [text for line in told for text in (line.who, line.what, line.door, *(c.after for c in line.changes))]
    assert [text for text in texts if not text.strip() or "None" in text or "object (" in text or "{" in text] == []
    assert {line.at for line in told} and [line.at for line in told] == sorted((line.at for line in told), reverse=True)
    whats = " ".join(line.what for line in told)
    for words in ("Welcome Pack", "EOS R Test", "Looked at the portal as the member", "Accepted the terms", "points: "):
        assert words in whats, words


def test_secrets_are_never_shown() -> None:
    """R54: no password, token or digest in any table of the trail, by the names of all columns."""
    looks_secret = ("pass", "token", "digest", "secret", "hash", "totp", "recovery_code", "key_data")
    shown = {
        f"{source.model}.{field.name}"
        for source in SOURCES
        if source.is_history
        for field in source.table._meta.concrete_fields
        if any(word in field.name for word in looks_secret) and not is_secret(field) and field.name not in COMPUTED
    }
    assert shown == set()


def test_a_password_set_by_staff_is_told_without_it(world: World, support: User, as_root: Client) -> None:
    page = reverse("admin:auth_user_password_change", args=[world.ana.user_id])
    as_root.post(
        page, {"usable_password": "true", "password1": "zebra lamp orchid 9", "password2": "zebra lamp orchid 9"}
    )
    newest = lines(world.ana, support, "person", "staff")[0]
    assert "password" in newest.what.lower()
    assert "zebra" not in str(newest)


def test_filters_choose_a_part(world: World, support: User) -> None:
    _stories(world, support)
    every = lines(world.ana, support)
    for subject, who in product([*SUBJECTS, ""], [*WHO, ""]):
        part = lines(world.ana, support, subject, who)
        assert len(part) <= len(every) and all(line in every for line in part), (subject, who)
        if subject in ("", "kit", "points", "person"):
            assert part or (subject, who) in {("points", "member")}, (subject, who)


def _stories(world: World, support: User) -> None:
    with attributed_to(world.ana.user, url="/kitbag/"):
        row = draft(world.ana, world.body, START)
        registrations.save_details(registration=row, details=details("100000000555"), at=START)
        actions.change_profile(member=world.ana, last_name="Botha")
    with attributed_to(support, url="/admin/"):
        adjustments.adjust_points(member=world.ana, points=5, reason="x", expires_on=None, by=support, at=START)
        actions.change_profile(member=world.ana, last_name="Example")
        type(row).objects.filter(pk=row.pk).update(store="Other")
    move_member(member=world.ana, country="KE", by=world.ana.user, at=START)
    Member.objects.filter(pk=world.ana.pk).update(language="fr")
    type(row).objects.filter(pk=row.pk).update(country="KE")


def test_the_parts_of_a_filter_add_up(world: World, support: User) -> None:
    _stories(world, support)
    total = len(lines(world.ana, support))
    assert sum(len(lines(world.ana, support, subject)) for subject in SUBJECTS) == total
    assert sum(len(lines(world.ana, support, who=who)) for who in WHO) == total


def test_the_page_filters_by_its_address_and_pages(world: World, support: User) -> None:
    for number in range(60):
        actions.change_profile(member=world.ana, last_name=f"Botha {number:02d}")
    client = signed_in(support)
    url = reverse("admin:member_trail", args=[world.ana.pk])
    first = client.get(url, {"subject": "person"}).content.decode()
    assert "Botha 57" in first and "Botha 05" not in first and "Page 1 of 2" in first
    second = client.get(url, {"subject": "person", "page": "2"}).content.decode()
    assert "Botha 05" in second and "Botha 57" not in second
    assert "Botha 57" not in client.get(url, {"subject": "cases"}).content.decode()


@each_row(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=99999999999999999999",
        f"page={'9' * 5000}",
        "page=%D9%A3",
        "page=²",
        "subject=x",
        "who=%00",
        "page=",
    ],
)
def test_a_strange_address_is_answered(world: World, support: User, query: str) -> None:
    client = signed_in(support)
    assert client.get(f"{reverse('admin:member_trail', args=[world.ana.pk])}?{query}").status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_trail(world: World, support: User) -> None:
    _stories(world, support)
    client = signed_in(support)
    url = reverse("admin:member_trail", args=[world.ana.pk])
    client.get(url)
    counts = []
    for more in (1, 40):
        for number in range(more):
            with attributed_to(support if number % 2 else world.ana.user, url="/admin/"):
                actions.change_profile(member=world.ana, last_name=f"B{more} {number}")
                row = draft(world.ana, world.body if number % 2 else world.lens, START + timedelta(minutes=number))
                registrations.save_details(registration=row, details=details(f"10000000{number:04d}"), at=START)
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        counts.append(len(queries))
    assert counts[1] <= counts[0] <= 45


@each_row(
    "group, page, file",
    [("Support", 200, 200), ("Programme", 403, 403), ("Centre", 403, 403), ("", 403, 403)],
)
def test_who_may_open_and_download_it(world: World, staff: SignIn, group: str, page: int, file: int) -> None:
    client = staff(group)
    assert client.get(reverse("admin:member_trail", args=[world.ana.pk])).status_code == page
    assert client.get(reverse("admin:member_trail_csv", args=[world.ana.pk])).status_code == file
    assert client.get(reverse("admin:member_trail", args=[999999])).status_code == (404 if page == 200 else page)


def test_it_shows_only_tables_that_one_may_see(world: World, support: User) -> None:
    _stories(world, support)
    assert any("points" in line.what for line in lines(world.ana, support))
    support.groups.clear()
    poor = User.objects.get(pk=support.pk)
    assert lines(world.ana, poor) == []


def test_the_file_has_the_same_lines_and_no_formula(world: World, support: User) -> None:
    actions.change_profile(member=world.ana, last_name="=1+1")
    _stories(world, support)
    client = signed_in(support)
    total = build_trail(world.ana, support, start=0, limit=1).total  # that it was downloaded comes after it
    text = client.get(reverse("admin:member_trail_csv", args=[world.ana.pk])).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) - 1 == total
    assert rows[0] == ["When", "Who", "What", "Before", "After", "Where"]
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))] == []


def test_an_erased_person_leaves_lines_without_values(world: World, support: User) -> None:
    """R14"""
    actions.change_profile(member=world.chloe, last_name="Zqmark")
    before = len(lines(world.chloe, support, "person"))
    Member.objects.filter(pk=world.chloe.pk).update(closed_at=START)
    world.chloe.refresh_from_db()
    actions.erase_person(member=world.chloe, at=START)
    after = lines(world.chloe, support, "person")
    assert len(after) >= before
    assert "Zqmark" not in str(after) and "Chloe" not in str(after)


def test_rows_are_called_by_what_people_know() -> None:
    assert {"User", "Registration", "Product", "Case", "Ticket"} <= {model.__name__ for model in CALLED}
