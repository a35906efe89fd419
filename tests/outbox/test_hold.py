"""After a restore nothing leaves twice (R38): `manage.py hold_outbox` holds what may have left already."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from cps_portal.core.outbox import actions
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from tests.outbox.test_admin import press, staff

Post = Callable[..., Message]
pytestmark = pytest.mark.django_db
NOW = timezone.now()


def hold(*arguments: str) -> str:
    out = io.StringIO()
    call_command("hold_outbox", *arguments, stdout=out)
    return out.getvalue()


def states() -> dict[str, str]:
    return dict(Message.objects.values_list("key", "state"))


def test_what_was_due_is_held_and_what_is_due_later_leaves_when_it_is(post: Post) -> None:
    post("due", at=NOW - timedelta(minutes=5))
    post("later", at=NOW + timedelta(hours=1))
    sent = post("sent", at=NOW - timedelta(minutes=5))
    assert actions.deliver(sent.pk)
    taken = post("being sent", at=NOW - timedelta(minutes=5))
    assert actions._claim(Message.objects.filter(pk=taken.pk), NOW)
    mail.outbox.clear()
    assert "2 messages are held" in hold()
    assert states() == {"due": State.HELD, "later": State.QUEUED, "sent": State.SENT, "being sent": State.HELD}
    actions.sweep(at=NOW + timedelta(hours=2))
    assert [message.subject for message in mail.outbox] == ["Hello"], "only the later one"
    assert "0 messages" in hold("--before", "2020-01-01 00:00:00+00:00")


def test_a_moment_that_is_none_is_refused(post: Post) -> None:
    wrong = [
        "yesterday",
        "2026-11-29 14:05:00",
        "2026-02-30 10:00:00+00:00",
        "2026-11-29",
        "14:05",
        "0",
        "now",
        " ",
        "-1",
    ]
    for text in wrong:
        with pytest.raises(CommandError, match="is not a moment such as"):
            hold(f"--before={text}")


def test_staff_release_a_held_message_or_drop_it(post: Post) -> None:
    released, dropped = post("one", at=NOW - timedelta(hours=1)), post("two", at=NOW - timedelta(hours=1))
    hold()
    _user, client = staff("view_message", "change_message")
    assert "Held: may have left before a restore" in client.get("/admin/outbox/message/").content.decode()
    press(client, "send_again", released)
    press(client, "cancel", dropped)
    assert states() == {"one": State.QUEUED, "two": State.CANCELLED}
    actions.sweep(at=timezone.now() + timedelta(seconds=1))
    assert states()["one"] == State.SENT and len(mail.outbox) == 1


def test_a_held_message_is_erased_with_its_receiver_and_does_not_wait_for_ever(post: Post) -> None:
    old = post("old", at=NOW - timedelta(days=40))
    erased = post("erased", to="gone@example.org", at=NOW - timedelta(hours=1))
    hold()
    actions.erase_addresses(addresses=["gone@example.org"], at=NOW)
    actions.blank_old(at=NOW)
    for message in (old, erased):
        message.refresh_from_db()
        assert (message.state, message.to, message.payload) == (State.CANCELLED, "", {})


def test_a_held_message_counts_as_one_that_may_have_been_received(post: Post) -> None:
    post("told", at=NOW - timedelta(hours=1))
    hold()
    assert actions.unsent_keys(["told"]) == set()
