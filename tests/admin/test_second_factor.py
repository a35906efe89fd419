"""Nobody reaches the admin with only a password."""

import pytest
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.admin.conftest import SignIn, signed_in
from tests.factories import PASSWORD, UserFactory

DESK = "/admin/"
PAGES = [
    DESK,
    "/admin/members/member/",
    "/admin/autocomplete/",
    "/admin/jsi18n/",
    "/admin/password_change/",
    "/admin/nonsense/",
]


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


@pytest.mark.parametrize("page", PAGES)
def test_staff_without_a_second_factor_reach_no_page_of_the_desk(staff: SignIn, page: str) -> None:
    answer = staff(is_superuser=True, second_factor=False).get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


def test_staff_without_a_second_factor_are_led_to_set_one_up(staff: SignIn) -> None:
    answer = staff("Support", second_factor=False).get(DESK, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("mfa_index")
    assert "second factor" in answer.content.decode()


def test_a_session_that_never_showed_the_second_factor_is_asked_for_it(db: None) -> None:
    user = UserFactory(is_staff=True)
    TOTP.activate(user, generate_totp_secret())
    answer = signed_in(user, second_factor=False).get(reverse("admin:login"), {"next": "/admin/members/member/"})
    assert answer["Location"] == f"{reverse('mfa_reauthenticate')}?next=%2Fadmin%2Fmembers%2Fmember%2F"


def test_a_password_and_a_code_open_the_desk(db: None) -> None:
    user, secret, client = UserFactory(is_staff=True), generate_totp_secret(), Client()
    TOTP.activate(user, secret)
    asked = client.get(DESK, follow=True)
    assert asked.redirect_chain[-1][0].startswith(reverse("account_login"))
    answer = client.post(asked.redirect_chain[-1][0], {"login": user.email, "password": PASSWORD})
    assert answer["Location"].startswith(reverse("mfa_authenticate"))
    assert client.get(DESK).status_code == 302
    answer = client.post(answer["Location"], {"code": code_for(secret)})
    assert client.get(DESK).status_code == 200


def test_another_persons_second_factor_in_the_session_counts_for_nothing(db: None) -> None:
    client = signed_in(UserFactory(is_staff=True))
    session = client.session
    session["account_authentication_methods_user"] = "0"
    session.save()
    assert client.get(DESK).status_code == 302


def test_the_demonstration_needs_no_second_factor(staff: SignIn, settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR_REQUIRED = False
    assert staff("Support", second_factor=False).get(DESK).status_code == 200


@pytest.mark.parametrize("required", [True, False])
def test_members_are_kept_out(as_ana: Client, settings: Settings, required: bool) -> None:
    settings.STAFF_SECOND_FACTOR_REQUIRED = required
    assert as_ana.get(DESK, follow=True).status_code == 403


def test_the_sign_in_leads_nowhere_else(staff: SignIn) -> None:
    answer = staff("Support").get("/admin/login/", {"next": "https://elsewhere.example.org/"})
    assert answer["Location"] == DESK
