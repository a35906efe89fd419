"""Attachments of cases (R25, R58)."""

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.core.files.models import StoredFile
from members.support import actions
from members.support.models import Case, CaseAttachment
from tests.admin.conftest import SignIn, as_support, staff
from tests.files import samples
from tests.world import World

__all__ = ["as_support", "staff"]
CONTACT = "/contact/"
WORDS = {"kind": "kit", "subject": "Grip", "text": "Look."}


@pytest.fixture
def case(world: World) -> Case:
    return actions.open_case(
        kind="kit",
        subject="Grip",
        text="?",
        member=world.ana,
        by=world.ana.user,
        at=timezone.now(),
    )


def desk(case: Case) -> str:
    return f"/admin/cases/case/{case.pk}/change/"


def answer(client: Client, case: Case, **data: object) -> str:
    seen = client.get(desk(case)).context["answer_form"]["seen"].value()
    sent = {"do": "answer", "seen": seen, "text": "Here.", **data}
    return client.post(desk(case), sent, follow=True).content.decode()


def test_a_member_attaches_and_support_opens_it(
    as_ana: Client, as_ben: Client, as_support: Client, staff: SignIn
) -> None:
    assert as_ana.post(CONTACT, {**WORDS, "files": samples.upload(samples.jpeg())}).status_code == 302
    url = CaseAttachment.objects.get().file.get_absolute_url()
    case = Case.objects.get()
    assert url in as_ana.get(case.get_absolute_url()).content.decode()
    assert url in as_support.get(desk(case)).content.decode()
    assert (as_ana.get(url).status_code, as_support.get(url).status_code) == (200, 200)
    assert (as_ben.get(url).status_code, staff().get(url).status_code) == (404, 404)
    assert Client().get(url).status_code == 302


def test_an_error_in_another_field_loses_no_file(case: Case, as_ana: Client) -> None:
    for url, wrong in [(CONTACT, {**WORDS, "text": ""}), (case.get_absolute_url(), {"text": ""})]:
        page = as_ana.post(url, {**wrong, "files": samples.upload(samples.pdf(), "r.pdf")})
        key = StoredFile.objects.latest("pk").key
        assert f'name="files_keys" value="{key}"' in page.content.decode()
        assert page.status_code == 422
        as_ana.post(url, {**WORDS, "files_keys": [key]})
        assert CaseAttachment.objects.latest("pk").file.key == key


def test_a_bad_file_is_shown_at_the_field_and_nothing_is_sent(case: Case, as_ana: Client, as_support: Client) -> None:
    for url in (CONTACT, case.get_absolute_url()):
        page = as_ana.post(url, {**WORDS, "files": samples.upload(b"MZ", "a.exe")})
        assert page.context["form"].errors["files"]
        assert as_ana.post(url, {**WORDS, "files_keys": ["not-there"]}).context["form"].errors["files"]
    assert (Case.objects.count(), case.messages.count()) == (1, 1)
    assert "a.exe" in answer(as_support, case, files=samples.upload(b"MZ", "a.exe"))
    assert case.messages.count() == 1


def test_only_the_member_can_open_what_support_attached(
    world: World, case: Case, as_ana: Client, as_ben: Client, as_support: Client
) -> None:
    assert "Answered." in answer(as_support, case, files=samples.upload(samples.jpeg()))
    url = CaseAttachment.objects.get().file.get_absolute_url()
    assert url in as_ana.get(case.get_absolute_url()).content.decode()
    assert (as_ana.get(url).status_code, as_ben.get(url).status_code) == (200, 404)
    CaseAttachment.objects.get().message.case.messages.filter(author="staff").update(internal=True)
    assert as_ana.get(url).status_code == 404, "an internal note is for staff"


def test_inserting_a_canned_answer_or_a_new_message_keeps_the_files(case: Case, as_support: Client) -> None:
    page = answer(as_support, case, do="insert", files=samples.upload(samples.jpeg()))
    key = StoredFile.objects.get().key
    assert f'value="{key}"' in page
    page = answer(as_support, case, seen="0", files_keys=[key])
    assert "There is a new message" in page
    assert f'value="{key}"' in page


def test_a_visitor_cannot_attach_files(visited: Case) -> None:
    assert b'type="file"' not in Client().get(CONTACT).content
    assert visited.access_token
    page = Client().post(visited.get_absolute_url(), {"text": "Hi", "files": samples.upload(samples.jpeg())})
    assert page.status_code == 302
    assert not StoredFile.objects.exists()


def test_erasing_a_case_erases_its_attachments(case: Case, as_ana: Client, as_support: Client) -> None:
    as_ana.post(case.get_absolute_url(), {"text": "See", "files": samples.upload(samples.jpeg())})
    answer(as_support, case, files=samples.upload(samples.pdf(), "a.pdf"))
    actions.erase(case=case, at=timezone.now())
    assert StoredFile.objects.count() == 2
    assert not StoredFile.objects.kept().exists()
