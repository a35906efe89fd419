"""Mails that a member can switch off carry RFC 8058's headers, and only those (R56)."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.core.signing import dumps
from django.db import transaction
from django.test import Client

from cps_portal.core.outbox import actions
from cps_portal.core.outbox.exceptions import Obsolete
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.renderers import get_renderer
from kitbag.emails import counted
from kitbag.models import Registration
from members.models import Member
from members.models.people import MAIL_PREFERENCES, UNSUBSCRIBE_SALT
from tests.accounts.everything import add_everything
from tests.factories import draft, validated
from tests.mails import rendered
from tests.rows import each_row
from tests.world import World

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def path_of(member: Member, preference: str) -> str:
    return member.unsubscribe_url(preference).removeprefix(settings.SITE_URL)


def sent(payload: dict[str, Any]) -> Any:
    with transaction.atomic():
        message = actions.enqueue(key=f"m{Message.objects.count()}", kind="mail", to="ana@example.org", payload=payload)
    assert message is not None and actions.deliver(message.pk)
    return mail.outbox[-1].message()


@pytest.fixture
def optional(world: World) -> dict[str, dict[str, Any]]:
    """One mail of each kind that can be switched off."""
    draft(world.ana, world.body)
    Member.objects.filter(pk=world.ana.pk).update(wants_news=True, wants_counted=True, wants_reminders=True)
    row = validated(world.ana, world.lens)
    Registration.objects.filter(pk=row.pk).update(decided_by=None)
    reminder = get_renderer("kitbag.reminder")(member=world.ana.pk)
    approved = counted(registrations=[row.pk])
    assert reminder and approved
    return {"wants_reminders": reminder, "wants_counted": approved}


def test_mails_that_can_be_switched_off_carry_both_headers(
    optional: dict[str, dict[str, Any]], no_broker: None
) -> None:
    for preference, payload in optional.items():
        headers = sent(payload)
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click", preference
        url = headers["List-Unsubscribe"].strip("<>")
        assert url.startswith(f"{settings.SITE_URL}/unsubscribe/")
        assert url in payload["text"] and url in payload["html"]


def test_no_other_mail_carries_them(world: World, no_broker: None) -> None:
    """Every mail of a member with everything, and of joining, signing in and closing."""
    add_everything(world)
    Client().post("/accounts/password/reset/", {"email": "ana@example.org"})
    mails = {}
    for message in Message.objects.filter(kind="mail", blanked_at=None):
        with suppress(Obsolete):  # refused and appealed against meanwhile: that mail does not leave
            mails[message.key] = rendered(message)
    with_link = {key for key, payload in mails.items() if "unsubscribe" in payload}
    assert len(mails) > 3
    assert {key for key in with_link if not key.startswith(("reminder-", "counted-", "offer-"))} == set()


def test_a_decision_of_a_person_is_always_told(optional: dict[str, dict[str, Any]], world: World) -> None:
    rows = Registration.objects.of(world.ana).filter(state="validated")
    rows.update(decided_by=world.ben.user)
    Member.objects.filter(pk=world.ana.pk).update(wants_counted=False)
    payload = counted(registrations=list(rows.values_list("pk", flat=True)))
    assert payload and "unsubscribe" not in payload


def test_what_was_switched_off_meanwhile_is_not_sent(optional: dict[str, dict[str, Any]], world: World) -> None:
    """R70: between writing and sending lie minutes."""
    keys = list(Registration.objects.of(world.ana).filter(state="validated").values_list("pk", flat=True))
    Member.objects.filter(pk=world.ana.pk).update(wants_counted=False, wants_reminders=False)
    assert counted(registrations=keys) is None
    assert get_renderer("kitbag.reminder")(member=world.ana.pk) is None


@each_row("preference", MAIL_PREFERENCES)
def test_one_click_switches_it_off_without_signing_in(world: World, preference: str) -> None:
    Member.objects.filter(pk=world.ana.pk).update(**dict.fromkeys(MAIL_PREFERENCES, True))
    client = Client(enforce_csrf_checks=True)
    path = path_of(world.ana, preference)
    for page in (client.get(path), client.head(path), client.get(path, {"undo": "1"})):
        assert page.status_code == 200
    world.ana.refresh_from_db()
    assert getattr(world.ana, preference), "a GET changes nothing: mail scanners follow every link"
    for _twice in range(2):
        assert client.post(path, ONE_CLICK).status_code == 200
    world.ana.refresh_from_db()
    assert {name: getattr(world.ana, name) for name in MAIL_PREFERENCES} == {
        name: name != preference for name in MAIL_PREFERENCES
    }
    assert client.post(path, {"undo": "1"}).status_code == 200
    world.ana.refresh_from_db()
    assert getattr(world.ana, preference)


def test_the_page_says_what_it_is_about_and_what_stays(world: World) -> None:
    Member.objects.filter(pk=world.ana.pk).update(wants_news=True)
    path = path_of(world.ana, "wants_news")
    before, after = (Client().get(path).content.decode(), Client().post(path).content.decode())
    assert "Stop these emails?" in before and "news of events and offers" in before
    assert "You won’t get these emails any more" in after and "Send them again" in after
    assert "ana@example.org" not in before + after and world.ana.first_name not in before + after


def forged(world: World) -> list[str]:
    token = path_of(world.ana, "wants_news").split("/")[2]
    inside: list[Callable[[], Any]] = [
        lambda: [world.ana.pk, "is_staff"],
        lambda: [world.ana.pk],
        lambda: [10**9, "wants_news"],
        lambda: ["x", "wants_news"],
        lambda: {"a": 1, "b": 2},
        lambda: 7,
        lambda: None,
    ]
    tokens = [dumps(make(), salt=UNSUBSCRIBE_SALT) for make in inside]
    return [*tokens, token[:-1], token + "x", token[1:], "x", "a:b:c", dumps([world.ana.pk, "wants_news"])]


def test_forged_links_change_nothing(world: World) -> None:
    Member.objects.filter(pk=world.ana.pk).update(wants_news=True)
    answers = {token: Client().post(f"/unsubscribe/{token}/", ONE_CLICK).status_code for token in forged(world)}
    assert {token: status for token, status in answers.items() if status != 404} == {}
    world.ana.refresh_from_db()
    assert world.ana.wants_news


def test_the_link_works_until_the_account_is_closed(world: World) -> None:
    path = path_of(world.ana, "wants_news")
    Member.objects.filter(pk=world.ana.pk).update(closed_at=world.ana.joined_at)
    assert Client().post(path, ONE_CLICK).status_code == 404
