"""Who waits for whom in the conversation about a job, and what a centre sees and hears of it (R70, R73)."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.files.models import StoredFile
from cps_portal.core.outbox.models import Message
from members.models import Member
from members.support.models import CannedAnswer
from servicing import emails
from servicing.actions import digests, estimates
from servicing.actions.conversation import mark_read
from servicing.actions.erasure import erase_tickets
from servicing.actions.events import Actor, record_event
from servicing.actions.messages import record_answer, write_message
from servicing.enums import EventKind, TicketFileKind, TicketState, WaitingFor, Writer
from servicing.models import ServiceCentre, Ticket, TicketNote
from servicing.rules.conversation import WrittenMessage, summarize_messages, waiting_for
from tests.admin.conftest import signed_in
from tests.files import samples
from tests.rows import each_row
from tests.servicing.jobs import HOUR, MONDAY, a_centre, a_request, at_the_centre
from tests.servicing.test_desk import page, press, works_at
from tests.world import World

S, W = TicketState, WaitingFor
CUSTOMER, CENTRE = Writer.CUSTOMER, Writer.CENTRE


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre(email="desk@example.org")


@pytest.fixture
def ticket(world: World, centre: ServiceCentre) -> Ticket:
    return at_the_centre(world, centre)


@pytest.fixture
def desk(centre: ServiceCentre, groups: dict[str, Group]) -> Client:
    return signed_in(works_at(centre, groups))


def columns(ticket: Ticket) -> tuple[str, str, datetime | None]:
    ticket.refresh_from_db()
    return ticket.waiting_for, ticket.last_message_by, ticket.unread_since


def test_the_oldest_message_without_an_answer_counts() -> None:
    """R73."""
    first, second, third = (MONDAY + n * HOUR for n in range(3))
    table = [
        ([], ("", None, None)),
        ([(CUSTOMER, first, False)], (CUSTOMER, first, first)),
        ([(CUSTOMER, first, True)], (CUSTOMER, first, None)),
        ([(CENTRE, first, False)], (CENTRE, first, None)),
        ([(CUSTOMER, first, False), (CUSTOMER, second, False)], (CUSTOMER, second, first)),
        ([(CUSTOMER, first, True), (CUSTOMER, second, False)], (CUSTOMER, second, second)),
        ([(CUSTOMER, first, True), (CENTRE, second, False)], (CENTRE, second, None)),
        ([(CUSTOMER, first, False), (CENTRE, second, False)], (CENTRE, second, first)),  # written without seeing it
        ([(CENTRE, first, False), (CUSTOMER, second, False)], (CUSTOMER, second, second)),
        ([(CUSTOMER, first, True), (CENTRE, second, False), (CUSTOMER, third, False)], (CUSTOMER, third, third)),
    ]
    wrong = []
    for rows, expected in table:
        result = summarize_messages(WrittenMessage(*row) for row in rows)
        if (result.last_by, result.last_at, result.unread_since) != expected:
            wrong.append((rows, result))
    assert not wrong


def test_an_unanswered_message_comes_before_what_the_customer_has_to_answer() -> None:
    """R73: over every state, with and without an open question and an unanswered message."""
    wrong = []
    for state in TicketState:
        for unread in (None, MONDAY):
            for asks in (False, True):
                is_customers_turn = state not in (S.CLOSED, S.CANCELLED) and (asks or state == S.ESTIMATE_SENT)
                expected = W.CENTRE if unread else W.CUSTOMER if is_customers_turn else W.NOBODY
                if waiting_for(state, unread_since=unread, asks=asks) != expected:
                    wrong.append((state, unread, asks))
    assert not wrong


class Story:
    """What happens to one job, an hour after the other."""

    def __init__(self, world: World, ticket: Ticket) -> None:
        self.world, self.ticket, self.at = world, ticket, MONDAY + 2 * HOUR

    def play(self, steps: str) -> None:
        for step in steps.split():
            self.at += HOUR
            name, _sign, argument = step.partition(":")
            getattr(self, name)(*([argument] if argument else []))

    def customer(self) -> None:
        actor = Actor(user=self.world.ana.user)
        write_message(ticket=self.ticket, text="Is it done?", actor=actor, at=self.at)

    def centre(self, seen: str = "") -> None:
        key = int(seen) if seen else None
        write_message(ticket=self.ticket, text="Soon", actor=Actor(user=self.world.staff), at=self.at, seen=key)

    def question(self) -> None:
        write_message(ticket=self.ticket, text="Which lens?", asks=True, actor=Actor(user=self.world.staff), at=self.at)

    def phone(self) -> None:
        record_answer(ticket=self.ticket, actor=Actor(user=self.world.staff), at=self.at)

    def estimate(self, hours_ago: str = "0") -> None:
        day = date(2026, 3, 20)
        line = estimates.Line("Shutter", Decimal(1), Decimal(100))
        estimates.send_estimate(
            ticket=self.ticket,
            lines=[line],
            currency="ZAR",
            valid_until=day,
            actor=Actor(user=self.world.staff),
            at=self.at,
            occurred_at=self.at - int(hours_ago) * HOUR,
        )

    def approve(self) -> None:
        estimate = self.ticket.estimates.get(state="open")
        estimates.approve_estimate(estimate=estimate, actor=Actor(user=self.world.ana.user), at=self.at)

    def read(self) -> None:
        last = self.ticket.messages.order_by("-pk")[0]
        mark_read(ticket=self.ticket, until=last.pk, at=self.at)

    def event(self, kind: str) -> None:
        record_event(ticket=self.ticket, kind=EventKind(kind), actor=Actor(user=self.world.staff), at=self.at)


STORIES = [
    ("", W.NOBODY, "", False),
    ("customer", W.CENTRE, CUSTOMER, True),
    ("customer customer", W.CENTRE, CUSTOMER, True),
    ("customer centre", W.NOBODY, CENTRE, False),
    ("customer centre:0", W.CENTRE, CENTRE, True),
    ("customer read", W.NOBODY, CUSTOMER, False),
    ("customer read customer", W.CENTRE, CUSTOMER, True),
    ("centre", W.NOBODY, CENTRE, False),
    ("centre customer", W.CENTRE, CUSTOMER, True),
    ("question", W.CUSTOMER, CENTRE, False),
    ("question customer", W.CENTRE, CUSTOMER, True),
    ("question phone", W.NOBODY, CENTRE, False),
    ("question customer read", W.NOBODY, CUSTOMER, False),
    ("question centre", W.CUSTOMER, CENTRE, False),
    ("customer question", W.CUSTOMER, CENTRE, False),
    ("estimate", W.CUSTOMER, "", False),
    ("customer estimate", W.CUSTOMER, CUSTOMER, False),
    ("customer estimate:2", W.CENTRE, CUSTOMER, True),
    ("estimate customer", W.CENTRE, CUSTOMER, True),
    ("estimate customer centre", W.CUSTOMER, CENTRE, False),
    ("estimate approve", W.NOBODY, "", False),
    ("estimate customer approve", W.CENTRE, CUSTOMER, True),
    ("question event:ready", W.NOBODY, CENTRE, False),
    ("customer event:ready", W.CENTRE, CUSTOMER, True),
    ("event:ready event:closed", W.NOBODY, "", False),
    ("event:ready event:closed customer", W.CENTRE, CUSTOMER, True),
]


@each_row(("steps", "waits", "writer", "is_unread"), STORIES)
def test_every_story_leaves_the_turn_with_the_right_side(
    world: World, ticket: Ticket, steps: str, waits: str, writer: str, *, is_unread: bool
) -> None:
    """R73: (what happened, who waits, who wrote last, whether something is unanswered)."""
    Story(world, ticket).play(steps)
    turn, last, unread = columns(ticket)
    assert (turn, last, unread is not None) == (waits, writer, is_unread)


def test_a_message_that_came_while_the_page_was_open_is_not_marked_as_read(
    world: World, ticket: Ticket, desk: Client
) -> None:
    """R73."""
    story = Story(world, ticket)
    story.play("customer")
    seen = ticket.messages.get().pk
    story.play("customer")
    later = story.at
    press(desk, ticket, "read", seen=seen)
    assert columns(ticket) == (W.CENTRE, CUSTOMER, later)
    press(desk, ticket, "write", text="Tomorrow", seen=seen)
    assert columns(ticket) == (W.CENTRE, CENTRE, later)
    for nonsense in ("", "x", "-1", str(10**30)):
        assert press(desk, ticket, "read", seen=nonsense).status_code == 200
    assert columns(ticket) == (W.CENTRE, CENTRE, later)


def test_the_queue_marks_and_filters_who_waits(
    world: World, ticket: Ticket, centre: ServiceCentre, desk: Client
) -> None:
    """R73."""
    other = at_the_centre(world, centre, "012345678902")
    Story(world, ticket).play("customer")
    Story(world, other).play("question")
    queue = reverse("admin:servicing_ticket_changelist")
    lists = {
        value: {row.pk for row in desk.get(queue, {"waiting_for": value}).context["cl"].result_list}
        for value in ("centre", "customer", "nobody", "else")
    }
    assert lists == {"centre": {ticket.pk}, "customer": {other.pk}, "nobody": set(), "else": {ticket.pk, other.pk}}
    text = desk.get(queue).content.decode()
    assert "unanswered since 2 Mar 2026" in text
    assert "the customer’s turn" in text


def test_notes_are_for_the_centre_only_and_erased_with_the_person(
    world: World, ticket: Ticket, desk: Client, groups: dict[str, Group]
) -> None:
    """R14, R73: not on the member's page, not in their data, not for another centre."""
    assert press(desk, ticket, "note", text="Rude on the phone").status_code == 302
    assert "Rude on the phone" in desk.get(page(ticket)).content.decode()
    member = Client()
    member.force_login(world.ana.user)
    assert "Rude on the phone" not in member.get(ticket.get_absolute_url()).content.decode()
    elsewhere = signed_in(works_at(a_centre("elsewhere"), groups))
    assert elsewhere.get(page(ticket)).status_code == 404
    assert press(elsewhere, ticket, "note", text="Not mine").status_code == 404
    own = world.ana.user
    Member.objects.filter(pk=world.ana.pk).update(erased_at=None)
    erase_tickets(member=world.ana, at=MONDAY)
    assert [note.text for note in TicketNote.objects.all()] == [""]
    assert own.pk == world.ana.user_id
    for text in ("", " \n ", "x" * 3001):
        assert press(desk, ticket, "note", text=text).status_code == 200
    assert TicketNote.objects.count() == 1


