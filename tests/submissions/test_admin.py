"""Forms of staff: pressed twice they take effect once, and what was typed survives an ended session (R71)."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from kitbag.models import Adjustment
from members.models import User
from members.support import actions as cases
from members.support.enums import CaseKind
from members.support.models import CannedAnswer, Case, CaseMessage
from tests.admin.conftest import signed_in
from tests.factories import UserFactory
from tests.files.samples import jpeg, upload
from tests.submissions.pages import FormReader, end_session, kept_line
from tests.world import World


@pytest.fixture
def agent(world: World) -> User:
    return UserFactory(email="agent@example.org", is_staff=True, is_superuser=True)


@pytest.fixture
def case(world: World) -> Case:
    ask = {"kind": CaseKind.KIT, "subject": "S", "text": "T", "member": world.ana, "by": world.ana.user}
    return cases.open_case(**ask, at=timezone.now())


def form_with(client: Client, url: str, field: str) -> dict[str, Any]:
    """The form of the page that has this field."""
    return next(data for _action, data in FormReader(client.get(url).text).forms if field in data)


def press_twice(client: Client, url: str, data: dict[str, Any]) -> None:
    answers = [client.post(url, data) for _press in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302], answers[0].text
    assert answers[0]["Location"] == answers[1]["Location"]


def test_an_answer_and_a_note_pressed_twice_are_one_each(agent: User, case: Case) -> None:
    client, url = signed_in(agent), f"/admin/cases/case/{case.pk}/change/"
    press_twice(client, url, {**form_with(client, url, "text"), "text": "Mind the strap", "to": "note", "do": "answer"})
    press_twice(client, url, {**form_with(client, url, "text"), "text": "In the post", "do": "answer"})
    assert list(CaseMessage.objects.order_by("pk").values_list("text", flat=True)) == [
        "T",
        "Mind the strap",
        "In the post",
    ]


def test_an_answer_with_a_file_but_without_javascript_is_one_too(agent: User, case: Case) -> None:
    client, url = signed_in(agent), f"/admin/cases/case/{case.pk}/change/"
    data = {**form_with(client, url, "text"), "text": "Here it is", "do": "answer"}
    answers = [client.post(url, {**data, "files": upload(jpeg())}) for _press in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302], answers[1].text
    assert answers[0]["Location"] == answers[1]["Location"] == url
    (message,) = CaseMessage.objects.filter(text="Here it is")
    assert message.attachments.count() == 1
    assert client.get(url).text.count("Answered.") == 1


def test_an_answer_with_a_file_that_crosses_with_a_new_message_can_be_sent_again(
    agent: User, case: Case, world: World
) -> None:
    client, url = signed_in(agent), f"/admin/cases/case/{case.pk}/change/"
    data = {**form_with(client, url, "text"), "text": "Here it is", "do": "answer"}
    cases.write_message(case=case, text="One more thing", by=world.ana.user, at=timezone.now())
    page = client.post(url, {**data, "files": upload(jpeg())})
    assert "There is a new message" in page.text
    shown = next(values for _action, values in FormReader(page.text).forms if "text" in values)
    press_twice(client, url, {**shown, "do": "answer"})
    assert CaseMessage.objects.get(text="Here it is").attachments.count() == 1


def test_a_row_added_twice_in_the_admin_is_one(agent: User) -> None:
    client, url = signed_in(agent), "/admin/cases/cannedanswer/add/"
    press_twice(client, url, {**form_with(client, url, "title"), "title": "Hello", "text": "Hello there"})
    assert CannedAnswer.objects.filter(title="Hello").count() == 1


def test_an_adjustment_pressed_twice_is_one(agent: User, world: World) -> None:
    client, url = signed_in(agent), f"/admin/kitbag/adjustment/give/{world.ana.pk}/"
    typed = {"points": "50", "reason": "A kind gesture", "expires_on": ""}
    data = {**form_with(client, url, "points"), **typed}
    preview = client.post(url, data)
    if preview.status_code == 200:
        shown = next(values for _action, values in FormReader(preview.text).forms if "points" in values)
        data = {**shown, **typed}
    press_twice(client, url, data)
    assert Adjustment.objects.count() == 1


def test_what_staff_typed_is_there_after_signing_in_again(agent: User, case: Case) -> None:
    client, url = signed_in(agent), f"/admin/cases/case/{case.pk}/change/"
    data = {**form_with(client, url, "text"), "text": "A long answer", "do": "answer"}
    end_session(client)
    assert client.post(url, data)["Location"].startswith("/accounts/login/?next=%2Fadmin%2Fcases")
    client.cookies["sessionid"] = signed_in(agent).cookies["sessionid"].value
    assert kept_line(client.get(url))
    assert form_with(client, url, "text")["text"] == ["A long answer"]
    assert CaseMessage.objects.count() == 1
