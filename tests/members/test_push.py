"""Push messages to browsers: who gets which, what they say, how they travel, and when they end (R56)."""

import json
import re
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.lib import web_push
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import Kind, State
from cps_portal.core.outbox.models import Message
from members import actions
from members.enums import PUSHED_TICKET_NEWS, NoticeCode, PushKind
from members.models import Device, Member, Notice, PushSubscription, User
from servicing.enums import EventKind
from servicing.presenters.events import REMINDER
from tests.factories import PASSWORD
from tests.partners.receiver import Receiver, answer, receiving
from tests.push import Browser
from tests.rows import each_row
from tests.workers import no_broker
from tests.world import World

__all__ = ["no_broker"]

CREATED = answer(201)


@pytest.fixture(autouse=True)
def keys(settings: Settings, no_broker: None) -> None:
    settings.PUSH_PRIVATE_KEY = web_push.make_key()
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.4


@pytest.fixture
def service() -> Iterator[Receiver]:
    """A push service on loopback."""
    with receiving() as found:
        found.answer = CREATED
        yield found


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def phone(world: World) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": world.ana.user.email, "password": PASSWORD})
    return client


def ask(client: Client, service: Receiver, browser: Browser, *kinds: PushKind) -> PushSubscription:
    """As the page does."""
    data = {"kinds": list(kinds), "endpoint": f"{service.url}/1", "p256dh": browser.p256dh, "auth": browser.auth}
    assert client.post("/profile/notifications/", data).status_code == 302
    return PushSubscription.objects.get()


def tell(member: Member, code: NoticeCode, key: str = "n-1", **params: str) -> None:
    with transaction.atomic():
        actions.notify_member(
            member=member, key=key, code=code, params=params, path="/kitbag/points/", at=timezone.now()
        )


def deliver() -> Message:
    message = Message.objects.get(kind=Kind.PUSH)
    outbox.deliver(message.pk, at=timezone.now())
    message.refresh_from_db()
    return message


def test_a_message_reaches_the_browser_encrypted_and_signed(
    world: World, phone: Client, service: Receiver, browser: Browser
) -> None:
    subscription = ask(phone, service, browser, PushKind.LEVEL)
    tell(world.ana, NoticeCode.LEVEL_UP)
    assert deliver().state == State.SENT
    (request,) = service.got
    told = {"title": "CPS", "text": "You’ve reached a new level.", "path": "/kitbag/points/", "tag": "level"}
    assert json.loads(browser.read(request.body)) == told
    assert request.headers["authorization"].startswith("vapid t=")
    assert request.headers["content-encoding"] == "aes128gcm"
    assert request.headers["ttl"] == "86400"
    subscription.refresh_from_db()
    assert subscription.sent_at is not None


def test_nothing_on_a_lock_screen_names_anybody_or_anything(
    world: World, phone: Client, service: Receiver, browser: Browser
) -> None:
    ask(phone, service, browser, *PushKind)
    tell(world.ana, NoticeCode.TICKET, kind="ready", ticket="1")
    deliver()
    shown = json.loads(browser.read(service.got[0].body))
    assert shown["text"] == "Your repair is ready."
    for hidden in (world.ana.first_name, world.ana.number, world.body.name, world.ana.user.email):
        assert hidden not in json.dumps(shown)


def test_only_what_was_chosen_is_pushed_to_whom_it_is_about(
    world: World, phone: Client, service: Receiver, browser: Browser
) -> None:
    ask(phone, service, browser, PushKind.ESTIMATE)
    tell(world.ana, NoticeCode.LEVEL_UP, "a")
    tell(world.ana, NoticeCode.TICKET, "b", kind="part_late")
    tell(world.ben, NoticeCode.TICKET, "c", kind="estimate_sent")
    assert not Message.objects.filter(kind=Kind.PUSH).exists()
    tell(world.ana, NoticeCode.TICKET, "d", kind="estimate_sent")
    tell(world.ana, NoticeCode.TICKET, "d", kind="estimate_sent")
    assert Message.objects.filter(kind=Kind.PUSH).count() == 1


def test_the_kinds_of_tickets_are_those_of_their_events() -> None:
    assert PUSHED_TICKET_NEWS.keys() <= {*EventKind.values, REMINDER}
    assert set(PUSHED_TICKET_NEWS.values()) == {PushKind.READY, PushKind.LATE, PushKind.ESTIMATE}


def test_what_has_been_read_meanwhile_is_not_pushed(
    world: World, phone: Client, service: Receiver, browser: Browser
) -> None:
    ask(phone, service, browser, PushKind.LEVEL)
    tell(world.ana, NoticeCode.LEVEL_UP)
    Notice.objects.update(read_at=timezone.now())
    assert deliver().state == State.CANCELLED
    assert not service.got


@each_row("status", [404, 410])
def test_a_browser_that_the_push_service_no_longer_knows_is_forgotten(
    world: World, phone: Client, service: Receiver, browser: Browser, status: int
) -> None:
    ask(phone, service, browser, PushKind.LEVEL)
    tell(world.ana, NoticeCode.LEVEL_UP)
    service.answer = answer(status)
    assert deliver().state == State.CANCELLED
    assert not PushSubscription.objects.exists()


@each_row("status, state", [(500, State.QUEUED), (429, State.QUEUED), (403, State.FAILED)])
def test_a_failure_that_may_pass_is_tried_again(phone: Client, service: Receiver, status: int, state: State) -> None:
    subscription = ask(phone, service, Browser(), PushKind.LEVEL)
    tell(subscription.device.user.member, NoticeCode.LEVEL_UP)
    service.answer = answer(status)
    assert deliver().state == state
    assert PushSubscription.objects.exists()