def test_a_canned_answer_is_filled_in_for_the_job_and_nothing_typed_is_lost(ticket: Ticket, desk: Client) -> None:
    """R73: also if a value contains the name of a variable."""
    Member.objects.filter(pk=ticket.member_id).update(first_name="{centre}")
    text = "Dear {name}, your {product} ({reference}) is at {centre}. {unknown}"
    answer = CannedAnswer.objects.create(title="Arrived", text=text, for_centres=True)
    of_support = CannedAnswer.objects.create(title="For cases", text="No")
    opened = press(desk, ticket, "write").context["write_form"]
    assert [str(row) for row in opened.fields["canned"].queryset] == ["Arrived"]
    data = {"do": "insert", "write-text": "Hello.", "write-canned": answer.pk, "write-asks": "on"}
    form = desk.post(page(ticket), data).context["write_form"]
    name = ticket.product.name
    expected = f"Hello.\n\nDear {{centre}}, your {name} ({ticket}) is at {ticket.centre.name}. {{unknown}}"
    assert (form.initial["text"], bool(form.initial["asks"])) == (expected, True)
    for nothing in ("", of_support.pk, "x", 10**20):
        form = desk.post(page(ticket), {**data, "write-canned": nothing}).context["write_form"]
        assert form.initial["text"] == "Hello."
    assert not ticket.messages.exists()


