"""Who did something to a case is kept, whatever entry point it came through (R54, R58)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from members.models import User
from members.support import actions
from members.support.enums import CaseKind
from members.support.models import Case
from tests.rows import each_row
from tests.world import World


@pytest.fixture
def visited(world: World) -> Case:
    visitor = actions.Visitor("Chloe", "chloe@example.org")
    return actions.open_case(
        kind=CaseKind.CONTACT, subject="Hello", text="?", visitor=visitor, by=None, at=timezone.now()
    )


def last_event(case: Case) -> Any:
    return case.events.select_related("pgh_context").latest("pgh_id")  # type: ignore[attr-defined]


@each_row("action", ["take", "assign", "close", "reopen", "revoke_link"])
def test_who_acted_on_a_case_outside_a_request_is_in_its_history(world: World, visited: Case, action: str) -> None:
    staff = User.objects.create_superuser("second@example.org")
    at = timezone.now() + timedelta(hours=1)
    if action == "reopen":
        actions.close(case=visited, by=world.staff, at=at)
    options = {"to": staff} if action == "assign" else {}
    getattr(actions, action)(case=visited, by=staff, at=at, **options)
    assert last_event(visited).pgh_context.metadata["user"] == staff.pk


def test_when_a_case_was_assigned_and_its_link_revoked_is_kept(world: World, visited: Case) -> None:
    at = timezone.now()
    actions.take(case=visited, by=world.staff, at=at)
    actions.revoke_link(case=visited, by=world.staff, at=at)
    visited.refresh_from_db()
    assert (visited.assigned_at, visited.link_revoked_at) == (at, at)
    actions.assign(case=visited, to=None, by=world.staff, at=at)
    visited.refresh_from_db()
    assert visited.assigned_at is None


def test_the_history_never_holds_the_token_of_a_visitors_link(world: World, visited: Case, client: Client) -> None:
    actions.close(case=visited, by=world.staff, at=timezone.now())
    answer = client.post(visited.get_absolute_url(), {"text": "One more thing."})
    visited.refresh_from_db()
    assert (answer.status_code, visited.state) == (302, "open")
    metadata = last_event(visited).pgh_context.metadata
    assert metadata["url"] == "/contact/"
    assert str(visited.access_token) not in str(metadata)
