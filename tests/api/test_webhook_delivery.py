"""What a partner sees of what it is told, tests, hears again and ends; a real receiver on loopback (R38, R55)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import WebhookVerificationError

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Attempt, EndpointSecret, WebhookEndpoint
from tests.api.machines import Machine, machine
from tests.partners.conftest import no_broker, quiet, receiver
from tests.partners.receiver import OK, Receiver, answer

__all__ = ["no_broker", "quiet", "receiver"]
TYPE = "sale.matched"
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Machine:
    return machine("shop", PartnerKind.RETAILER)


@pytest.fixture
def hook(shop: Machine, receiver: Receiver) -> tuple[str, str]:
    """Its address in the API, and its secret."""
    said = shop.post("webhook-endpoints", {"url": receiver.url, "types": [TYPE]}).json()
    return f"webhook-endpoints/{said['endpoint']['id']}", said["secret"]


def tell(shop: Machine, number: int = 1) -> list[Message]:
    with transaction.atomic():
        return actions.enqueue_webhook(
            partner=shop.partner,
            type=TYPE,
            key=f"sale-{number}",
            subject="sales/1",
            sequence=number,
            renderer="tests.sum_up",
            at=timezone.now(),
            sale=number,
        )


def one(shop: Machine, path: str) -> dict[str, object]:
    (found,) = shop.get(path).json()["results"]
    return dict(found)


def test_what_failed_is_seen_with_its_answer_and_replayed_under_the_same_id(
    shop: Machine, hook: tuple[str, str], receiver: Receiver
) -> None:
    path, secret = hook
    (message,) = tell(shop)
    waits = one(shop, f"{path}/messages")
    assert (waits["message"], waits["type"], waits["subject"], waits["sequence"]) == ("sale-1", TYPE, "sales/1", 1)
    assert (waits["state"], waits["attempts"], waits["sent_at"]) == ("queued", 0, None)
    receiver.answer = answer(503, b"closed")
    assert not outbox.deliver(message.pk)
    tried = one(shop, f"{path}/attempts")
    assert (tried["message"], tried["status"], tried["answer"]) == ("sale-1", 503, "closed")
    assert shop.get(path).json()["failing_since"]
    receiver.answer = OK
    replay = f"{path}/messages/{message.pk}/replay"
    assert [shop.post(replay, {}, key="k").status_code for _ in range(2)] == [200, 200]
    assert outbox.deliver(message.pk)
    assert one(shop, f"{path}/messages")["state"] == "sent"
    assert shop.post(replay, {}).status_code == 200  # what was acknowledged is sent once more too
    assert outbox.deliver(message.pk)
    assert [got.headers["webhook-id"] for got in receiver.got] == ["sale-1"] * 3
    assert all(got.verify(secret)["data"]["facts"] == {"sale": 1} for got in receiver.got)
    assert [row["status"] for row in shop.get(f"{path}/attempts").json()["results"]] == [200, 200, 503]
    assert shop.get(path).json()["failing_since"] is None


def test_lists_come_in_pages_the_latest_first(shop: Machine, hook: tuple[str, str]) -> None:
    for number in range(3):
        for message in tell(shop, number):
            outbox.deliver(message.pk)
    for what in ("messages", "attempts"):
        first = shop.get(f"{hook[0]}/{what}?limit=2").json()
        last = shop.get(f"{hook[0]}/{what}?limit=2&cursor={first['next']}").json()
        assert [row["message"] for row in first["results"] + last["results"]] == ["sale-2", "sale-1", "sale-0"]
        assert last["next"] is None


def test_a_test_arrives_signed_whatever_events_are_wanted(
    shop: Machine, hook: tuple[str, str], receiver: Receiver
) -> None:
    path, secret = hook
    said = shop.post(f"{path}/ping", {})
    assert (said.status_code, said.json()["type"], said.json()["state"]) == (202, "endpoint.test", "queued")
    assert shop.post(f"{path}/ping", {}).json()["id"] == said.json()["id"]  # one waits: no second one
    assert outbox.deliver(said.json()["id"])
    (got,) = receiver.got
    body = got.verify(secret)
    assert (body["type"], body["subject"], body["data"]) == ("endpoint.test", path, {"endpoint": int(path[18:])})
    assert (one(shop, f"{path}/attempts")["status"], one(shop, f"{path}/messages")["state"]) == (200, "sent")
    with pytest.raises(WebhookVerificationError):
        got.verify("whsec_" + "A" * 43 + "=")
    shop.post(f"{path}/suspend", {"reason": "We move."})
    assert (refused := shop.post(f"{path}/ping", {})).status_code == 409
    assert refused.json()["code"] == "suspended"


def test_a_test_is_tried_at_once_also_where_others_failed(
    shop: Machine, hook: tuple[str, str], receiver: Receiver
) -> None:
    receiver.answer = answer(500)
    (message,) = tell(shop)
    outbox.deliver(message.pk)
    receiver.answer = OK
    assert outbox.deliver(shop.post(f"{hook[0]}/ping", {}).json()["id"])
    assert shop.get(hook[0]).json()["failing_since"] is None


def test_a_deleted_endpoint_gets_nothing_and_its_secrets_are_refused_but_staff_still_see_it(
    shop: Machine, hook: tuple[str, str], receiver: Receiver
) -> None:
    path, _secret = hook
    (first,) = tell(shop, 1)
    outbox.deliver(first.pk)
    (waiting,) = tell(shop, 2)
    (on_its_way,) = tell(shop, 3)
    way = Message.objects.filter(pk=on_its_way.pk)
    way.update(state=State.SENDING, claim=uuid4(), next_at=timezone.now() + timedelta(minutes=1))
    gone = shop.ask("DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    again = [
        shop.ask("DELETE", path),
        shop.get(path),
        shop.get(f"{path}/attempts"),
        shop.get(f"{path}/messages"),
        shop.post(f"{path}/ping", {}),
        shop.post(f"{path}/messages/{first.pk}/replay", {}),
    ]
    assert [one.status_code for one in again] == [404] * 6
    assert shop.get("webhook-endpoints").json()["results"] == []
    assert actions.partner_secrets(partner=shop.partner, at=timezone.now()) == []
    assert tell(shop, 4) == []
    waiting.refresh_from_db()
    assert (waiting.state, waiting.answer, waiting.next_at) == (State.CANCELLED, "its endpoint was deleted", None)
    way.update(state=State.QUEUED, claim=None, next_at=timezone.now())  # it failed
    assert not outbox.deliver(on_its_way.pk)
    on_its_way.refresh_from_db()
    assert (on_its_way.state, on_its_way.answer) == (State.CANCELLED, "its endpoint was deleted")
    assert len(receiver.got) == 1
    row = WebhookEndpoint.objects.get()
    assert (Attempt.objects.filter(endpoint=row).count(), EndpointSecret.objects.filter(endpoint=row).count()) == (1, 1)
    history = WebhookEndpoint.pgh_event_model.objects.order_by("pgh_id").last()  # type: ignore[attr-defined]
    assert (history.ended_at, history.pgh_context.metadata["partner"]) == (row.ended_at, "shop")
    for act in (actions.resume_endpoint, actions.ping_endpoint, actions.delete_endpoint, actions.rotate_secret):
        with pytest.raises(Refusal) as refusal:
            act(endpoint=row, by=None, at=timezone.now())
        assert refusal.value.code == "deleted"


def test_a_deleted_address_can_be_added_again_once_with_a_new_secret(
    shop: Machine, hook: tuple[str, str], receiver: Receiver
) -> None:
    path, old = hook
    said = {"url": receiver.url}
    assert shop.post("webhook-endpoints", said).json()["code"] == "url"
    shop.ask("DELETE", path)
    anew = shop.post("webhook-endpoints", said)
    assert (anew.status_code, anew.json()["secret"] == old) == (201, False)
    with pytest.raises(IntegrityError), transaction.atomic():
        WebhookEndpoint.objects.create(partner=shop.partner, url=receiver.url, since=timezone.now())


def test_there_are_so_many_endpoints_and_no_more(shop: Machine, settings: Settings) -> None:
    settings.WEBHOOK_MAX_ENDPOINTS = 2
    urls = [f"https://shop.example/{number}" for number in range(3)]
    made = [shop.post("webhook-endpoints", {"url": url}) for url in urls]
    assert [answer.status_code for answer in made] == [201, 201, 409]
    assert made[2].json()["code"] == "many"
    shop.ask("DELETE", f"webhook-endpoints/{made[0].json()['endpoint']['id']}")
    assert shop.post("webhook-endpoints", {"url": urls[2]}).status_code == 201
    other = machine("other", PartnerKind.RETAILER)
    assert other.post("webhook-endpoints", {"url": urls[2]}).status_code == 201
