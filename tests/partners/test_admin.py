"""The desk makes endpoints, sees what became of everything, and starts it again."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions
from cps_portal.core.partners.models import EndpointSecret, Partner, WebhookEndpoint
from tests.admin.conftest import SignIn, as_root, staff
from tests.partners.conftest import TYPE, Announce
from tests.partners.receiver import Receiver, answer
from tests.rows import each_row

__all__ = ["as_root", "staff"]
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
pytestmark = pytest.mark.django_db


@pytest.fixture
def as_programme(staff: SignIn) -> Client:
    return staff("Programme")


FULL, THIN = {"version": 2, "payload": "full"}, {"version": 2, "payload": "thin"}


def page_of(endpoint: WebhookEndpoint) -> str:
    return reverse("admin:partners_webhookendpoint_change", args=[endpoint.pk])


def press(client: Client, endpoint: WebhookEndpoint, do: str, **fields: str) -> tuple[int, str]:
    url = reverse("admin:partners_webhookendpoint_operate", args=[endpoint.pk])
    found = client.post(url, {"do": do, **fields}, follow=True)
    return found.status_code, found.content.decode()


def test_a_secret_is_shown_once_when_it_is_made(as_programme: Client, house: Partner) -> None:
    add = reverse("admin:partners_webhookendpoint_add")
    form = {"partner": house.pk, "url": "https://hooks.example.org/cps", "types": [TYPE], **FULL}
    first = as_programme.post(add, form)
    (secret,) = SECRET.findall(first.content.decode())
    assert "no-store" in first["Cache-Control"]
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.types) == (form["url"], [TYPE])
    assert actions.live_secrets(endpoint=endpoint, at=timezone.now()) == [secret]
    again = as_programme.post(add, form)
    assert "This partner has this address already." in again.content.decode()
    status, text = press(as_programme, endpoint, "rotate")
    (new,) = SECRET.findall(text)
    assert (status, new != secret, EndpointSecret.objects.count()) == (200, True, 2)
    assert "An older secret is still valid" in press(as_programme, endpoint, "rotate")[1]
    assert not SECRET.search(as_programme.get(page_of(endpoint)).content.decode())


@each_row(
    ("url", "says"),
    [
        ("http://example.org/", "begins with https://"),
        ("https://127.0.0.1/", "private network"),
        ("https://a:b@example.org/", "without a user name"),
        ("nonsense", "Enter"),
    ],
)
def test_an_address_that_cannot_be_is_refused_beside_its_field(
    as_programme: Client, house: Partner, settings: Settings, url: str, says: str
) -> None:
    settings.WEBHOOKS_MAY_REACH_PRIVATE = False
    form = {"partner": house.pk, "url": url}
    found = as_programme.post(reverse("admin:partners_webhookendpoint_add"), form)
    assert says in str(found.context["adminform"].form.errors["url"])
    assert not WebhookEndpoint.objects.exists()


def test_support_sees_what_waits_and_why_and_starts_it_again(
    staff: SignIn,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    announce: Announce,
) -> None:
    client = staff("Support")
    receiver.answer = answer(503, b"<b>we are closed</b>")
    message = announce()
    outbox.deliver(message.pk)
    page = client.get(page_of(endpoint)).content.decode()
    assert "1 message waiting" in page
    listed = client.get(reverse("admin:outbox_message_changelist"), {"ordering_key": endpoint.ordering_key})
    assert listed.context["cl"].result_count == 1
    assert "&lt;b&gt;we are closed" in page
    assert "Create a new secret" not in page
    assert press(client, endpoint, "rotate")[0] == 403
    assert "Please give a reason" in press(client, endpoint, "suspend", reason=" ")[1]
    assert "Suspended since" in press(client, endpoint, "suspend", reason="They move house.")[1]
    assert "Resume it first" in press(client, endpoint, f"resend:{message.pk}")[1]
    press(client, endpoint, "resume")
    assert "is sent again" in press(client, endpoint, f"resend:{message.pk}")[1]
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.QUEUED, 0)
    assert LogEntry.objects.filter(object_id=str(endpoint.pk)).count() == 3
    for wrong in ("resend:x", f"resend:{10**30}", "resend:0"):
        assert press(client, endpoint, wrong)[0] == 404
    assert press(client, endpoint, "dance")[0] == 200


def test_only_messages_of_the_endpoint_are_sent_again_from_its_page(
    staff: SignIn,
    endpoint: WebhookEndpoint,
    announce: Announce,
) -> None:
    announce()
    Message.objects.update(ordering_key="endpoint-0")
    assert press(staff("Support"), endpoint, f"resend:{Message.objects.get().pk}")[0] == 404


def test_staff_with_view_permission_only_cannot_operate_an_endpoint(staff: SignIn, endpoint: WebhookEndpoint) -> None:
    client = staff("Centre")
    assert client.get(page_of(endpoint)).status_code == 403
    for do in ("suspend", "resume", "rotate", "rotate_at_once", "resend:1"):
        assert press(client, endpoint, do, reason="x")[0] == 403
    endpoint.refresh_from_db()
    assert endpoint.state == "active"


def test_the_wishes_of_an_endpoint_are_changed_on_its_page(as_programme: Client, endpoint: WebhookEndpoint) -> None:
    form = {"url": endpoint.url, "types": ["welcome_pack.cancelled"], **THIN}
    assert as_programme.post(page_of(endpoint), form).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.types, endpoint.version, endpoint.payload) == (["welcome_pack.cancelled"], 2, "thin")
    (made, changed) = WebhookEndpoint.pgh_event_model.objects.order_by("pgh_id")  # type: ignore[attr-defined]
    assert (made.types, changed.types) == ([], ["welcome_pack.cancelled"])


def test_thin_webhooks_of_the_first_version_are_refused_beside_the_field(
    as_programme: Client, endpoint: WebhookEndpoint
) -> None:
    form = {"url": endpoint.url, "types": [], **THIN, "version": 1}
    found = as_programme.post(page_of(endpoint), form)
    assert "need version 2" in str(found.context["adminform"].form.errors["payload"])
    assert 'value="thin" selected' in found.content.decode()


def test_the_newest_version_is_proposed_for_a_new_endpoint(as_programme: Client) -> None:
    page = as_programme.get(reverse("admin:partners_webhookendpoint_add")).content.decode()
    assert '<option value="2" selected' in page


def test_staff_send_a_test_and_read_on_the_page_how_it_went(
    staff: SignIn, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    client = staff("Support")
    assert "is being sent" in press(client, endpoint, "ping")[1]
    assert outbox.deliver(Message.objects.get().pk)
    assert receiver.got[0].headers["webhook-id"].startswith(f"endpoint-test-{endpoint.pk}-")
    assert f"endpoint-test-{endpoint.pk}-" in client.get(page_of(endpoint)).content.decode()
    assert press(client, endpoint, "end")[0] == 403


def test_what_staff_delete_stays_to_be_read(
    as_programme: Client, endpoint: WebhookEndpoint, receiver: Receiver, announce: Announce
) -> None:
    message = announce()
    assert "Nothing is sent there any more." in press(as_programme, endpoint, "end")[1]
    message.refresh_from_db()
    assert (message.state, message.answer) == (State.CANCELLED, "its endpoint was deleted")
    page = as_programme.get(page_of(endpoint)).content.decode()
    assert endpoint.url in page
    assert not re.search(r'name="(do|url)"', page)
    for do in ("rotate", "end"):
        assert press(as_programme, endpoint, do)[0] == 403
    for do in ("ping", "resume", f"resend:{message.pk}"):
        assert "deleted" in press(as_programme, endpoint, do)[1]
    add = reverse("admin:partners_webhookendpoint_add")
    form = {"partner": endpoint.partner_id, "url": endpoint.url, "types": [], **FULL}
    assert SECRET.search(as_programme.post(add, form).content.decode())


def test_more_than_the_maximum_of_addresses_is_refused_at_the_field(
    as_programme: Client, endpoint: WebhookEndpoint, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ENDPOINTS = 1
    form = {"partner": endpoint.partner_id, "url": "https://hooks.example.org/2"}
    found = as_programme.post(reverse("admin:partners_webhookendpoint_add"), form)
    assert "Delete one" in str(found.context["adminform"].form.errors["url"])