def test_a_slow_push_service_is_cut_off(world: World, phone: Client, service: Receiver, browser: Browser) -> None:
    ask(phone, service, browser, PushKind.LEVEL)
    tell(world.ana, NoticeCode.LEVEL_UP)
    service.wait = 2
    assert deliver().state == State.QUEUED


@each_row(
    "endpoint",
    ["", "x", "http://push.example/1", "https://127.0.0.1/1", "https://push.internal/1", "https://a:b@push.example/1"],
)
def test_addresses_in_our_own_network_are_refused(
    world: World, phone: Client, browser: Browser, settings: Settings, endpoint: str
) -> None:
    settings.WEBHOOKS_MAY_REACH_PRIVATE = False
    data = {"kinds": ["level"], "endpoint": endpoint, "p256dh": browser.p256dh, "auth": browser.auth}
    answered = phone.post("/profile/notifications/", data)
    assert answered.status_code == 422
    assert "gave us no address to send to" in answered.text
    assert not PushSubscription.objects.exists()


def test_a_name_that_leads_into_our_network_is_not_connected_to(
    world: World, phone: Client, service: Receiver, browser: Browser, settings: Settings
) -> None:
    ask(phone, service, browser, PushKind.LEVEL)
    PushSubscription.objects.update(endpoint=f"https://localhost:{service.port}/1")
    settings.WEBHOOKS_MAY_REACH_PRIVATE = False
    tell(world.ana, NoticeCode.LEVEL_UP)
    message = deliver()
    assert message.state == State.QUEUED and "not on the public internet" in message.answer
    assert not service.got


def test_no_keys_of_a_browser_are_refused_in_words(world: World, phone: Client, service: Receiver) -> None:
    data = {"kinds": ["level"], "endpoint": f"{service.url}/1", "p256dh": "x", "auth": "y"}
    assert phone.post("/profile/notifications/", data).status_code == 422


# --- When they end ---


def test_signing_out_ends_them_on_this_device(world: World, phone: Client, service: Receiver, browser: Browser) -> None:
    ask(phone, service, browser, PushKind.LEVEL)
    phone.post("/accounts/logout/")
    assert not PushSubscription.objects.exists()


def test_signing_the_device_out_from_another_ends_them(
    world: World, phone: Client, service: Receiver, browser: Browser
) -> None:
    ask(phone, service, browser, PushKind.LEVEL)
    device = Device.objects.get(session_key=phone.session.session_key)
    actions.end_session(user=world.ana.user, device=device.pk)
    assert not PushSubscription.objects.exists()


def test_nothing_is_sent_once_the_session_has_ended(
    world: World, phone: Client, service: Receiver, browser: Browser
) -> None:
    ask(phone, service, browser, PushKind.LEVEL)
    tell(world.ana, NoticeCode.LEVEL_UP)
    phone.session.delete()
    assert deliver().state == State.CANCELLED
    assert not service.got


def test_another_account_in_the_same_browser_takes_the_address_over(
    world: World, phone: Client, service: Receiver, browser: Browser
) -> None:
    ask(phone, service, browser, PushKind.LEVEL)
    other = Client()
    other.post("/accounts/login/", {"login": world.ben.user.email, "password": PASSWORD})
    assert ask(other, service, browser, PushKind.LATE).device.user == world.ben.user


def test_choosing_nothing_ends_them(world: World, phone: Client, service: Receiver, browser: Browser) -> None:
    ask(phone, service, browser, PushKind.LEVEL, PushKind.POINTS)
    shown = re.findall(r'value="(\w+)"[^>]*checked', phone.get("/profile/notifications/").text)
    assert shown == ["points", "level"]
    assert phone.post("/profile/notifications/", {}).status_code == 302
    assert not PushSubscription.objects.exists()


def test_a_browser_that_is_not_signed_in_is_no_device(world: World, service: Receiver, browser: Browser) -> None:
    keys = {"endpoint": f"{service.url}/1", "p256dh": browser.p256dh, "auth": browser.auth}
    with pytest.raises(Refusal, match="known"):
        actions.subscribe(user=world.ana.user, session_key="x", kinds=[PushKind.LEVEL], at=timezone.now(), **keys)


# --- Where they are not set up ---


def test_without_a_key_they_are_not_offered(world: World, phone: Client, settings: Settings) -> None:
    assert "/profile/notifications/" in phone.get("/profile/").text
    settings.PUSH_PRIVATE_KEY = ""
    assert "/profile/notifications/" not in phone.get("/profile/").text
    assert phone.get("/profile/notifications/").status_code == 404
    tell(world.ana, NoticeCode.LEVEL_UP)
    assert not Message.objects.filter(kind=Kind.PUSH).exists()


def test_the_command_prints_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_push_key")
    assert web_push.public_key(capsys.readouterr().out.strip())


def test_staff_see_who_is_told_but_not_where(
    world: World, phone: Client, service: Receiver, browser: Browser, admin_client: Client
) -> None:
    row = ask(phone, service, browser, PushKind.LEVEL)
    page = Client()
    root = User.objects.create_superuser("root@example.org", PASSWORD)
    page.force_login(root)
    assert row.endpoint not in page.get(f"/admin/members/pushsubscription/{row.pk}/change/").text


def test_each_kind_has_a_box_beside_its_name(phone: Client) -> None:
    page = phone.get("/profile/notifications/").text
    boxes = re.findall(r'<label class="check" for="id_kinds_\d"><input type="checkbox"[^>]*><span>([^<]+)</span>', page)
    assert boxes == [str(kind.label) for kind in PushKind]
