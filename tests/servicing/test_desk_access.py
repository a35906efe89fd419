"""Who sees what of the jobs: a centre its own, support all, and nobody of a centre the members' admin (R54, R55)."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import FieldError
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from members.models import User
from servicing.models import ServiceCentre, Ticket
from tests.admin.conftest import signed_in
from tests.admin.crowd import add_jobs
from tests.factories import UserFactory
from tests.servicing.test_desk import works_at
from tests.world import World

OURS = [model for model in admin.site._registry if model._meta.app_label == "servicing"]
GLOBAL = {"servicecentre", "closure"}  # what everybody may know of centres
PAGES = ["board", "intake", "open", "numbers"]


@pytest.fixture
def people(world: World, groups: dict[str, Group]) -> dict[str, Client]:
    """Two members have jobs at two centres; somebody of each kind is signed in."""
    add_jobs([world.ana, world.ben], UserFactory(is_staff=True, is_superuser=True))
    first, second = (ServiceCentre.objects.get(slug=f"of-{member.pk}") for member in (world.ana, world.ben))
    users = {"own": works_at(first, groups), "other": works_at(second, groups)}
    for name in ("Support", "Programme"):
        users[name] = UserFactory(is_staff=True)
        users[name].groups.add(groups[name])
    users["nowhere"] = UserFactory(is_staff=True)
    users["nowhere"].groups.add(groups["Centre"])
    users["none"] = UserFactory(is_staff=True)
    return {name: signed_in(user) for name, user in users.items()}


def status(client: Client, url: str) -> int:
    return client.get(url).status_code


def test_every_page_of_every_row_is_open_to_those_it_concerns_only(world: World, people: dict[str, Client]) -> None:
    ticket = Ticket.objects.get(member=world.ana)
    url = reverse("admin:servicing_ticket_change", args=[ticket.pk])
    seen = {name: status(client, url) for name, client in people.items()}
    assert seen == {"own": 200, "other": 404, "Support": 200, "Programme": 200, "nowhere": 404, "none": 403}
    pressed = {name: client.post(url, {"do": "assess"}).status_code for name, client in people.items()}
    assert pressed == {"own": 200, "other": 404, "Support": 200, "Programme": 403, "nowhere": 404, "none": 403}


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_of_the_desk_are_for_those_who_work_there(people: dict[str, Client], page: str) -> None:
    url = reverse(f"admin:servicing_ticket_{page}")
    programme = 200 if page in ("board", "numbers") else 403
    expected = {"own": 200, "other": 200, "Support": 200, "Programme": programme, "nowhere": 200, "none": 403}
    assert {name: status(client, url) for name, client in people.items()} == expected


def test_no_list_and_no_row_of_another_centre_opens(world: World, people: dict[str, Client]) -> None:
    """Over all that servicing registers: what is there of the other centre stays there."""
    checked = 0
    for model in OURS:
        name = model._meta.model_name or ""
        row = of_ana(model, world)
        change = reverse(f"admin:servicing_{name}_change", args=[row.pk]) if row else ""
        listed = reverse(f"admin:servicing_{name}_changelist")
        assert status(people["none"], listed) == 403, name
        if name in GLOBAL or not row:
            continue
        for who in ("other", "nowhere"):
            assert status(people[who], change) in (302, 403, 404), (
                name,
                who,
            )  # the admin redirects what it cannot find
            answer = people[who].get(listed, {"state": "all"})
            if answer.status_code == 200:
                keys = {one.pk for one in answer.context["cl"].result_list}
                assert row.pk not in keys, (name, who)
        checked += 1
    assert checked >= 9


def of_ana(model: type[Model], world: World) -> Model | None:
    """A row of the first centre."""
    ways = [
        "member",
        "ticket__member",
        "estimate__ticket__member",
        "tickets__member",
        "pgh_obj__member",
        "pgh_obj__ticket__member",
    ]
    for way in ways:
        try:
            return model._default_manager.filter(**{way: world.ana}).first()
        except (FieldError, ValueError):
            continue
    for way in ("centre", "ready_set__centre"):
        try:
            return model._default_manager.filter(**{f"{way}__slug": f"of-{world.ana.pk}"}).first()
        except FieldError:
            continue
    return None


def test_centre_staff_cannot_open_the_member_admin_or_find_jobs_of_other_centres(
    world: World, people: dict[str, Client]
) -> None:
    for url in (
        "/admin/members/member/",
        reverse("admin:members_member_change", args=[world.ana.pk]),
        "/admin/kitbag/registration/",
        "/admin/kitbag/hold/",
        "/admin/outbox/message/",
        "/admin/files/storedfile/",
    ):
        assert status(people["own"], url) == 403, url
    ticket = Ticket.objects.get(member=world.ana)
    look = reverse("admin:servicing_ticket_intake")
    for q in (ticket.reference, ticket.parcel.reference):
        found = people["other"].post(look, {"q": q})
        assert found.status_code == 200
        assert not (found.context["result"].tickets or found.context["result"].registrations)
    assert list(people["other"].post(look, {"q": world.ana.number}).context["result"].tickets) == []
    page = reverse("admin:servicing_ticket_change", args=[ticket.pk])
    assert "/admin/members/" not in people["own"].get(page).content.decode()


def test_the_numbers_of_another_centre_are_not_shown(world: World, people: dict[str, Client]) -> None:
    ticket = Ticket.objects.get(member=world.ana)
    Ticket.objects.filter(pk=ticket.pk).update(ready_at=timezone.now())
    url = reverse("admin:servicing_ticket_numbers")
    jobs = {
        name: people[name].get(url, {"centre": ticket.centre_id}).context["jobs"]
        for name in ("own", "other", "Support")
    }
    assert jobs == {"own": 1, "other": 0, "Support": 1}


def test_a_person_does_not_work_on_the_own_job(world: World, groups: dict[str, Group]) -> None:
    add_jobs([world.ana], UserFactory(is_staff=True, is_superuser=True))
    user: User = world.ana.user
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.groups.add(groups["Support"])
    ticket = Ticket.objects.get(member=world.ana)
    url = reverse("admin:servicing_ticket_change", args=[ticket.pk])
    client = signed_in(User.objects.get(pk=user.pk))
    assert "This is your own job" in client.get(url).content.decode()
    assert client.post(url, {"do": "assess"}).status_code == 403
