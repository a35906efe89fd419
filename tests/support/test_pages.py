"""The contact form and the conversation, for members and visitors (R58)."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.core.outbox.models import Message
from kitbag.models import Registration
from members.models import User
from members.support import actions
from members.support.models import MAX_TEXT_LENGTH, Case
from tests.mails import rendered
from tests.queries import SNAPSHOT_QUERIES
from tests.support.conftest import MONDAY
from tests.world import World

GOOD = {"kind": "contact", "subject": "A lens", "text": "First line\r\nSecond line"}
AS_VISITOR = {**GOOD, "name": "Vera Visitor", "email": "vera@example.org", "website": ""}


def page(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


# --- Writing to us -------------------------------------------------------------------------------


def test_a_member_opens_a_case_and_continues_the_conversation(world: World, as_ana: Client, agent: User) -> None:
    asked = as_ana.get("/contact/")
    assert "We aim to reply within 8 working hours." in page(asked)
    assert 'name="email"' not in page(asked)
    answer = as_ana.post("/contact/", GOOD, follow=True)
    case = Case.objects.get()
    assert answer.request["PATH_INFO"] == case.get_absolute_url()
    for words in (case.reference_in_groups, "We aim to answer by", "First line<br>Second line"):
        assert words in page(answer)
    assert (case.member, case.subject) == (world.ana, "A lens")
    actions.add_note(case=case, text="Not for her.", by=agent, at=timezone.now())
    actions.answer(case=case, text="<b>Good</b> lens", by=agent, at=timezone.now())
    said = page(as_ana.get(case.get_absolute_url()))
    assert "&lt;b&gt;Good&lt;/b&gt; lens" in said
    assert "Not for her." not in said
    assert "agent@example.org" not in said
    assert "We’ve answered your message" in page(as_ana.get("/dashboard/"))
    as_ana.post(case.get_absolute_url(), {"text": "Thank you"})
    assert case.messages.count() == 4
    assert "With support" in page(as_ana.get("/cases/"))
    as_ana.post(f"/cases/{case.reference}/close/")
    case.refresh_from_db()
    assert case.is_closed
    assert "If you write here, we open it again" in page(as_ana.get(case.get_absolute_url()))


def test_a_visitor_opens_a_case_and_continues_through_the_link_in_the_mail(world: World, agent: User) -> None:
    client = Client()
    answer = client.post("/contact/", AS_VISITOR, follow=True)
    case = Case.objects.get()
    assert answer.request["PATH_INFO"] == "/contact/sent/"
    assert case.reference_in_groups in page(answer) and "vera@example.org" in page(answer)
    assert case.access_token and case.access_token not in page(answer), "only the mail has the link"
    link = f"/contact/case/{case.access_token}/"
    assert link in rendered(Message.objects.get(to="vera@example.org"))["text"]
    actions.answer(case=case, text="Yes.", by=agent, at=timezone.now())
    elsewhere = Client()
    conversation = elsewhere.get(link)
    assert "Yes." in page(conversation)
    assert conversation["X-Robots-Tag"] == "noindex, nofollow"
    assert conversation["Referrer-Policy"] == "same-origin"
    assert elsewhere.post(link, {"text": "And when?"}).status_code == 302
    assert case.messages.count() == 3
    actions.revoke_link(case=case, by=agent, at=timezone.now())
    assert elsewhere.get(link).status_code == 404


def test_the_contact_form_knows_what_the_page_was_about(world: World, as_ana: Client) -> None:
    kit = Registration.objects.filter(member=world.ana).first()
    assert kit
    address = f"/contact/?about=registration:{kit.pk}"
    assert address in page(as_ana.get(kit.get_absolute_url()))
    assert kit.product.name in page(as_ana.get(address))
    as_ana.post(address, {**GOOD, "about": f"registration:{kit.pk}"})
    case = Case.objects.get()
    assert case.about == kit
    assert kit.get_absolute_url() in page(as_ana.get(case.get_absolute_url()))


def test_a_case_cannot_be_about_something_of_another_member(world: World, as_ben: Client) -> None:
    other = Registration.objects.filter(member=world.ana).values_list("pk", flat=True).first()
    for about in [
        f"registration:{other}",
        "registration:999999",
        "registration:9" + "9" * 40,
        "registration:\x00",
        "registration:１",
        "registration:-1",
        "user:1",
        "x",
        ":",
    ]:
        assert 'name="about"' not in page(as_ben.get("/contact/", {"about": about}))
        answer = as_ben.post("/contact/", {**GOOD, "about": about})
        assert answer.status_code == 422, about
        assert (
            "couldn’t find what this was about" in page(answer)
            and "A lens" in page(answer)
            and 'name="about"' not in page(answer)
        )
    assert as_ben.post("/contact/", GOOD).status_code == 302


def test_a_page_needs_the_same_queries_for_many_cases_as_for_one(world: World, asked: Case, as_ana: Client) -> None:
    def count(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert as_ana.get(address).status_code == 200
        return len(queries)

    pages = ["/cases/", asked.get_absolute_url()]
    few = [count(address) for address in [*pages, *pages]][2:]
    ask = {"kind": asked.kind, "subject": "S", "text": "T", "member": world.ana, "by": world.ana.user, "at": MONDAY}
    for _n in range(15):
        actions.open_case(**ask)
        actions.write_message(case=asked, text="And?", by=world.ana.user, at=MONDAY)
    assert [count(address) for address in pages] == few
    assert max(few) <= 7 + SNAPSHOT_QUERIES


# --- Whose it is ---------------------------------------------------------------------------------


def test_nobody_else_can_open_a_case(asked: Case, visited: Case, as_ana: Client, as_ben: Client) -> None:
    own = asked.get_absolute_url()
    assert as_ana.get(own).status_code == 200
    assert as_ana.get(own.replace(asked.reference, asked.reference_in_groups.lower())).status_code == 200
    for address in (own, f"{own}close/"):
        assert as_ben.post(address, {"text": "Mine?"}).status_code == 404
        assert Client().post(address, {"text": "Mine?"}).status_code == 302, "to the sign-in"
    assert as_ben.get(own).status_code == 404
    assert asked.reference_in_groups not in page(as_ben.get("/cases/"))
    assert as_ana.get(f"/cases/{visited.reference}/").status_code == 404
    assert as_ana.get("/cases/%00/").status_code == 404
    assert visited.access_token
    for token in (visited.access_token[:-1], visited.access_token[:-1] + "%00", "A" * 43, visited.reference, "%00"):
        assert Client().get(f"/contact/case/{token}/").status_code == 404
    assert Client().get("/contact/sent/").status_code == 302


# --- What anybody can send -----------------------------------------------------------------------


WRONG = [
    ({"kind": ""}, "Choose a topic."),
    ({"kind": "claim"}, "Choose a topic from the list."),
    ({"subject": ""}, "Type a subject."),
    ({"subject": "x" * 121}, "Use at most 120 characters."),
    ({"subject": "a\x00b"}, "can’t be printed"),
    ({"subject": "a\x1bb"}, "characters that can’t be printed"),
    ({"text": " \n "}, "Type your message."),
    ({"text": "x" * (MAX_TEXT_LENGTH + 1)}, "You have 5001."),
    ({"text": "a\x00b"}, "characters that can’t be printed"),
    ({"name": ""}, "Type your name."),
    ({"email": "vera"}, "Type your email with an @"),
    ({"email": "v\x00@example.org"}, "Null characters"),
    ({"website": "http://spam.example"}, "send it once more"),
]


def test_errors_are_shown_at_their_fields_and_no_text_is_lost(world: World) -> None:
    for changes, said in WRONG:
        answer = Client().post("/contact/", {**AS_VISITOR, **changes})
        assert answer.status_code == 422, changes
        assert said in page(answer)
        kept = {"name": "Vera Visitor", "subject": "A lens", "text": "Second line"}
        assert [value for name, value in kept.items() if name not in changes and value not in page(answer)] == []
        assert "spam.example" not in page(answer)
    assert not Case.objects.exists()


def test_too_many_messages_are_refused_and_no_text_is_lost(
    world: World, asked: Case, as_ana: Client, counting: None
) -> None:
    answers = [Client().post("/contact/", {**AS_VISITOR, "email": f"v{n // 2}@example.org"}) for n in range(11)]
    assert [answer.status_code for answer in answers] == [302] * 10 + [429]
    assert "try again later" in page(answers[-1]) and "Second line" in page(answers[-1])
    replies = [as_ana.post(asked.get_absolute_url(), {"text": f"Word {n}"}) for n in range(31)]
    assert [replies[-2].status_code, replies[-1].status_code] == [302, 429]
    assert "Word 30" in page(replies[-1])


def test_mails_to_one_address_are_limited_whoever_sends_them(world: World, counting: None) -> None:
    sent = [Client(REMOTE_ADDR=f"192.0.2.{n}").post("/contact/", AS_VISITOR).status_code for n in range(21)]
    assert sent == [302] * 20 + [429]


def test_one_stranger_does_not_keep_the_owner_of_an_address_from_writing(world: World, counting: None) -> None:
    sent = [Client(REMOTE_ADDR="192.0.2.1").post("/contact/", AS_VISITOR).status_code for _time in range(9)]
    assert sent == [302] * 5 + [429] * 4
    assert Client(REMOTE_ADDR="203.0.113.9").post("/contact/", AS_VISITOR).status_code == 302


def test_a_reply_to_a_case_closed_long_ago_leads_to_the_new_one(asked: Case, agent: User, as_ana: Client) -> None:
    actions.close(case=asked, by=agent, at=MONDAY)
    Case.objects.filter(pk=asked.pk).update(closed_at=timezone.now() - timedelta(days=31))
    assert "we open a new one that refers to it" in page(as_ana.get(asked.get_absolute_url()))
    answer = as_ana.post(asked.get_absolute_url(), {"text": "Once more"})
    follow_up = Case.objects.get(follows=asked)
    assert answer["Location"] == follow_up.get_absolute_url()
    shown = page(as_ana.get(answer["Location"]))
    assert "so this is a new one" in shown and asked.reference_in_groups in shown and "Once more" in shown


def test_an_erased_case_takes_no_reply_and_what_was_typed_is_shown(asked: Case, as_ana: Client) -> None:
    actions.erase(case=asked, at=MONDAY)
    answer = as_ana.post(asked.get_absolute_url(), {"text": "Once more"})
    assert answer.status_code == 422
    assert "Once more" in page(answer) and 'href="/contact/"' in page(answer)
