"""Who changed an endpoint or a credential is in the history of the row, whatever called the action (R54)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from cps_portal.core.lib.admin import event_model
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions
from cps_portal.core.partners.enums import Scope
from cps_portal.core.partners.models import Partner, WebhookEndpoint
from members.models import User
from tests.factories import UserFactory

ENDPOINT_ACTIONS: dict[str, Callable[[WebhookEndpoint, User], Any]] = {
    "change_endpoint": lambda endpoint, by: actions.change_endpoint(endpoint=endpoint, types=["sale.matched"], by=by),
    "suspend": lambda endpoint, by: actions.suspend_endpoint(
        endpoint=endpoint, reason="Too slow", by=by, at=timezone.now()
    ),
    "delete": lambda endpoint, by: actions.delete_endpoint(endpoint=endpoint, by=by, at=timezone.now()),
}


@pytest.fixture
def staff(db: None) -> User:
    return UserFactory()


def last_change(row: Any) -> Any:
    return event_model(type(row))._default_manager.filter(pgh_obj=row.pk).order_by("-pgh_id").first()


@pytest.mark.parametrize("action", ENDPOINT_ACTIONS)
def test_the_history_of_an_endpoint_names_the_person(endpoint: WebhookEndpoint, staff: User, action: str) -> None:
    ENDPOINT_ACTIONS[action](endpoint, staff)
    assert last_change(endpoint).pgh_label == "update"
    assert last_change(endpoint).pgh_context.metadata["user"] == staff.pk


def test_the_history_of_secrets_names_the_person(endpoint: WebhookEndpoint, staff: User) -> None:
    actions.rotate_secret(endpoint=endpoint, by=staff, at=timezone.now())
    assert all(last_change(secret).pgh_context.metadata["user"] == staff.pk for secret in endpoint.secrets.all())


def test_a_resumed_and_a_new_endpoint_name_the_person(house: Partner, endpoint: WebhookEndpoint, staff: User) -> None:
    actions.suspend_endpoint(endpoint=endpoint, reason="Too slow", by=None, at=timezone.now())
    actions.resume_endpoint(endpoint=endpoint, by=staff, at=timezone.now())
    assert last_change(endpoint).pgh_context.metadata["user"] == staff.pk
    added, _secret = actions.add_endpoint(partner=house, url=f"{endpoint.url}/second", by=staff, at=timezone.now())
    assert last_change(added).pgh_context.metadata["user"] == staff.pk


def test_a_test_message_names_the_person_who_asked_for_it(endpoint: WebhookEndpoint, staff: User) -> None:
    actions.ping_endpoint(endpoint=endpoint, by=staff, at=timezone.now())
    assert Message.objects.get().payload["requested_by"] == staff.pk


def test_the_history_of_a_credential_names_the_person(house: Partner, staff: User) -> None:
    credential, _secret = actions.issue_credential(
        partner=house, name="Packing", scopes=[Scope.PACKS_READ], by=None, at=timezone.now()
    )
    actions.change_credential(credential=credential, changes={"rate": 5}, by=staff, at=timezone.now())
    assert last_change(credential).pgh_context.metadata["user"] == staff.pk
    colleague = UserFactory()
    actions.revoke_credential(credential=credential, by=colleague, at=timezone.now())
    assert last_change(credential).pgh_context.metadata["user"] == colleague.pk
