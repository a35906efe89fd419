"""Nobody reaches the admin with only a password."""

import time
from contextlib import suppress
from urllib.parse import quote

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.files.actions import store
from kitbag.models import Adjustment
from members.models import Session
from tests.admin.conftest import SignIn, signed_in
from tests.factories import PASSWORD, UserFactory
from tests.files.samples import jpeg, upload
from tests.rows import each_row
from tests.submissions.pages import FormReader
from tests.world import World

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


@each_row("page", PAGES)
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


def test_members_are_kept_out(as_ana: Client) -> None:
    assert as_ana.get(DESK, follow=True).status_code == 403


def test_a_second_factor_that_was_removed_opens_nothing_any_more(staff: SignIn) -> None:
    client = staff("Support")
    assert client.get(DESK).status_code == 200
    Authenticator.objects.all().delete()
    answer = client.get(DESK, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("mfa_index")


def test_the_second_factor_of_yesterday_is_asked_for_again_and_nothing_typed_is_lost(
    staff: SignIn, settings: Settings
) -> None:
    client, url = staff(is_superuser=True), "/admin/cases/cannedanswer/add/"
    form = {**read_form(client, url), "title": "Hello", "text": "Hello there"}
    give_second_factor(client, seconds_ago=settings.STAFF_SESSION_SECONDS + 1)
    asked = client.post(url, form)
    assert asked["Location"] == f"{reverse('admin:login')}?next={quote(url, safe='')}"
    assert client.get(asked["Location"])["Location"].startswith(reverse("mfa_reauthenticate"))
    give_second_factor(client)
    assert read_form(client, url)["text"] == ["Hello there"]


def test_a_file_of_somebody_else_needs_the_second_factor_too(world: World) -> None:
    user = UserFactory(is_staff=True, is_superuser=True)
    row = store(upload=upload(jpeg()), purpose="case", by=world.ana.user, at=timezone.now())
    url = reverse("files:file", args=[row.key])
    assert signed_in(user).get(url).status_code == 200
    answer = signed_in(user, second_factor=False).get(url)
    assert answer["Location"].startswith(reverse("admin:login"))


def test_the_sign_in_leads_nowhere_else(staff: SignIn) -> None:
    answer = staff("Support").get("/admin/login/", {"next": "https://elsewhere.example.org/"})
    assert answer["Location"] == DESK


# --- Again before sensitive steps ---


def give_second_factor(client: Client, *, seconds_ago: float = 0) -> None:
    """As if it had been given then."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": time.time() - seconds_ago, "type": "totp"}]
    session.save()


def read_form(client: Client, url: str) -> dict[str, list[str]]:
    """What the main form of the page would send."""
    forms = FormReader(client.get(url).text).forms
    return next(data for _action, data in forms if len(data) > 3)


@pytest.fixture
def root_of_this_morning(staff: SignIn, settings: Settings) -> Client:
    """A superuser whose second factor is too old for sensitive steps, and new enough for all others."""
    client = staff(is_superuser=True)
    give_second_factor(client, seconds_ago=settings.STEP_UP_SECONDS + 1)
    return client


def test_every_sensitive_step_asks_for_the_second_factor_again(
    root_of_this_morning: Client, settings: Settings
) -> None:
    """Whatever the key: the question comes before the row is read."""
    wrong = []
    for name, methods in settings.STEP_UP_VIEWS.items():
        url = address_of(name)
        for method in methods:
            answer = getattr(root_of_this_morning, method.lower())(url)
            if not answer.headers.get("Location", "").startswith(reverse("mfa_reauthenticate")):
                wrong.append((name, method, answer.status_code))
    assert wrong == []
    assert root_of_this_morning.get(DESK).status_code == 200


def address_of(name: str) -> str:
    """The address of a view of the admin, with keys of rows that do not exist, or of a list."""
    for keys in ([], [4711], ["members", "member"]):
        with suppress(NoReverseMatch):
            return reverse(name, args=keys)
    raise AssertionError(f"settings.STEP_UP_VIEWS names {name}, which does not exist")


def test_what_was_typed_into_an_adjustment_is_there_after_the_second_factor(
    root_of_this_morning: Client, world: World
) -> None:
    client, url = root_of_this_morning, f"/admin/kitbag/adjustment/give/{world.ana.pk}/"
    give_second_factor(client)
    form = {**read_form(client, url), "points": "50", "reason": "A kind gesture"}
    give_second_factor(client, seconds_ago=3600)
    asked = client.post(url, form)
    assert asked["Location"] == f"{reverse('mfa_reauthenticate')}?next={quote(url, safe='')}"
    assert "press the button again" in client.get(asked["Location"]).text
    assert not Adjustment.objects.exists()
    give_second_factor(client)
    shown = read_form(client, url)
    assert (shown["points"], shown["reason"]) == (["50"], ["A kind gesture"])


def test_a_code_leads_on_to_the_sensitive_step_and_a_password_does_not(world: World, settings: Settings) -> None:
    user, secret = UserFactory(is_staff=True, is_superuser=True), generate_totp_secret()
    TOTP.activate(user, secret)
    client, url = signed_in(user), f"/admin/kitbag/adjustment/give/{world.ana.pk}/"
    give_second_factor(client, seconds_ago=3600)
    asked = client.get(url)["Location"]
    assert "Use your password" not in client.get(asked).text
    instead = client.post(f"{reverse('account_reauthenticate')}?next={url}", {"password": PASSWORD})
    assert instead["Location"].startswith(reverse("mfa_reauthenticate"))
    assert client.get(url)["Location"] == asked
    assert client.post(asked, {"code": code_for(secret)})["Location"] == url
    assert client.get(url).status_code == 200


def test_the_session_has_another_key_afterwards(world: World) -> None:
    """Whoever knew the key before must not share what the second factor opens."""
    user, secret = UserFactory(is_staff=True, is_superuser=True), generate_totp_secret()
    TOTP.activate(user, secret)
    client = signed_in(user)
    before = client.session.session_key
    client.post(reverse("mfa_reauthenticate"), {"code": code_for(secret)})
    assert client.get(DESK).status_code == 200
    after = client.session.session_key
    assert after != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_download_leads_back_to_the_page_with_its_link(root_of_this_morning: Client) -> None:
    page = "/admin/offers/offer/1/change/"
    for referer, back in [(f"http://testserver{page}", page), ("https://elsewhere.example.org/x", DESK), ("", DESK)]:
        answer = root_of_this_morning.get("/admin/offers/offer/1/door.csv", headers={"Referer": referer})
        assert answer["Location"] == f"{reverse('mfa_reauthenticate')}?next={quote(back, safe='')}", referer


def test_staff_with_only_a_passkey_are_asked_for_it(root_of_this_morning: Client) -> None:
    Authenticator.objects.update(type=Authenticator.Type.WEBAUTHN)
    answer = root_of_this_morning.get("/admin/members/user/add/")
    assert answer["Location"].startswith(reverse("mfa_reauthenticate_webauthn"))