def test_photos_on_arrival_are_shown_to_the_member(world: World, centre: ServiceCentre, desk: Client) -> None:
    """R73."""
    ticket = a_request(world, centre, at=timezone.now() - HOUR)
    data = {"do": "book_in", "book_in-condition": "Dent", "book_in-files": samples.upload(samples.jpeg())}
    assert desk.post(page(ticket), data).status_code == 302
    photo = ticket.files.get()
    assert photo.kind == TicketFileKind.INTAKE
    member = Client()
    member.force_login(world.ana.user)
    text = member.get(ticket.get_absolute_url()).content.decode()
    assert "Photos on arrival" in text
    assert member.get(reverse("files:file", args=[photo.file.key])).status_code == 200
    assert StoredFile.objects.get().attached_at is not None


def test_photos_are_added_on_the_page_of_the_job_once_it_is_booked_in(
    world: World, centre: ServiceCentre, desk: Client
) -> None:
    """R73. A tablet offers its camera; two presses add the photo once; a bad file is reported, and nothing is lost."""
    ticket = a_request(world, centre, at=timezone.now() - HOUR)
    early = desk.post(page(ticket), {"do": "photos", "photos-files": samples.upload(samples.jpeg())})
    assert "Book it in first" in early.content.decode()
    assert "photos-files" not in desk.get(page(ticket)).content.decode()
    desk.post(page(ticket), {"do": "book_in"})
    shown = desk.get(page(ticket)).content.decode()
    assert 'capture="environment"' in shown[shown.index('name="photos-files"') :]
    empty = desk.post(page(ticket), {"do": "photos"}).content.decode()
    assert "Add a photo or a PDF" in empty
    token = re.search(r'id="photos".*?name="form_token" value="([^"]+)"', shown, re.DOTALL)
    assert token
    for _press in range(2):
        data = {"do": "photos", "form_token": token[1], "photos-files": samples.upload(samples.jpeg())}
        assert desk.post(page(ticket), data).status_code == 302
    photo = ticket.files.get()
    assert (photo.kind, ticket.messages.count()) == (TicketFileKind.INTAKE, 0)
    member = Client()
    member.force_login(world.ana.user)
    assert member.get(reverse("files:file", args=[photo.file.key])).status_code == 200


