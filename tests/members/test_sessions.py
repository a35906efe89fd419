"""Where an account is signed in: listed with browser, time and place, and ended at once."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from members.middleware import SEEN_KEY
from members.models import Device, Session, User
from members.rules.browsers import name_browser
from tests.admin.conftest import signed_in as staff_client
from tests.factories import PASSWORD
from tests.world import World

PAGE = "/profile/sessions/"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
AGENTS = {
    SAFARI: ("Safari", "iPhone"),
    FIREFOX: ("Firefox", "Linux"),
    CHROME: ("Chrome", "Windows"),
    CHROME + " Edg/131.0.0.0": ("Edge", "Windows"),
    CHROME + " OPR/115.0.0.0": ("Opera", "Windows"),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15": (
        "Safari",
        "Mac",
    ),
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36": (
        "Chrome",
        "Android",
    ),
    "Mozilla/5.0 (Linux; Android 14) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36": (
        "Samsung Internet",
        "Android",
    ),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) CriOS/131.0 Mobile/15E148 Safari/604.1": (
        "Chrome",
        "iPhone",
    ),
    "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) FxiOS/133.0 Mobile/15E148 Safari/605.1.15": ("Firefox", "iPad"),
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36": (
        "Chrome",
        "Chromebook",
    ),
    "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0": ("Firefox", "Android"),
    "curl/8.5.0": ("", ""),
    "": ("", ""),
    "x" * 5000: ("", ""),
}


@pytest.fixture
def ana(world: World) -> User:
    return world.ana.user


def signed_in(user: User, agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert client.get("/dashboard/").status_code == 200
    return client


def device_of(client: Client) -> Device:
    return Device.objects.get(session_key=client.session.session_key)


def test_browsers_are_named_in_words() -> None:
    assert {agent: name_browser(agent) for agent in AGENTS} == AGENTS


def test_the_list_names_browser_system_address_and_time_and_marks_this_one(ana: User) -> None:
    phone = signed_in(ana, SAFARI, "198.51.100.7")
    here = signed_in(ana)
    Device.objects.filter(pk=device_of(phone).pk).update(last_seen_at=timezone.now() - timedelta(days=2))
    for address in (PAGE, "/profile/security/"):
        page = " ".join(here.get(address).content.decode().split())
        assert page.index("Firefox on Linux") < page.index("This one") < page.index("Safari on iPhone")
        assert "198.51.100.7" in page and "Last used on" in page
        assert f"/profile/sessions/{device_of(phone).pk}/end/" in page
        assert f"/profile/sessions/{device_of(here).pk}/end/" not in page


def test_ending_a_session_ends_it_at_once(ana: User) -> None:
    phone, here = signed_in(ana, SAFARI), signed_in(ana)
    assert here.post(f"/profile/sessions/{device_of(phone).pk}/end/").status_code == 302
    assert phone.get("/dashboard/").status_code == 302
    assert here.get("/dashboard/").status_code == 200
    assert "Safari on iPhone" not in here.get(PAGE).content.decode()


def test_ending_all_others_leaves_this_one(ana: User, world: World) -> None:
    others = [signed_in(ana, SAFARI), signed_in(ana, CHROME), signed_in(ana)]
    here, ben = signed_in(ana), signed_in(world.ben.user)
    here.post("/profile/sessions/end-others/")
    assert [client.get("/dashboard/").status_code for client in [*others, here, ben]] == [302, 302, 302, 200, 200]
    assert Device.objects.filter(user=ana).count() == 1


def test_the_sessions_of_others_cannot_be_ended(ana: User, world: World) -> None:
    ben = signed_in(world.ben.user)
    here = signed_in(ana)
    here.post(f"/profile/sessions/{device_of(ben).pk}/end/")
    assert ben.get("/dashboard/").status_code == 200
    assert Device.objects.filter(user=world.ben.user).count() == 1


def test_wrong_methods_and_visitors_end_nothing(ana: User) -> None:
    phone = signed_in(ana, SAFARI)
    key = device_of(phone).pk
    assert signed_in(ana).get(f"/profile/sessions/{key}/end/").status_code == 405
    assert Client().post(f"/profile/sessions/{key}/end/").status_code == 302
    assert Client().post("/profile/sessions/end-others/").status_code == 302
    assert phone.get("/dashboard/").status_code == 200


def test_ending_it_twice_says_so(ana: User) -> None:
    phone, here = signed_in(ana, SAFARI), signed_in(ana)
    key = device_of(phone).pk
    here.post(f"/profile/sessions/{key}/end/")
    page = here.post(f"/profile/sessions/{key}/end/", follow=True).content.decode()
    assert "signed out already" in page


def test_who_signed_out_is_not_in_the_list(ana: User) -> None:
    phone, here = signed_in(ana, SAFARI), signed_in(ana)
    phone.post("/accounts/logout/")
    assert "Safari on iPhone" not in here.get(PAGE).content.decode()


def test_a_session_that_has_run_out_is_not_in_the_list(ana: User) -> None:
    phone, here = signed_in(ana, SAFARI), signed_in(ana)
    Session.objects.filter(pk=phone.session.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert "Safari on iPhone" not in here.get(PAGE).content.decode()


def test_a_new_password_leaves_only_this_device(ana: User) -> None:
    signed_in(ana, SAFARI)
    here = signed_in(ana)
    key = device_of(here).key
    here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "purple tractor lamp", "password2": "purple tractor lamp"},
    )
    assert here.get("/dashboard/").status_code == 200
    device = Device.objects.get(user=ana)
    assert device.session_key == here.session.session_key and device.key != key
    assert "This one" in here.get(PAGE).content.decode()


def test_signing_in_again_in_the_same_browser_is_the_same_device(ana: User) -> None:
    here = signed_in(ana)
    here.post("/accounts/logout/")
    here.post("/accounts/login/", {"login": ana.email, "password": PASSWORD})
    assert Device.objects.filter(user=ana).count() == 1


def test_last_use_is_recorded_once_in_some_minutes(ana: User) -> None:
    here = signed_in(ana)
    session = here.session
    session[SEEN_KEY] -= 301
    session.save()
    Device.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))
    written = []
    for _time in range(3):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            here.get("/terms/", REMOTE_ADDR="198.51.100.8")
        written.append(sum('UPDATE "members_device"' in query["sql"] for query in queries))
    assert written == [1, 0, 0]
    device = device_of(here)
    assert device.last_seen_at > timezone.now() - timedelta(minutes=1) and device.address == "198.51.100.8"


def test_staff_who_are_not_members_see_and_end_their_sessions(world: World) -> None:
    elsewhere, here = Client(headers={"user-agent": SAFARI}), Client(headers={"user-agent": FIREFOX})
    for client in (elsewhere, here):
        client.force_login(world.staff)
    page = here.get(PAGE).content.decode()
    assert "Where you’re signed in" in page and "This one" in page
    here.post("/profile/sessions/end-others/")
    assert elsewhere.get(PAGE).status_code == 302
    assert here.get(PAGE).status_code == 200


def test_a_password_changed_in_the_admin_keeps_this_session_in_the_list_and_ends_the_others(world: World) -> None:
    elsewhere, here = staff_client(world.staff), staff_client(world.staff)
    elsewhere.get(PAGE)
    typed = {"old_password": PASSWORD, "new_password1": "purple tractor lamp", "new_password2": "purple tractor lamp"}
    assert here.post("/admin/password_change/", typed)["Location"] == "/admin/password_change/done/"
    assert "This one" in here.get(PAGE).content.decode()
    assert elsewhere.get(PAGE).status_code == 302
    assert Device.objects.get(user=world.staff).session_key == here.session.session_key
