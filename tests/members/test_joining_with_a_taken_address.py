"""Joining signs in at once (R8): that an address has an account is not hidden, but limited, and its owner told."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.test import Client

from cps_portal.core.outbox.models import Message
from members.models import Member
from tests.factories import PASSWORD
from tests.world import World

FORM = {
    "first_name": "Dina",
    "last_name": "Reed",
    "country": "ZA",
    "password1": PASSWORD,
    "adult": "on",
    "terms": "on",
}
TAKEN = ["ana@example.org", "ben@example.org"]


def join(email: str, address: str = "198.51.100.1") -> Any:
    return Client(REMOTE_ADDR=address).post("/accounts/signup/", {**FORM, "email": email})


def mails_to_owner(email: str) -> int:
    return Message.objects.filter(to=email, key__startswith="account-").count()


@pytest.mark.usefixtures("world")
def test_after_some_taken_addresses_a_network_learns_no_more() -> None:
    statuses = [join(TAKEN[number % 2]).status_code for number in range(5)]
    refused = [join("ana@example.org"), join("dina@example.org"), join("nobody@example.org")]
    assert 429 not in statuses
    assert [answer.status_code for answer in refused] == [429] * 3
    pages = [" ".join(answer.content.decode().split()) for answer in refused]
    assert all(re.search(r"Too many attempts\. Try again in \d+ minutes", page) for page in pages)
    assert 'value="Dina"' in pages[0]
    assert not Member.objects.filter(first_name="Dina").exists()


def test_people_elsewhere_join_meanwhile(world: World) -> None:
    for number in range(7):
        join(TAKEN[number % 2])
    assert join("dina@example.org", "203.0.113.4").status_code == 302
    assert Member.objects.filter(first_name="Dina").exists()


def test_joining_itself_is_not_counted(world: World) -> None:
    assert [join(f"dina{number}@example.org").status_code for number in range(8)] == [302] * 8


def test_the_owner_is_told_once_a_day_however_it_is_spelled(world: World) -> None:
    for number, email in enumerate(["ana@example.org", "ANA@example.org", " ana@Example.org "]):
        join(email, f"198.51.100.{number}")
    assert mails_to_owner("ana@example.org") == 1
    mail = Message.objects.get(to="ana@example.org", key__startswith="account-")
    assert "already has an account" in mail.payload["text"]
    assert mails_to_owner("ben@example.org") == 0


def test_changing_an_address_does_not_tell_whether_another_has_an_account(world: World) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": "ana@example.org", "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answers = [
        client.post("/accounts/email/", {"action_add": "", "email": email}, follow=True).content.decode()
        for email in ("ben@example.org", "xyz@example.org")
    ]
    plain = [re.sub(r"(ben|xyz)@example\.org|[A-Za-z0-9]{64}", "", answer) for answer in answers]
    assert plain[0] == plain[1]


def test_an_address_that_a_member_only_wants_to_change_to_is_free(world: World) -> None:
    """Or anybody could keep another person from joining. It is theirs once they have confirmed it."""
    wished = EmailAddress.objects.create(user=world.ben.user, email="dina@example.org", verified=False, primary=False)
    assert join("Dina@example.org").status_code == 302
    dina = Member.objects.get(first_name="Dina").user
    mail = Message.objects.filter(to="dina@example.org", key__startswith="account-").latest("pk")
    link = re.search(r"http://localhost(/accounts/confirm-email/\S+)", mail.payload["text"])
    assert link
    assert Client().post(link[1]).status_code == 302
    assert EmailAddress.objects.get(user=dina).verified
    answer = Client().post(f"/accounts/confirm-email/{EmailConfirmationHMAC.create(wished).key}/", follow=True)
    assert "belongs to another account" in answer.content.decode()
    wished.verified = True
    wished.email = "nobody@example.org"
    wished.save()
    refused = join("nobody@example.org")
    assert refused.status_code == 200 and "Sign in, or set a new password" in refused.content.decode()
