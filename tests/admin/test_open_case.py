"""Staff open a case for a member, or for somebody without an account (R54, R58)."""

from django.test import Client
from django.urls import reverse

from cps_portal.core.outbox.models import Message
from members.models import Notice
from members.support.models import Case
from tests.admin.conftest import SignIn
from tests.mails import rendered
from tests.rows import each_row
from tests.world import World

VISITOR = {"name": "Vera Visitor", "email": "vera@example.org", "language": "en"}
TYPED = {"kind": "kit", "subject": "Your lens", "text": "Which number is on it?", "turn": "they"}
FOR_VISITORS = "/admin/cases/case/open/"


def page_for(world: World) -> str:
    return reverse("admin:open_case_for", args=[world.ana.pk])


def test_a_case_for_a_member_waits_for_them_and_tells_them(world: World, as_support: Client) -> None:
    assert "Nothing is done yet" in as_support.get(page_for(world)).content.decode()
    answer = as_support.post(page_for(world), TYPED)
    case = Case.objects.get()
    assert answer.url == reverse("admin:cases_case_change", args=[case.pk])  # type: ignore[attr-defined]
    assert (case.member, case.state, case.due_at) == (world.ana, "waiting", None)
    assert Notice.objects.filter(member=world.ana, code="case_asked").exists()
    assert "Which number is on it?" in rendered(Message.objects.get(key__startswith="case-"))["text"]


def test_a_case_that_we_look_into_is_ours_and_the_person_has_our_words(world: World, as_support: Client) -> None:
    as_support.post(page_for(world), {**TYPED, "turn": "we", "text": "We look for your parcel."})
    case = Case.objects.get()
    assert (case.state, case.due_at is None) == ("open", False)
    mail = rendered(Message.objects.get(key__startswith="case-"))
    assert "We look for your parcel." in mail["text"]
    assert "We’ve received your message" not in mail["text"]


def test_a_case_for_a_visitor_is_answered_by_the_link_in_the_mail(as_support: Client, world: World) -> None:
    as_support.post(FOR_VISITORS, {**TYPED, **VISITOR})
    case = Case.objects.get()
    assert (case.member, case.visitor_name, case.state) == (None, "Vera Visitor", "waiting")
    assert f"/contact/case/{case.access_token}/" in rendered(Message.objects.get(to="vera@example.org"))["text"]


@each_row(
    "field, value",
    [
        ("kind", ""),
        ("kind", "claim"),
        ("subject", ""),
        ("subject", "x" * 121),
        ("subject", "\x00"),
        ("text", " "),
        ("text", "\u200b"),
        ("text", "x" * 5001),
        ("turn", "nobody"),
        ("name", ""),
        ("name", "www.example.org"),
        ("email", "nobody"),
        ("email", "ANA@example.org"),
        ("language", "xx"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(world: World, as_support: Client, field: str, value: str) -> None:
    answer = as_support.post(FOR_VISITORS, {**TYPED, **VISITOR, field: value})
    assert answer.status_code == 200
    assert answer.context["form"].errors[field]
    assert not Case.objects.exists()


def test_only_who_answers_cases_opens_them(world: World, staff: SignIn) -> None:
    for group, status in {"Programme": 403, "Centre": 403, "": 403, "Support": 200}.items():
        client = staff(group)
        for address in (FOR_VISITORS, page_for(world)):
            assert client.get(address).status_code == status, (group, address)
            if status == 403:
                assert client.post(address, {**TYPED, **VISITOR}).status_code == 403
    assert not Case.objects.exists()


def test_no_case_is_opened_for_an_account_that_is_closed_or_not_there(world: World, as_support: Client) -> None:
    world.ana.closed_at = world.ana.joined_at
    world.ana.save()
    assert as_support.get(page_for(world)).status_code == 404
    assert as_support.get(reverse("admin:open_case_for", args=[99])).status_code == 404
