"""A newcomer gets into the admin of the demonstration: the page that asks for a code of its staff shows it."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from cps_portal.dev.demo import second_factors
from cps_portal.dev.demo.world import PASSWORD
from members.models import User
from tests.factories import UserFactory
from tests.world import World

TEMPLATES = django_settings.BASE_DIR / "cps_portal/dev/templates"
SHOWN = re.compile(r'<code class="mono ltr">(\d{6})</code>')


@pytest.fixture
def development(settings: Settings) -> None:
    """The templates that only the settings for development find."""
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [TEMPLATES, *engine["DIRS"]]}]


@pytest.fixture
def admin(db: None) -> User:
    user = UserFactory(email="admin@example.org", is_staff=True, is_superuser=True)
    user.set_password(PASSWORD)
    user.save()
    second_factors.give_second_factors()
    return user


def sign_in(email: str, password: str) -> tuple[Client, str]:
    """A browser that has typed the password, and the address of the second step."""
    client = Client()
    answer = client.post(reverse("account_login"), {"login": email, "password": password})
    return client, answer["Location"]


def test_the_code_on_the_page_opens_the_admin(development: None, admin: User) -> None:
    client, step = sign_in(admin.email, PASSWORD)
    code = SHOWN.search(client.get(step).text)
    assert code
    assert client.post(step, {"code": code[1]}).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_it_is_shown_again_where_the_second_factor_is_asked_for_again(development: None, admin: User) -> None:
    client = Client()
    client.force_login(admin)
    assert SHOWN.search(client.get(reverse("mfa_reauthenticate")).text)


def test_it_is_shown_for_nobody_else(development: None, world: World) -> None:
    secret = second_factors.get_adapter().encrypt("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    Authenticator.objects.create(user=world.ana.user, type=Authenticator.Type.TOTP, data={"secret": secret})
    client = Client()
    client.force_login(world.ana.user)
    assert not SHOWN.search(client.get(reverse("mfa_reauthenticate")).text)


def test_it_is_not_shown_without_the_settings_for_development(admin: User) -> None:
    client, step = sign_in(admin.email, PASSWORD)
    assert not SHOWN.search(client.get(step).text)


def test_second_factors_are_given_once(admin: User) -> None:
    before = list(Authenticator.objects.values_list("pk", "data"))
    second_factors.give_second_factors()
    assert list(Authenticator.objects.values_list("pk", "data")) == before
    assert len(before) == 1
