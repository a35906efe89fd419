"""The desk sees what left and what did not, may send again, and reads no sign-in links."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from members.models import User
from tests.admin.conftest import signed_in
from tests.factories import UserFactory

Post = Callable[..., Message]
pytestmark = pytest.mark.django_db
LIST = "admin:outbox_message_changelist"


def staff(*rights: str, **fields: bool) -> tuple[User, Client]:
    user = UserFactory(is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights, content_type__app_label="outbox"))
    return user, signed_in(user)


def press(client: Client, button: str, *messages: Message) -> HttpResponse:
    form = {"action": button, "_selected_action": [message.pk for message in messages]}
    return client.post(reverse(LIST), form, follow=True)


@pytest.fixture
def failed(post: Post) -> Message:
    message = post("lost-1", to="nobody")
    actions.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == State.FAILED
    return message


def test_the_desk_finds_a_failed_mail_by_its_state_and_by_its_address(failed: Message, post: Post) -> None:
    post("waiting-1")
    _user, client = staff("view_message")
    page = client.get(reverse(LIST), {"state__exact": "failed", "q": "nobody"}).content.decode()
    assert "lost-1" in page
    assert "waiting-1" not in page


def test_the_text_of_a_mail_is_for_superusers_only(failed: Message) -> None:
    url = reverse("admin:outbox_message_change", args=[failed.pk])
    _user, client = staff("view_message", "change_message")
    page = client.get(url).content.decode()
    assert "valid email" in page
    assert "Hello Ana" not in page
    _user, client = staff(is_superuser=True)
    assert "Hello Ana" in client.get(url).content.decode()


def test_nobody_adds_changes_or_deletes_a_message(failed: Message) -> None:
    _user, client = staff(is_superuser=True)
    assert client.get(reverse("admin:outbox_message_add")).status_code == 403
    assert client.post(reverse("admin:outbox_message_delete", args=[failed.pk])).status_code == 403
    client.post(reverse("admin:outbox_message_change", args=[failed.pk]), {"to": "ben@example.org"})
    failed.refresh_from_db()
    assert failed.to == "nobody"


def test_who_may_only_look_has_no_buttons(failed: Message) -> None:
    _user, client = staff("view_message")
    press(client, "send_again", failed)
    failed.refresh_from_db()
    assert failed.state == State.FAILED


def test_a_member_has_no_business_here(failed: Message) -> None:
    client = Client()
    client.force_login(UserFactory())
    assert client.get(reverse(LIST)).status_code in {302, 403}


def test_send_again_queues_a_failed_mail_and_says_who_did_it(failed: Message) -> None:
    user, client = staff("view_message", "change_message")
    assert "1 message is queued again" in press(client, "send_again", failed).content.decode()
    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == (State.QUEUED, 0)
    assert str(user.pk) in failed.answer
    assert LogEntry.objects.filter(user=user, object_id=failed.pk).count() == 1


def test_cancel_keeps_a_waiting_mail_from_ever_leaving(post: Post) -> None:
    message = post()
    _user, client = staff("view_message", "change_message")
    press(client, "cancel", message)
    assert not actions.deliver(message.pk)
    message.refresh_from_db()
    assert message.state == State.CANCELLED


def test_what_was_sent_is_neither_cancelled_nor_sent_again(post: Post) -> None:
    message = post()
    assert actions.deliver(message.pk)
    _user, client = staff("view_message", "change_message")
    assert "Only messages that" in press(client, "send_again", message).content.decode()
    assert "Only waiting and held messages" in press(client, "cancel", message).content.decode()


def test_what_was_blanked_cannot_be_sent_again(failed: Message) -> None:
    now = timezone.now()
    Message.objects.filter(pk=failed.pk).update(to="", payload={}, answer="", blanked_at=now)
    with pytest.raises(Refusal) as refused:
        actions.retry(message=failed, by=UserFactory(), at=now)
    assert refused.value.code == "blanked"
