"""Cases in the admin (R54, R58)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from kitbag.models import Registration
from members.support import actions
from members.support.enums import CaseKind, CaseState
from members.support.models import CannedAnswer, Case
from tests.admin.conftest import SignIn, as_support, staff
from tests.world import World

__all__ = ["as_support", "staff"]
LIST = "/admin/cases/case/"


@pytest.fixture
def case(world: World) -> Case:
    kit = Registration.objects.filter(member=world.ana).first()
    return actions.open_case(
        kind=CaseKind.KIT,
        subject="Grip",
        text="Where is it?",
        member=world.ana,
        by=world.ana.user,
        about=kit,
        at=timezone.now(),
    )


def url(case: Case) -> str:
    return f"{LIST}{case.pk}/change/"


def press(client: Client, case: Case, button: str, **data: Any) -> str:
    seen = client.get(url(case)).context["answer_form"]["seen"].value()
    answer = client.post(url(case), {"do": button, "seen": seen, **data}, follow=True)
    case.refresh_from_db()
    return answer.content.decode()


def test_the_queue_shows_what_is_due_first_and_what_is_late(as_support: Client, case: Case, world: World) -> None:
    late = actions.open_case(
        kind=CaseKind.CONTACT,
        subject="Late",
        text="?",
        member=world.ben,
        by=world.ben.user,
        at=timezone.now() - timedelta(days=30),
    )
    done = actions.open_case(
        kind=CaseKind.CONTACT, subject="Done", text="?", member=world.ben, by=world.ben.user, at=timezone.now()
    )
    actions.close(case=done, by=world.staff, at=timezone.now())

    def shown(query: str) -> list[Case]:
        return list(as_support.get(LIST + query).context["cl"].result_list)

    assert shown("") == [late, case]
    assert b"overdue" in as_support.get(LIST).content
    assert shown("?late=yes") == [late]
    assert shown("?turn=closed") == [done]
    assert shown("?kind__exact=kit") == [case]
    assert shown(f"?q={done.reference_in_groups.lower()}") == [done], "a search finds closed ones too"
    assert shown(f"?q={world.ana.number_in_groups}") == [case]
    assert shown("?taken=mine") == []


def test_an_agent_takes_answers_and_closes(as_support: Client, case: Case) -> None:
    page = as_support.get(url(case)).content.decode()
    assert f"/admin/kitbag/registration/{case.about_id}/change/" in page
    assert f"/admin/members/member/{case.member_id}/change/" in page
    assert "Assigned to you." in press(as_support, case, "take")
    assert as_support.get(f"{LIST}?taken=mine").context["cl"].result_count == 1
    assert "Note added." in press(as_support, case, "note", note="She called.")
    assert "Answered." in press(as_support, case, "answer", text="In the post.", asks="on")
    assert case.state == CaseState.WAITING
    assert "Closed." in press(as_support, case, "close", notify="on")
    page = press(as_support, case, "answer", text="One more thing.")
    assert "This case is closed." in page and "One more thing." in page
    assert "Reopened." in press(as_support, case, "reopen")
    assert "Assigned to nobody." in press(as_support, case, "assign", to="")
    told = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(told) == ["Assigned to you.", "Note added.", "Answered.", "Closed.", "Reopened.", "Assigned to nobody."]


def test_a_canned_answer_is_inserted_below_the_text_typed_so_far(as_support: Client, case: Case) -> None:
    canned = CannedAnswer.objects.create(title="Post", text="Hello {name}, about {reference}: {wait}")
    CannedAnswer.objects.create(title="Post", language="fr", text="Bonjour")
    page = press(as_support, case, "insert", canned=canned.pk, text="Typed.")
    assert f"Typed.\n\nHello Ana, about {case.reference_in_groups}: {{wait}}" in page
    assert "Bonjour" not in page
    assert "Choose a canned answer" in press(as_support, case, "insert", canned="x\x00", text="Typed.")
    assert case.messages.count() == 1


def test_a_new_message_has_to_be_read_before_answering(as_support: Client, case: Case, world: World) -> None:
    seen = as_support.get(url(case)).context["answer_form"]["seen"].value()
    actions.write_message(case=case, text="Found it!", by=world.ana.user, at=timezone.now())
    answer = as_support.post(url(case), {"do": "answer", "seen": seen, "text": "It is lost."})
    assert "There is a new message" in answer.content.decode() and "It is lost." in answer.content.decode()
    again = answer.context["answer_form"]["seen"].value()
    assert as_support.post(url(case), {"do": "answer", "seen": again, "text": "Good."}).status_code == 302


def test_an_assigned_case_and_invalid_input_show_errors_at_the_answer(
    as_support: Client, case: Case, world: World
) -> None:
    actions.take(case=case, by=world.staff, at=timezone.now())
    assert "A colleague is working on" in press(as_support, case, "answer", text="Mine.")
    assert "Mine." in press(as_support, case, "answer", text="Mine.")
    assert "Type an answer" in press(as_support, case, "answer", text="")
    assert "can’t be printed" in press(as_support, case, "answer", text="a\x00b")
    assert "Type a note." in press(as_support, case, "note", note=" ")
    assert as_support.post(url(case), {"do": "assign", "to": "999999"}).status_code == 200
    assert as_support.post(url(case), {"do": "dance"}).status_code == 200
    assert case.messages.count() == 1


def test_only_staff_with_the_permission_can_answer(staff: SignIn, case: Case) -> None:
    assert staff("Centre").get(url(case)).status_code == 403
    programme = staff("Programme")
    assert programme.get(url(case)).status_code == 403
    assert programme.post(url(case), {"do": "take"}).status_code == 403
    assert programme.get("/admin/cases/cannedanswer/").status_code == 200
