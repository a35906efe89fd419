"""The first account of staff comes from a command, with a link to choose the password (R54)."""

import io
import re

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client

from members.models import User
from tests.world import World


def invite(*arguments: str) -> str:
    output = io.StringIO()
    call_command("invite_staff", *arguments, stdout=output)
    return output.getvalue()


def link_in(output: str) -> str:
    match = re.search(rf"^{re.escape(settings.SITE_URL)}(/\S+)$", output, re.MULTILINE)
    assert match, output
    return match[1]


def choose_password(client: Client, link: str, password: str) -> int:
    """Follow the link and send the form that it leads to. Returns the status; 0 if the link leads to no form."""
    page = client.get(link, follow=True)
    if b'name="password1"' not in page.content:
        return 0
    return client.post(page.redirect_chain[-1][0], {"password1": password, "password2": password}).status_code


def test_the_link_sets_the_password_once_and_the_account_has_the_rights_of_its_group(
    groups: dict[str, Group],
) -> None:
    link = link_in(invite("Lerato@example.org", "--group", "Support"))
    user = User.objects.get(email="lerato@example.org")
    assert user.is_staff and not user.is_superuser and not user.has_usable_password()
    assert [group.name for group in user.groups.all()] == ["Support"]
    assert EmailAddress.objects.get(user=user).verified
    assert choose_password(Client(), link, "window seat on the night train") == 302
    user.refresh_from_db()
    assert user.check_password("window seat on the night train")
    assert choose_password(Client(), link, "another one that is long enough") == 0


def test_somebody_who_may_do_everything_is_asked_for_explicitly(groups: dict[str, Group]) -> None:
    invite("first@example.org", "--everything")
    user = User.objects.get(email="first@example.org")
    assert user.is_superuser and not user.groups.exists()


def test_a_member_becomes_staff_and_keeps_the_password(world: World, groups: dict[str, Group]) -> None:
    world.ana.user.set_password("what she had before this")
    world.ana.user.save()
    invite(world.ana.user.email.upper(), "--group", "Programme")
    world.ana.user.refresh_from_db()
    assert world.ana.user.is_staff and world.ana.user.check_password("what she had before this")


def test_what_cannot_be_done_is_said_and_changes_nothing(groups: dict[str, Group]) -> None:
    invite("there@example.org", "--group", "Support")
    User.objects.create_user("closed@example.org", None, is_active=False)
    before = User.objects.count()
    for arguments, expected in {
        ("", "--group", "Support"): "not an email address",
        ("no address", "--group", "Support"): "not an email address",
        ("@example.org", "--group", "Support"): "not an email address",
        ("a@b", "--group", "Support"): "not an email address",
        ("new@example.org", "--group", "support"): "no group “support”. There are:",
        ("new@example.org", "--group", "Nobody"): "Programme",
        ("new@example.org",): "one of the arguments --group --everything is required",
        ("new@example.org", "--group", "Support", "--everything"): "not allowed with",
        ("there@example.org", "--group", "Support"): "of staff already",
        ("THERE@example.org", "--everything"): "of staff already",
        ("closed@example.org", "--everything"): "closed",
    }.items():
        with pytest.raises(CommandError, match=re.escape(expected)):
            invite(*arguments)
    assert User.objects.count() == before
