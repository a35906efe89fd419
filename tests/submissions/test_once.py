"""A form with a token takes effect once: the same form again gets the first answer (R71)."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.submissions import tokens
from cps_portal.core.submissions.models import Submission
from cps_portal.site.retention import delete_all
from members.offers.models import WelcomePack
from members.support.models import Case, CaseMessage
from servicing.models import Ticket, TicketMessage
from tests.files.samples import jpeg
from tests.rows import each_row
from tests.submissions import stage
from tests.submissions.pages import Data, open_form, send, type_in
from tests.submissions.stage import TypedForm
from tests.world import World

Build = Callable[[World], TypedForm]
CREATING: list[tuple[Build, type, dict[str, list[str]]]] = [
    (stage.contact, Case, {}),
    (stage.contact_about_a_product, Case, {}),
    (stage.visitor_contact, Case, {}),
    (stage.case_reply, CaseMessage, {}),
    (stage.visitor_reply, CaseMessage, {}),
    (stage.appeal, Case, {}),
    (stage.ticket_message, TicketMessage, {}),
    (stage.service_request, Ticket, stage.SHIPPING),
    (stage.welcome_pack, WelcomePack, {"go": ["confirm"]}),
]


def client_of(form: TypedForm) -> Client:
    client = Client()
    if form.user:
        client.force_login(form.user)
    return client


def complete(client: Client, form: TypedForm, more: dict[str, list[str]]) -> Data:
    return {**type_in(client, form), **more}


@each_row(("build", "model", "more"), CREATING)
def test_the_same_form_twice_is_one_and_gets_the_first_answer(
    world: World, build: Build, model: type, more: dict[str, list[str]]
) -> None:
    form = build(world)
    client = client_of(form)
    data = complete(client, form, more)
    before = model.objects.count()  # type: ignore[attr-defined]
    first, second = send(client, form, data), send(client, form, data)
    assert first.status_code == second.status_code == 302, first.text
    assert first["Location"] == second["Location"]
    assert model.objects.count() == before + 1  # type: ignore[attr-defined]


@each_row("build", [stage.contact, stage.case_reply, stage.visitor_reply, stage.ticket_message])
def test_another_text_with_the_same_token_is_a_new_one(world: World, build: Build) -> None:
    """Going back, correcting and sending again."""
    form = build(world)
    client = client_of(form)
    data = type_in(client, form)
    models = (Case, CaseMessage, TicketMessage)
    before = [model.objects.count() for model in models]
    send(client, form, data)
    once = [model.objects.count() for model in models]
    send(client, form, {**data, "text": ["Corrected"]})
    twice = [model.objects.count() for model in models]
    assert [new - old for new, old in zip(twice, once, strict=True)] == [
        new - old for new, old in zip(once, before, strict=True)
    ]
    assert sum(twice) > sum(once)


def test_a_form_that_was_refused_can_be_corrected_and_sent_again_as_it_was(world: World) -> None:
    form = stage.contact(world)
    client = client_of(form)
    data = type_in(client, form)
    for _press in range(2):
        assert send(client, form, {**data, "subject": [""]}).status_code == 422
    assert not Submission.objects.exists()
    assert send(client, form, data).status_code == 302
    assert Case.objects.count() == 1


def test_a_refusal_does_not_replace_the_answer_that_was_given(world: World) -> None:
    form = stage.contact(world)
    client = client_of(form)
    data = type_in(client, form)
    first = send(client, form, data)
    assert send(client, form, {**data, "subject": [""]}).status_code == 422
    assert send(client, form, data)["Location"] == first["Location"]
    assert Case.objects.count() == 1


def test_the_messages_of_the_first_answer_are_shown_after_the_second_press(world: World) -> None:
    form = stage.case_reply(world)
    client = client_of(form)
    data = type_in(client, form)
    send(client, form, data)
    client.cookies.pop("messages")  # the browser has dropped the first answer
    page = client.post(form.action, data, follow=True).text
    assert page.count("Sent. We’ll reply here and by email.") == 1


def test_the_messages_are_not_shown_twice(world: World) -> None:
    form = stage.case_reply(world)
    client = client_of(form)
    data = type_in(client, form)
    send(client, form, data)
    assert client.post(form.action, data, follow=True).text.count("Sent. We’ll reply here and by email.") == 1


def test_a_form_with_files_but_without_javascript_is_one_too(world: World) -> None:
    form = stage.case_reply(world)
    client = client_of(form)
    data = type_in(client, form)
    answers = [
        client.post(form.action, {**data, "files": SimpleUploadedFile("a.jpg", jpeg())})["Location"] for _n in range(2)
    ]
    assert answers[0] == answers[1]
    assert CaseMessage.objects.count() == 2  # with the one that opened the case
    assert CaseMessage.objects.latest("pk").attachments.count() == 1


def test_the_token_of_one_account_does_nothing_for_another(world: World) -> None:
    form = stage.contact(world)
    data = type_in(client_of(form), form)
    other = Client()
    other.force_login(world.ben.user)
    assert send(other, form, data).status_code == 403
    assert Case.objects.count() == 0


@each_row("token", [None, "", "forged", "WzEsMl0:1abc:def"])
def test_a_form_without_a_token_of_ours_works_as_before(world: World, token: str | None) -> None:
    form = stage.contact(world)
    client = client_of(form)
    data = type_in(client, form)
    data = {name: values for name, values in data.items() if name != tokens.FIELD}
    more = {} if token is None else {tokens.FIELD: [token]}
    for _press in range(2):
        assert send(client, form, {**data, **more}).status_code == 302
    assert Case.objects.count() == 2
    assert not Submission.objects.exists()


def test_a_form_that_may_be_sent_twice_is_never_answered_from_the_record(world: World) -> None:
    form = stage.profile(world)
    client = client_of(form)
    data = type_in(client, form)
    for name in ("Anna", "Annika", "Anna"):
        assert send(client, form, {**data, "first_name": [name]}).status_code == 302
    world.ana.refresh_from_db()
    assert world.ana.first_name == "Anna"


def test_every_page_has_a_new_token(world: World) -> None:
    form = stage.contact(world)
    client = client_of(form)
    assert open_form(client, form)[tokens.FIELD] != open_form(client, form)[tokens.FIELD]
    for _visit in range(2):
        assert send(client, form, type_in(client, form)).status_code == 302
    assert Case.objects.count() == 2


def test_the_record_is_kept_for_a_day_and_does_not_contain_what_was_typed(world: World, settings: Settings) -> None:
    form = stage.contact(world)
    client = client_of(form)
    data = type_in(client, form)
    send(client, form, data)
    row = Submission.objects.get()
    assert (row.account, len(row.body_hash)) == (world.ana.user, 64)
    delete_all(label="submissions.Submission", at=timezone.now())
    assert Submission.objects.exists()
    Submission.objects.update(at=timezone.now() - settings.SUBMISSION_KEPT_FOR)
    delete_all(label="submissions.Submission", at=timezone.now())
    assert not Submission.objects.exists()


def test_an_effect_that_fails_leaves_no_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash after the first statement: the second press does it."""
    form = stage.contact(world)
    client = client_of(form)
    data = type_in(client, form)
    monkeypatch.setattr("django.contrib.messages.success", lambda *_args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send(client, form, data)
    assert (Case.objects.count(), Submission.objects.count()) == (0, 0)
    monkeypatch.undo()
    assert send(client, form, data).status_code == 302
    assert Case.objects.count() == 1
