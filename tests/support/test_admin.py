"""The inbox of cases and the page of a case, at the desk (R54, R58)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.core.outbox.models import Message
from cps_portal.site.queries import cases as queries
from kitbag.models import Registration
from members.models import Notice, User
from members.support import actions, rules
from members.support.enums import CaseKind, CaseState
from members.support.models import CannedAnswer, Case, CaseAttachment, CaseReader
from servicing.models import Ticket
from tests.admin.conftest import SignIn, as_support, signed_in, staff
from tests.admin.crowd import add_jobs
from tests.factories import UserFactory
from tests.files.samples import jpeg, upload
from tests.support.conftest import VISITOR
from tests.world import World

__all__ = ["as_support", "staff"]
LIST = "/admin/cases/case/"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def opened(world: World, subject: str = "Grip", at: Any = None, **values: Any) -> Case:
    values = {"member": world.ana, "by": world.ana.user, **values}
    now = at or timezone.now()
    return actions.open_case(kind=CaseKind.KIT, subject=subject, text="Where is it?", at=now, **values)


@pytest.fixture
def case(world: World) -> Case:
    return opened(world, about=Registration.objects.filter(member=world.ana).first())


def url(case: Case) -> str:
    return f"{LIST}{case.pk}/change/"


def read_page(client: Client, case: Case) -> dict[str, Any]:
    """What the page sends along: up to where it was read."""
    form = client.get(url(case)).context["answer_form"]
    return {name: form[name].value() or "" for name in ("seen", "latest")}


def press(client: Client, case: Case, button: str, seen: dict[str, Any] | None = None, **data: Any) -> str:
    """The page after a button; opened for it, unless it was read before."""
    seen = seen or read_page(client, case)
    answer = client.post(url(case), {"do": button, **seen, **data}, follow=True)
    case.refresh_from_db()
    return answer.content.decode()


def groups_of(client: Client, query: str = "") -> dict[str, list[Case]]:
    shown = client.get(LIST + query).context["groups"]
    return {group.page.group.value: [row.case for row in group.rows] for group in shown}


# --- The inbox -----------------------------------------------------------------------------------


def test_the_inbox_groups_cases_by_urgency(as_support: Client, world: World) -> None:
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    late, later = opened(world, "late", now - 30 * DAY), opened(world, "later", now - 20 * DAY)
    ours, snoozed, waiting, answered, closed = (opened(world, name) for name in ("o", "s", "w", "a", "c"))
    merged = opened(world, "m")
    actions.snooze(case=snoozed, by=world.staff, at=now, until=now + HOUR)
    actions.snooze(case=late, by=world.staff, at=now, until=now + HOUR)
    actions.answer(case=waiting, text="?", asks=True, by=world.staff, at=max(now - HOUR, midnight))
    actions.answer(case=answered, text="!", by=world.staff, at=now)
    actions.close(case=closed, by=world.staff, at=now)
    actions.merge(case=merged, into=ours, by=world.staff, at=now)
    expected = {"overdue": [late, later], "ours": [ours], "theirs": [answered, waiting], "snoozed": [snoozed]}
    shown = groups_of(as_support)
    assert shown == expected
    assert list(shown) == ["overdue", "ours", "theirs", "snoozed"], "by urgency"
    assert groups_of(as_support, "?view=closed") == {"closed": [closed]}
    assert groups_of(as_support, f"?q={closed.reference_in_groups.lower()}") == {"closed": [closed]}
    page = as_support.get(LIST).content.decode()
    assert "days late" in page and "asked today" in page and "answered today" in page


def test_the_group_in_sql_is_that_of_the_rule(world: World, as_support: Client) -> None:
    """Each combination of turn, target and snooze, with a job that moved on and one that did not."""
    now = timezone.now()
    add_jobs([world.ana], UserFactory(is_staff=True, is_superuser=True))
    job = Ticket.objects.filter(member=world.ana)[0]
    rows = []
    for state in ("open", "late", "waiting", "closed"):
        for until, reference, at in (
            (None, "", None),
            (now + HOUR, "", now - HOUR),
            (now - HOUR, "", now - 2 * HOUR),
            (None, "", now - HOUR),
            (None, job.reference, job.changed_at - HOUR),
            (None, job.reference, job.changed_at + HOUR),
        ):
            row = opened(world, state, now - 30 * DAY if state == "late" else now)
            if state == "waiting":
                actions.answer(case=row, text="?", by=world.staff, at=now)
            if state == "closed":
                actions.close(case=row, by=world.staff, at=now)
            Case.objects.filter(pk=row.pk).update(snoozed_at=at, snoozed_until=until, snoozed_job=reference)
            rows.append(row)
    wrong = []
    conditions = queries.in_group(now)
    for row in rows:
        row.refresh_from_db()
        moved = queries.job_moved_at(row) if row.snoozed_job else None
        snooze = {"snoozed_at": row.snoozed_at, "snoozed_until": row.snoozed_until, "job_moved_at": moved}
        asleep = rules.is_snoozed(**snooze, at=now)
        rule = rules.group_of(state=row.state, due_at=row.due_at, is_snoozed=asleep, at=now)
        own = queries.with_job_moved(Case.objects.filter(pk=row.pk))
        in_sql = {group for group, condition in conditions.items() if own.filter(condition).exists()}
        if in_sql != {rule}:
            wrong.append((row.subject, snooze, rule, in_sql))
    assert wrong == []


def test_views_and_filters_stand_in_the_address(staff: SignIn, world: World, groups: dict[str, Group]) -> None:
    me = UserFactory(is_staff=True)
    me.groups.add(groups["Support"])
    client = signed_in(me)
    mine, theirs, nobodys = (opened(world, name) for name in ("mine", "theirs", "nobody"))
    of_visitor = actions.open_case(
        kind=CaseKind.CONTACT,
        subject="visitor",
        text="?",
        visitor=actions.Visitor("Vera", "vera@example.org", "fr"),
        by=None,
        at=timezone.now(),
    )
    actions.take(case=mine, by=me, at=timezone.now())
    actions.take(case=theirs, by=world.staff, at=timezone.now())
    everything = {mine, theirs, nobodys, of_visitor}
    for query, expected in {
        "": everything,
        "?view=mine": {mine},
        "?view=nobody": {nobodys, of_visitor},
        "?level=gold": {mine, theirs, nobodys},
        "?level=red": set(),
        "?language=fr": {of_visitor},
        "?language=xx": everything,  # not one of the portal's
        "?language=en": {mine, theirs, nobodys},
        "?kind=contact": {of_visitor},
        "?view=nobody&kind=kit&level=gold&language=en": {nobodys},
        f"?q={world.ana.number_in_groups}": {mine, theirs, nobodys},
        "?q=vera%40example.org": {of_visitor},
        "?q=nobody": {nobodys},
        "?view=x&level=x&language=x&kind=x&group=x&page=x": everything,
        "?page=999999&group=ours": everything,
        "?page=-1&group=ours": everything,
        "?q=%00": everything,
    }.items():
        shown = {case for rows in groups_of(client, query).values() for case in rows}
        assert shown == expected, query
    tabs = {view: count for view, _label, count in client.get(LIST).context["tabs"]}
    assert tabs == {"all": 4, "mine": 1, "nobody": 2, "closed": None}


def test_pages_are_bounded_and_no_row_costs_a_query(as_support: Client, world: World) -> None:
    opened(world)
    as_support.get(LIST)
    with CaptureQueriesContext(connection) as few:
        as_support.get(LIST)
    for n in range(queries.MAX_GROUP_ROWS + 5):
        opened(world, f"{n}")
    with CaptureQueriesContext(connection) as many:
        (group,) = as_support.get(LIST).context["groups"]
    assert len(many) == len(few)
    assert (len(group.rows), group.page.more) == (queries.MAX_GROUP_ROWS, 6)
    assert "group=ours" in as_support.get(LIST).content.decode()
    (alone,) = as_support.get(f"{LIST}?group=ours").context["groups"]
    assert (len(alone.rows), alone.page.more, alone.page.pages) == (queries.MAX_GROUP_ROWS + 6, 0, 1)


def test_taking_snoozing_and_closing_the_picked_ones(as_support: Client, world: World) -> None:
    first, second, taken = (opened(world, name) for name in ("1", "2", "3"))
    actions.take(case=taken, by=world.staff, at=timezone.now())
    keys = [first.pk, second.pk, taken.pk]

    def do(**data: Any) -> str:
        answer = as_support.post(f"{LIST}?view=all&kind=kit", {"case": keys, **data})
        assert answer["Location"] == f"{LIST}?view=all&kind=kit", "the filter stays"
        return as_support.get(answer["Location"]).content.decode()

    page = do(do="take")
    assert "Done with 2 cases." in page and f"{taken}: A colleague is working on this case" in page
    assert groups_of(as_support, "?view=mine")["ours"] == [first, second]
    assert "Done with 3 cases." in do(until="customer")
    assert groups_of(as_support) == {"snoozed": [first, second, taken]}
    assert "Done with 3 cases." in do(until="tomorrow")
    before = Message.objects.count()
    assert "Done with 3 cases." in do(do="close")
    assert Message.objects.count() == before + 3, "they are told"
    assert "This case is already closed." in do(do="close")
    for wrong in ({"do": "x"}, {"until": "x"}, {"until": "job:MQF2KG6X"}, {"case": "", "do": "take"}):
        assert "Pick cases first" in do(**wrong), wrong
    assert LogEntry.objects.filter(change_message="Done from the inbox.").count() == 11


def test_a_case_is_unread_until_somebody_of_staff_opens_it(as_support: Client, case: Case, world: World) -> None:
    def is_unread() -> bool:
        return "d-inbox--unread" in as_support.get(LIST).content.decode()

    assert is_unread()
    as_support.head(url(case))
    assert is_unread(), "a look at the head is none"
    as_support.get(url(case))
    assert not is_unread()
    actions.write_message(case=case, text="And?", by=world.ana.user, at=timezone.now())
    assert is_unread()


# --- The page of a case -----------------------------------------------------------------------------


def test_an_agent_takes_answers_and_closes(as_support: Client, case: Case) -> None:
    page = as_support.get(url(case)).content.decode()
    assert f"/admin/kitbag/registration/{case.about_id}/change/" in page
    assert f"/admin/members/member/{case.member_id}/change/" in page
    assert "Assigned to you." in press(as_support, case, "take")
    assert "Note added." in press(as_support, case, "answer", to="note", text="She called.")
    assert "Answered." in press(as_support, case, "answer", text="In the post.", then="wait")
    assert case.state == CaseState.WAITING
    assert "Snoozed." in press(as_support, case, "snooze", until="tomorrow")
    assert "It is back in the list." in press(as_support, case, "wake")
    assert "Closed." in press(as_support, case, "close")
    page = press(as_support, case, "answer", text="One more thing.")
    assert "This case is closed." in page and "One more thing." in page
    assert "Reopened." in press(as_support, case, "reopen")
    assert "Closed, without a mail." in press(as_support, case, "close_silently")
    assert "Reopened." in press(as_support, case, "reopen")
    assert "Assigned to nobody." in press(as_support, case, "assign", to="")
    assert "Answered and closed." in press(as_support, case, "answer", text="Bye.", then="close")
    assert case.is_closed
    told = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(told)[:3] == ["Assigned to you.", "Note added.", "Answered."]
    assert list(told)[-2:] == ["Assigned to nobody.", "Answered and closed."]


def test_a_note_is_never_sent_or_shown_to_the_customer(
    as_support: Client, case: Case, world: World, as_ana: Client
) -> None:
    before = Message.objects.count(), Notice.objects.count()
    for then in ("", "answered", "wait", "close", "snooze"):
        assert "Note added." in press(as_support, case, "answer", to="note", text=f"Rude {then}", then=then)
    assert (Message.objects.count(), Notice.objects.count()) == before
    assert (case.state, case.first_answered_at) == (CaseState.OPEN, None)
    assert "Rude" not in as_ana.get(case.get_absolute_url()).content.decode()
    assert "Rude" in as_support.get(url(case)).content.decode()


def test_a_canned_answer_is_inserted_below_the_text_typed_so_far(as_support: Client, case: Case, world: World) -> None:
    text = "Hello {name} ({number}, {level}), about {reference}, job {job}."
    canned = CannedAnswer.objects.create(title="Post", text=text)
    add_jobs([world.ana], UserFactory(is_staff=True, is_superuser=True))
    job = Ticket.objects.filter(member=world.ana, ended_at=None).order_by("-pk")[0]
    facts = f"({world.ana.number_in_groups}, Gold), about {case.reference_in_groups}, job {job.reference_in_groups}."
    typed = press(as_support, case, "insert", canned=canned.pk, text="Typed.", to="note", then="close")
    assert f"Typed.\n\nHello Ana {facts}" in typed
    assert 'value="note"\nchecked' in typed, "what was chosen stays"
    assert f"Hello Ana {facts}" in as_support.get(f"{url(case)}?canned={canned.pk}").content.decode()
    seen = read_page(as_support, case)
    for wrong in ("x\x00", "", "999999", "-1"):
        assert "Choose a canned answer" in press(as_support, case, "insert", seen, canned=wrong, text="Typed."), wrong
        assert as_support.get(url(case), {"canned": wrong}).status_code == 200
    assert case.messages.count() == 1


def test_canned_answers_are_offered_once_in_the_language_of_the_customer(as_support: Client, case: Case) -> None:
    for title, language, text in (
        ("Both", "en", "Hello"),
        ("Both", "fr", "Bonjour"),
        ("Only English", "en", "Hi"),
        ("Only French", "fr", "Salut"),
        ("Arabic", "ar", "x"),
    ):
        CannedAnswer.objects.create(title=title, language=language, text=text)
    CannedAnswer.objects.create(title="Centre", text="Hello", for_centres=True)

    def offered() -> list[tuple[str, str]]:
        field = as_support.get(url(case)).context["answer_form"].fields["canned"]
        return [(canned.title, canned.language) for canned in field.queryset]

    assert offered() == [("Both", "en"), ("Only English", "en")]
    assert case.member
    case.member.language = "fr"
    case.member.save()
    assert offered() == [("Both", "fr"), ("Only English", "en"), ("Only French", "fr")]


def test_a_canned_answer_with_an_unknown_variable_is_refused(as_support: Client) -> None:
    add = "/admin/cases/cannedanswer/add/"
    for text, for_centres, is_good in (
        ("Hello {name}", "", True),
        ("{name} {number} {level} {reference} {job}", "", True),
        ("Hello {nmae}", "", False),
        ("Hello {Name}", "", False),
        ("Hello { name }", "", False),
        ("Hello {}", "", False),
        ("{name.__class__}", "", False),
        ("{product} {centre}", "", False),
        ("{product} {centre}", "on", True),
        ("{level}", "on", False),
        ("{job}", "on", False),
        ("No variable", "", True),
    ):
        CannedAnswer.objects.all().delete()
        data = {"title": "T", "language": "en", "text": text, "for_centres": for_centres}
        answer = as_support.post(add, data)
        assert (answer.status_code == 302) == is_good == CannedAnswer.objects.exists(), text
        if not is_good:
            assert "Nothing can be put in for" in answer.content.decode() and text in answer.content.decode().replace(
                "&#x27;", "'"
            )


def test_a_new_message_has_to_be_read_before_answering(as_support: Client, case: Case, world: World) -> None:
    seen = as_support.get(url(case)).context["answer_form"]["seen"].value()
    actions.write_message(case=case, text="Found it!", by=world.ana.user, at=timezone.now())
    answer = as_support.post(url(case), {"do": "answer", "seen": seen, "text": "It is lost.", "then": "wait"})
    page = answer.content.decode()
    assert "There is a new message" in page and "It is lost." in page and "Found it!" in page
    assert answer.context["answer_form"]["then"].value() == "wait"
    again = answer.context["answer_form"]["seen"].value()
    assert as_support.post(url(case), {"do": "answer", "seen": again, "text": "Good."}).status_code == 302


def test_sending_while_a_colleague_answered_is_refused_and_nothing_typed_is_lost(
    as_support: Client, case: Case, world: World
) -> None:
    seen = as_support.get(url(case)).context["answer_form"]["seen"].value()
    actions.answer(case=case, text="I have it here.", by=world.staff, at=timezone.now())
    page = as_support.post(url(case), {"do": "answer", "seen": seen, "text": "It is lost."}).content.decode()
    assert "There is a new message" in page and "I have it here." in page and "It is lost." in page
    assert case.messages.public().count() == 2


def test_an_assigned_case_and_invalid_input_show_errors_at_the_answer(
    as_support: Client, case: Case, world: World
) -> None:
    actions.take(case=case, by=world.staff, at=timezone.now())
    seen = read_page(as_support, case)
    refused = press(as_support, case, "answer", seen, text="Mine.")
    assert "A colleague is working on" in refused and "Mine." in refused
    assert "Type an answer" in press(as_support, case, "answer", seen, text="")
    assert "can’t be printed" in press(as_support, case, "answer", seen, text="a\x00b")
    assert "Type an answer" in press(as_support, case, "answer", seen, to="note", text=" ")
    for wrong in (
        {"do": "assign", "to": "999999"},
        {"do": "dance"},
        {"do": "answer", "to": "x", "text": "T"},
        {"do": "answer", "then": "x", "text": "T"},
        {"do": "answer", "seen": "x", "text": "T"},
        {"do": "answer", "latest": "\x00", "text": "T"},
    ):
        assert as_support.post(url(case), wrong).status_code == 200, wrong
    for button, data in (
        ("snooze", {"until": "x"}),
        ("snooze", {"until": "job:MQF2KG6X"}),
        ("snooze", {"until": ""}),
        ("merge", {"other": "x"}),
        ("merge", {"other": str(case.pk)}),
        ("merge", {"other": "9" * 30}),
    ):
        assert 'class="error"' in press(as_support, case, button, seen, **data), (button, data)
    assert case.messages.count() == 1 and case.snoozed_at is None


def test_a_case_can_wait_until_a_time_that_is_typed(as_support: Client, case: Case) -> None:
    """In the time zone of support."""
    zone = settings.SUPPORT_CALENDAR.zone
    soon = (timezone.now() + 3 * DAY).astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)
    assert "Snoozed." in press(as_support, case, "snooze", until="when", when=soon.isoformat(timespec="minutes"))
    assert case.snoozed_until == soon.replace(tzinfo=zone)
    no_time = ("", "x", "9999-12-31T23:59", "0001-01-01T00:00", f"{soon}+02:00", "\x00")
    seen = read_page(as_support, case)
    past, far = (soon - 4 * DAY).isoformat(), (soon + 90 * DAY).isoformat()
    for when, sentence in {
        past: "This is in the past.",
        far: "Choose a day in the next 60 days.",
        **dict.fromkeys(no_time, "Choose until when"),
    }.items():
        assert sentence in press(as_support, case, "snooze", seen, until="when", when=when), when


def test_a_file_of_a_note_is_for_staff_only(as_support: Client, as_ana: Client, case: Case) -> None:
    press(as_support, case, "answer", to="note", text="Her passport", files=upload(jpeg()))
    address = CaseAttachment.objects.get().file.get_absolute_url()
    assert address in as_support.get(url(case)).content.decode()
    assert as_support.get(address).status_code == 200
    assert as_ana.get(address).status_code in (403, 404)
    assert address not in as_ana.get(case.get_absolute_url()).content.decode()


def test_a_case_can_wait_for_a_job_to_move_on(as_support: Client, case: Case, world: World) -> None:
    add_jobs([world.ana], UserFactory(is_staff=True, is_superuser=True))
    job = Ticket.objects.filter(member=world.ana, ended_at=None)[0]
    assert f"Until job {job.reference_in_groups} moves on" in as_support.get(url(case)).content.decode()
    assert "Snoozed." in press(as_support, case, "snooze", until=f"job:{job.reference}")
    assert groups_of(as_support) == {"snoozed": [case]}
    Ticket.objects.filter(pk=job.pk).update(changed_at=timezone.now() + HOUR)
    assert groups_of(as_support) == {"ours": [case]}


def test_merged_cases_lead_to_each_other(as_support: Client, as_ana: Client, case: Case, world: World) -> None:
    other = opened(world, "Strap")
    assert f"Merge {other.reference_in_groups} into this case" in as_support.get(url(case)).content.decode()
    page = press(as_support, case, "merge", other=other.pk)
    assert f"{other.reference_in_groups} is merged into this case." in page
    assert f'href="{url(other)}?merged"' in page, "the kept one names the old one"
    assert as_support.get(url(other))["Location"] == url(case), "the old one leads to the kept one"
    old = as_support.get(f"{url(other)}?merged").content.decode()
    assert f'href="{url(case)}"' in old and "This case was merged." in old and 'id="reply"' not in old
    assert as_ana.get(other.get_absolute_url())["Location"] == case.get_absolute_url()
    assert as_ana.get("/cases/").content.decode().count("/cases/" + case.reference) >= 1
    assert other.reference not in as_ana.get("/cases/").content.decode()


def test_a_visitors_old_link_leads_to_the_kept_case(as_support: Client, client: Client, world: World) -> None:
    first, second = (
        actions.open_case(kind=CaseKind.CONTACT, subject=s, text="?", visitor=VISITOR, by=None, at=timezone.now())
        for s in ("1", "2")
    )
    page = as_support.get(url(first)).content.decode()
    assert VISITOR.email in page and f"Merge {second.reference_in_groups} into this case" in page
    press(as_support, second, "merge", other=first.pk)
    assert client.get(first.get_absolute_url())["Location"] == second.get_absolute_url()


# --- Who else is there, and drafts --------------------------------------------------------------------


@pytest.fixture
def present(case: Case) -> Callable[..., str]:
    """Send what the page of a case sends from time to time."""

    def send(client: Client, **data: Any) -> str:
        last = case.messages.latest("pk").pk
        answer = client.post(f"{LIST}{case.pk}/presence/", {"seen": last, "latest": last, **data})
        assert answer.status_code == 200
        return answer.content.decode()

    return send


def test_colleagues_are_warned_of_each_other(
    present: Callable[..., str], case: Case, staff: SignIn, world: World
) -> None:
    first, second = staff("Support", email="thabo.ncube@example.org"), staff("Support", email="amina@example.org")
    assert present(first, text="").strip() == ""
    assert "Thabo Ncube is reading this case too" in second.get(url(case)).content.decode()
    assert "Amina is reading this case too" in present(first, text="")
    assert "Thabo Ncube is reading this case too" in present(second)
    present(first, text="Dear")
    assert "Thabo Ncube is typing in this case now" in present(second)
    CaseReader.objects.update(typing_at=timezone.now() - timedelta(seconds=queries.TYPING_SECONDS + 1))
    assert "Thabo Ncube is reading this case too" in present(second)
    CaseReader.objects.update(seen_at=timezone.now() - timedelta(seconds=queries.READER_SECONDS + 1))
    assert present(second).strip() == ""
    actions.write_message(case=case, text="Hi", by=world.ana.user, at=timezone.now())
    assert "There is a new message" in present(second, seen="1")
    for data in ({"seen": "x"}, {"latest": "x", "text": "T"}, {"text": "a\x00b"}, {"text": "x" * 9000}, {"to": "x"}):
        present(second, **data)


def test_unsent_text_is_there_again_for_whoever_typed_it(
    present: Callable[..., str], case: Case, staff: SignIn, world: World
) -> None:
    first, second = staff("Support"), staff("Support")
    present(first, text="Dear Ana,\r\nit is", to="note")
    form = first.get(url(case)).context["answer_form"]
    assert (form["text"].value(), form.is_note) == ("Dear Ana,\nit is", True)
    assert "Dear Ana" not in second.get(url(case)).content.decode()
    press(first, case, "answer", text="Dear Ana, it is here.")
    assert "it is here" in first.get(url(case)).content.decode()
    assert first.get(url(case)).context["answer_form"]["text"].value() == ""


# --- Rights -------------------------------------------------------------------------------------------


def test_every_address_of_cases_is_open_to_those_who_may_see_or_answer_them(
    staff: SignIn, case: Case, as_ana: Client, client: Client
) -> None:
    """R54: by role; nobody but support sees what customers write, and whoever may only look cannot write."""
    people: dict[str, Client] = {
        "root": staff(is_superuser=True),
        "Support": staff("Support"),
        "Programme": staff("Programme"),
        "Centre": staff("Centre"),
        "no group": staff(),
        "member": as_ana,
        "nobody": client,
    }
    page, presence = url(case), f"{LIST}{case.pk}/presence/"
    answers: dict[str, tuple[int, ...]] = {}
    for name, who in people.items():
        answers[name] = (
            who.get(LIST).status_code,
            who.post(LIST, {"do": "take", "case": [case.pk]}).status_code,
            who.get(page).status_code,
            who.post(page, {"do": "snooze", "until": "tomorrow"}).status_code,
            who.post(presence, {"text": "x", "latest": "1"}).status_code,
            who.get(presence).status_code,
            who.get(f"{LIST}0/change/").status_code,
            who.post(f"{LIST}0/presence/").status_code,
        )
    allowed = (200, 302, 200, 302, 200, 405, 404, 404)
    forbidden = (403,) * 8
    for name, codes in answers.items():
        if name in ("root", "Support"):
            assert codes == allowed, name
        elif name in ("member", "nobody"):
            assert set(codes) <= {302, 403, 404, 405} and codes[1] != 200, (name, codes)
        else:
            assert codes[:5] == forbidden[:5] and codes[7] == 403, (name, codes)
    assert CaseReader.objects.exclude(user__is_superuser=True).exclude(user__groups__name="Support").count() == 0


def test_whoever_may_only_see_cases_sees_no_buttons_and_leaves_no_trace(
    staff: SignIn, case: Case, permission: Callable[[User, str], None]
) -> None:
    user = UserFactory(is_staff=True)
    permission(user, "cases.view_case")
    client = signed_in(user)
    page = client.get(url(case)).content.decode()
    assert "Where is it?" in page and 'id="reply"' not in page and 'name="do"' not in page
    assert 'name="do"' not in client.get(LIST).content.decode()
    for answer in (client.post(LIST, {"do": "take"}), client.post(url(case), {"do": "take"})):
        assert answer.status_code == 403
    case.refresh_from_db()
    assert case.unread_since and not CaseReader.objects.exists()


@pytest.fixture
def permission() -> Callable[[User, str], None]:
    def give(user: User, name: str) -> None:
        app, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))

    return give


def test_the_page_of_a_case_costs_the_same_for_many_messages_and_cases(
    as_support: Client, case: Case, world: World
) -> None:
    opened(world)
    as_support.get(url(case))
    with CaptureQueriesContext(connection) as few:
        as_support.get(url(case))
    for n in range(8):
        actions.write_message(case=case, text=f"{n}", by=world.ana.user, at=timezone.now())
        opened(world, f"{n}")
        actions.add_note(case=case, text="N", by=world.staff, at=timezone.now())
    as_support.get(url(case))
    with CaptureQueriesContext(connection) as many:
        as_support.get(url(case))
    assert len(many) <= len(few), [query["sql"][:150] for query in many]


def test_staff_read_how_fast_answers_are_and_whether_they_help(as_support: Client, world: World) -> None:
    assert as_support.get(LIST).context["figures"] == ""
    now = timezone.now()
    for minutes, rating in ((10, "good"), (30, "good"), (50, "bad"), (90, "")):
        case = opened(world, at=now - timedelta(minutes=minutes))
        actions.answer(case=case, text="Here", closes=True, by=world.staff, at=now)
        if rating:
            actions.rate(case=case, rating=rating, at=now)
    figures = queries.read_figures(now)
    assert (figures.first_answer, figures.good, figures.rated) == (timedelta(minutes=40), 2, 3)
    line = as_support.get(LIST).context["figures"]
    assert line == "First answer in 40 minutes at the median; 67% of 3 customers say we helped, in the last 30 days."
    assert "Did we help?" in as_support.get(url(Case.objects.get(rating="bad"))).content.decode()
