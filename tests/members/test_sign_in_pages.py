"""What every page for signing in, and every page of a member, has."""

import re

import pytest
from django.test import Client

from tests.world import World

MANAGED = ["current-password", "new-password"]  # what password managers look for


def password_fields(page: str) -> list[str]:
    return [field for field in re.findall(r"<input\b[^>]*>", page) if re.search(r'name="\w*password\w*"', field)]


@pytest.mark.parametrize(
    "url", ["/accounts/login/", "/accounts/signup/", "/accounts/password/change/", "/accounts/reauthenticate/"]
)
def test_passwords_are_masked_and_left_to_password_managers(world: World, url: str) -> None:
    client = Client()
    if "login" not in url and "signup" not in url:
        client.force_login(world.ana.user)
    fields = password_fields(client.get(url).text)
    assert fields
    for field in fields:
        assert 'type="password"' in field and "onpaste" not in field
        assert any(f'autocomplete="{name}"' in field for name in MANAGED), field


def test_every_page_of_a_member_has_a_button_to_sign_out(as_ana: Client) -> None:
    for url in ("/dashboard/", "/kitbag/", "/service/", "/profile/", "/contact/", "/notices/", "/help/"):
        assert 'action="/accounts/logout/"' in as_ana.get(url).text, url
