"""What staff open about members is recorded: pages, files and downloads, not lists and searches (R54)."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, reverse

from cps_portal.core.files import actions as files
from cps_portal.site.middleware import MORE_WAYS, NAMED_KEYS, OTHER_PEOPLE, _ways
from members.models import Member, StaffAccess, User
from servicing.models import Parcel, VisitingMember
from tests.accounts.everything import START, add_everything
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.files.samples import jpeg
from tests.rows import each_row
from tests.world import World


@pytest.fixture
def support(groups: dict[str, Group]) -> User:
    user = UserFactory(email="lerato@example.org", is_staff=True)
    user.groups.add(groups["Support"])
    return User.objects.get(pk=user.pk)


@pytest.fixture
def desk(support: User) -> Client:
    return signed_in(support)


def recorded(**which: Any) -> list[tuple[Any, ...]]:
    rows = StaffAccess.objects.filter(**which).order_by("pk")
    return list(rows.values_list("kind", "page", "model", "key", "member"))


def row_addresses() -> Iterator[tuple[type[Model], str]]:
    """(model, view name) of every address of the admin about one row of a model that leads to a member."""
    for model in apps.get_models():
        if not admin.site.is_registered(model) or not (model is Member or _ways(model) or model in OTHER_PEOPLE):
            continue
        for pattern in model_admin_patterns(model):
            if "<" in str(pattern.pattern):
                yield model, f"admin:{pattern.name}"


def model_admin_patterns(model: type[Model]) -> Iterator[URLPattern]:
    start = f"{model._meta.app_label}/{model._meta.model_name}/"
    for pattern in admin.site.get_urls():
        if isinstance(pattern, URLResolver) and str(pattern.pattern) == start:
            yield from (part for part in pattern.url_patterns if isinstance(part, URLPattern) and part.name)
        elif isinstance(pattern, URLPattern) and str(pattern.pattern).startswith(start):
            yield pattern


@pytest.mark.wide
def test_every_address_of_the_admin_that_shows_a_member_records_it(world: World, as_root: Client) -> None:
    """What answers with a page of a row that leads to a member has left a row of its own."""
    member = add_everything(world)
    missing, answered = [], set()
    for model, name in row_addresses():
        for row in rows_of(model, member):
            last = StaffAccess.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            answer = as_root.get(reverse_row(name, row.pk))
            if answer.status_code != 200:
                continue
            answered.add(model)
            if not StaffAccess.objects.filter(pk__gt=last, key=row.pk).exists():
                missing.append((name, row.pk))
    assert missing == []
    assert {Member, Parcel} <= answered and len(answered) > 30


def test_every_key_in_an_address_of_the_admin_is_understood() -> None:
    """A key stands after the app and the model, or has a name that the middleware knows."""
    known = re.compile(rf"\w+/\w+/<[\w:]+>|.*<int:({'|'.join(NAMED_KEYS)})>")
    other = {
        "r/<path:content_type_id>/<path:object_id>/",  # leads to a page of the portal, and shows nothing itself
        "<slug:app_label>/<slug:model_name>/export/",  # of a list
    }
    strange = {route for route in routes(admin.site.get_urls()) if "<" in route and not known.match(route)}
    assert {route for route in strange if not route.startswith(("^", "("))} == other, "add it to NAMED_KEYS"


def routes(patterns: Iterable[Any], start: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = start + str(pattern.pattern)
        yield from routes(pattern.url_patterns, route) if isinstance(pattern, URLResolver) else [route]


def rows_of(model: type[Model], member: Member) -> list[Model]:
    return list(model._default_manager.order_by("-pk")[:1])


def reverse_row(name: str, key: int) -> str:
    for arguments in ([key], [key, 1], [key, "dashboard/"]):
        try:
            return reverse(name, args=arguments)
        except Exception:  # noqa: BLE001, S112  # another number of arguments
            continue
    raise AssertionError(name)


def test_each_page_of_a_row_names_its_member(world: World, as_root: Client) -> None:
    """R54: of each model that leads to a member, the page of one of their rows."""
    member = add_everything(world)
    wrong = []
    for model in apps.get_models():
        if not admin.site.is_registered(model) or not _ways(model) or model is Member:
            continue
        way = next((way for way in _ways(model) if model._default_manager.filter(**{way: member.pk}).exists()), None)
        if way is None:
            continue
        row = model._default_manager.filter(**{way: member.pk}).order_by("-pk").first()
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])  # type: ignore[union-attr]
        named = StaffAccess.objects.filter(model=model._meta.label_lower, key=row.pk, member=member)  # type: ignore[union-attr]
        if as_root.get(url).status_code == 200 and not named.exists():
            wrong.append(model._meta.label)
    assert wrong == []
    assert StaffAccess.objects.filter(member=member).values("model").distinct().count() > 25


def test_the_page_of_a_member_is_recorded_with_who_and_when(world: World, desk: Client, support: User) -> None:
    desk.get(reverse("admin:members_member_change", args=[world.ana.pk]))
    row = StaffAccess.objects.get()
    assert (row.by, row.member, row.kind, row.door) == (support, world.ana, "page", "desk")
    assert (row.page, row.model, row.key) == ("admin:members_member_change", "members.member", world.ana.pk)


@each_row(
    "path",
    [
        "/admin/",
        "/admin/search/?q=ana",
        "/admin/search/?q=ana%40example.org",
        "/admin/members/member/",
        "/admin/members/member/?q=ana",
        "/admin/kitbag/registration/",
        "/admin/cases/case/",
        "/admin/jsi18n/",
        "/admin/members/member/999999/change/",
        "/admin/members/member/x/change/",
        "/admin/servicing/servicecentre/",
        "/dashboard/",
        "/",
        "/help/",
    ],
)
def test_lists_searches_and_what_is_not_there_are_not_recorded(world: World, desk: Client, path: str) -> None:
    desk.get(path)
    assert recorded() == []


def test_an_exact_hit_of_the_box_is_recorded_by_the_page_that_it_opens(world: World, desk: Client) -> None:
    answer = desk.get("/admin/search/", {"q": world.ana.number}, follow=True)
    assert answer.status_code == 200
    assert [row[1:] for row in recorded()] == [
        ("admin:members_member_change", "members.member", world.ana.pk, world.ana.pk)
    ]


def test_nothing_is_recorded_for_somebody_without_the_right(world: World, groups: dict[str, Group]) -> None:
    user = UserFactory(is_staff=True)
    assert signed_in(user).get(reverse("admin:members_member_change", args=[world.ana.pk])).status_code == 403
    assert recorded() == []


def test_a_download_is_recorded(world: World, desk: Client) -> None:
    desk.get(reverse("admin:member_trail_csv", args=[world.ana.pk]))
    assert recorded() == [("export", "admin:member_trail_csv", "members.member", world.ana.pk, world.ana.pk)]


def test_a_file_of_a_member_is_recorded_and_ones_own_is_not(world: World, as_root: Client) -> None:
    upload = SimpleUploadedFile("a.jpg", jpeg(), "image/jpeg")
    file = files.store(upload=upload, purpose="evidence", by=world.ana.user, at=START)
    files.attach(files=[file], at=START)
    url = reverse("files:file", args=[file.key])
    assert as_root.get(url).status_code == 200
    assert recorded() == [("file", "files:file", "files.storedfile", file.pk, world.ana.pk)]
    owner = Client()
    owner.force_login(world.ana.user)
    assert owner.get(url).status_code == 200
    User.objects.filter(pk=world.ana.user_id).update(is_staff=True)
    signed_in(User.objects.get(pk=world.ana.user_id)).get(url)
    assert len(recorded()) == 1


def test_parts_that_a_page_asks_for_again_are_recorded_once(world: World, desk: Client) -> None:
    page = reverse("admin:member_trail", args=[world.ana.pk])
    for _time in range(3):
        desk.get(page, headers={"HX-Request": "true"})
    assert len(recorded()) == 1
    desk.get(page)
    desk.get(page)
    assert len(recorded()) == 3, "whole pages are recorded each time"


def test_a_form_with_errors_shows_the_row_and_is_recorded(world: World, desk: Client) -> None:
    desk.post(reverse("admin:members_member_change", args=[world.ana.pk]), {"first_name": ""})
    assert [row[0] for row in recorded()] == ["page"]


def test_one_insert_for_the_page_of_a_member(world: World, desk: Client) -> None:
    page = reverse("admin:members_member_change", args=[world.ana.pk])
    desk.get(page)
    with CaptureQueriesContext(connection) as queries:
        desk.get(page)
    about = [query["sql"] for query in queries if "members_staffaccess" in query["sql"] and "INSERT" in query["sql"]]
    assert len(about) == 1


def test_what_can_t_be_recorded_is_not_shown(world: World, desk: Client) -> None:
    desk.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute(
            "create function stop_here() returns trigger language plpgsql as $$ begin raise exception 'full'; end $$;"
            "create trigger stop_here before insert on members_staffaccess for each row execute function stop_here()"
        )
    answer = desk.get(reverse("admin:member_trail", args=[world.ana.pk]))
    assert answer.status_code == 500
    assert world.ana.last_name.encode() not in answer.content


def test_a_visiting_member_is_recorded_without_a_member_of_ours(world: World, as_root: Client) -> None:
    visitor = VisitingMember.objects.create(
        name="Yuki", region="japan", card_number="1", expires_on=START.date(), at=START
    )
    as_root.get(reverse("admin:servicing_visitingmember_change", args=[visitor.pk]))
    assert [row[2:] for row in recorded()] == [("servicing.visitingmember", visitor.pk, None)]


def test_the_ways_exist(db: None) -> None:
    for model, ways in MORE_WAYS.items():
        for way in ways:
            assert model._default_manager.filter(**{way: 1}).count() == 0


def test_staff_see_in_the_trail_what_was_opened_and_by_whom(world: World, desk: Client, support: User) -> None:
    desk.get(reverse("admin:members_member_change", args=[world.ana.pk]))
    page = desk.get(reverse("admin:member_trail", args=[world.ana.pk]), {"subject": "staff"}).content.decode()
    assert "Page opened: Member" in page and support.email in page
