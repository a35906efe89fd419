"""Two presses of one form at the same moment are one (R71)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from cps_portal.core.outbox.models import Message
from cps_portal.core.submissions.models import Submission
from kitbag.models import Appeal, Registration
from members.enums import Level
from members.models import Member
from members.offers.models import Offer, SignUp, WelcomePack
from members.support.models import Case, CaseMessage
from servicing.models import Ticket, TicketMessage
from tests.concurrency.threads import Background, together
from tests.submissions import stage
from tests.submissions.pages import Data, send, type_in
from tests.submissions.stage import TypedForm
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)


def sign_up(world: World) -> TypedForm:
    since = timezone.now() - timedelta(days=1)
    facts = {"title": "Evening", "levels": Level.values, "since": since, "state": "published", "places": 3}
    offer = Offer.objects.create(slug="evening", kind="special", **facts)
    return TypedForm(world.ana.user, offer.get_absolute_url(), offer.get_absolute_url(), {"do": ["sign_up"]})


def draft(world: World) -> TypedForm:
    typed = {"pick": [f"{world.grip.pk}.0"]}
    return TypedForm(world.ana.user, "/kitbag/add/?q=grip", "/kitbag/add/pick/", typed)


PRESSED_TWICE: list[tuple[Callable[[World], TypedForm], Any, Data]] = [
    (stage.contact, Case, {}),
    (stage.visitor_contact, Case, {}),
    (stage.case_reply, CaseMessage, {}),
    (stage.visitor_reply, CaseMessage, {}),
    (stage.appeal, Appeal, {}),
    (stage.ticket_message, TicketMessage, {}),
    (stage.service_request, Ticket, stage.SHIPPING),
    (stage.welcome_pack, WelcomePack, {"go": ["confirm"]}),
    (sign_up, SignUp, {}),
]


def presses(form: TypedForm, number: int) -> list[Client]:
    """The same browser, once for each press."""
    first = Client()
    if form.user:
        first.force_login(form.user)
    clients = [first]
    for _n in range(1, number):
        clients.append(Client())
        clients[-1].cookies = first.cookies.copy()  # type: ignore[assignment]
    return clients


def received_mails() -> set[str]:
    """Those that say that we have received something."""
    return set(Message.objects.filter(key__contains="received").values_list("key", flat=True))


@pytest.mark.parametrize(("build", "model", "more"), PRESSED_TWICE)
def test_three_presses_at_the_same_moment_are_one_with_one_answer(
    committed_world: World, build: Callable[[World], TypedForm], model: Any, more: Data
) -> None:
    form = build(committed_world)
    clients = presses(form, 3)
    data = {**type_in(clients[0], form), **more}
    before, mails = model.objects.count(), received_mails()
    answers = together(*(lambda client=client: send(client, form, data) for client in clients))
    assert {answer.status_code for answer in answers} == {302}, answers
    assert len({answer["Location"] for answer in answers}) == 1
    assert model.objects.count() == before + 1
    assert len(received_mails() - mails) <= 1


def test_a_draft_pressed_three_times_at_once_is_one(committed_world: World) -> None:
    form = draft(committed_world)
    clients = presses(form, 3)
    answers = together(*(lambda client=client: client.post(form.action, form.typed) for client in clients))
    assert {answer.status_code for answer in answers} == {302}
    assert Registration.objects.filter(product=committed_world.grip).count() == 1


def test_a_second_press_waits_for_the_first(committed_world: World) -> None:
    form = stage.welcome_pack(committed_world)
    clients = presses(form, 2)
    data = {**type_in(clients[0], form), "go": ["confirm"]}
    with transaction.atomic():
        Member.objects.select_for_update().get(pk=committed_world.ana.pk)  # the first press waits for this row
        first = Background(lambda: send(clients[0], form, data))
        assert first.is_waiting()
        second = Background(lambda: send(clients[1], form, data))
        assert second.is_waiting()
    assert first.finish()["Location"] == second.finish()["Location"]
    assert (WelcomePack.objects.count(), Submission.objects.count()) == (1, 1)


def test_if_the_first_press_is_refused_the_corrected_one_that_waited_is_accepted(committed_world: World) -> None:
    form = stage.contact(committed_world)
    clients = presses(form, 2)
    data = type_in(clients[0], form)
    refused, accepted = together(
        lambda: send(clients[0], form, {**data, "subject": [""]}), lambda: send(clients[1], form, data)
    )
    assert (refused.status_code, accepted.status_code) == (422, 302)
    assert Case.objects.count() == 1


def test_two_texts_with_one_token_are_two_messages(committed_world: World) -> None:
    """Sent, gone back, corrected and sent, before the first answer has come."""
    form = stage.case_reply(committed_world)
    clients = presses(form, 2)
    data = type_in(clients[0], form)
    answers = together(
        lambda: send(clients[0], form, {**data, "text": ["One"]}),
        lambda: send(clients[1], form, {**data, "text": ["Two"]}),
    )
    assert [answer.status_code for answer in answers] == [302, 302]
    assert set(CaseMessage.objects.order_by("pk").values_list("text", flat=True)[1:]) == {"One", "Two"}