# --- Mail to the centre -----------------------------------------------------------------------------


def in_hours(hour: int, day: int = 2) -> datetime:
    """A moment in March 2026, by the clock in Johannesburg; the second is a Monday."""
    return datetime(2026, 3, day, hour - 2, tzinfo=UTC)


def test_a_centre_is_mailed_once_in_a_while_in_its_hours_until_it_answers(
    world: World, centre: ServiceCentre, ticket: Ticket
) -> None:
    """R70, R73: (moment, whether it is mailed)."""
    assert timedelta(hours=4) == settings.MESSAGES_MAILED_EVERY
    write_message(ticket=ticket, text="Hello?", actor=Actor(user=world.ana.user), at=in_hours(14))
    table = [
        (in_hours(14), False),  # just written
        (in_hours(15), True),
        (in_hours(16), False),
        (in_hours(20), False),  # closed
        (in_hours(8, 3), False),
        (in_hours(10, 3), True),
        (in_hours(13, 3), False),
        (in_hours(15, 3), True),
        (in_hours(12, 7), False),  # Saturday
    ]
    wrong = []
    for at, expected in table:
        mailed = digests.mail_unanswered(at=at)
        if mailed != expected:
            wrong.append((at, mailed))
        Message.objects.filter(to=centre.email).delete()
    assert not wrong
    Story(world, ticket).play("centre")
    assert digests.mail_unanswered(at=in_hours(15, 4)) == 0


def test_several_jobs_are_one_mail_and_nothing_is_sent_if_they_were_answered_meanwhile(
    world: World, centre: ServiceCentre, ticket: Ticket
) -> None:
    """R70, R73: the text is of the moment at which it is sent, and names no customer and no message."""
    now = timezone.now()
    second = at_the_centre(world, centre, "012345678902")
    for row in (ticket, second):
        write_message(ticket=row, text="Secret words", actor=Actor(user=world.ana.user), at=now)
    for hours in (24, 48, 72, 96, 120):  # one of these days is no weekend and no holiday
        digests.mail_unanswered(at=now.replace(hour=10) + timedelta(hours=hours))
    assert Message.objects.filter(to=centre.email).count() == 1
    mail = emails.unanswered(centre=centre.pk)
    assert mail is not None
    assert all(str(row) in mail["text"] for row in (ticket, second))
    assert "Secret words" not in mail["text"]
    assert world.ana.last_name not in mail["text"]
    for row in (ticket, second):
        mark_read(ticket=row, until=row.messages.get().pk, at=now)
    assert emails.unanswered(centre=centre.pk) is None


@pytest.mark.parametrize("change", ["no_address", "too_late"])
def test_nobody_is_mailed_who_cannot_answer(world: World, ticket: Ticket, change: str) -> None:
    """R73."""
    write_message(ticket=ticket, text="Hello?", actor=Actor(user=world.ana.user), at=in_hours(14))
    changes: dict[str, Callable[[], object]] = {
        "no_address": lambda: ServiceCentre.objects.update(email=""),
        "too_late": lambda: Ticket.objects.update(
            state="cancelled", place=None, place_since=None, ended_at=in_hours(14) - timedelta(days=40)
        ),
    }
    changes[change]()
    assert digests.mail_unanswered(at=in_hours(15)) == 0
