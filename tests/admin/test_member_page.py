"""The whole member on one page, and what staff do from there (R54)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.enums import SuppressionReason
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.renderers import _renderers
from cps_portal.core.outbox.suppressions import suppress
from cps_portal.site.account_merges import confirm_merge, propose_merge
from cps_portal.site.actions import close_account, move_member
from cps_portal.site.presenters.member import kit_rows
from cps_portal.site.presenters.member_mails import TITLES, read_letter
from cps_portal.site.presenters.member_page import MemberPage
from cps_portal.site.queries.member import read_kit, read_notes
from kitbag.actions import registrations, review
from kitbag.actions.stolen_reports import report_own
from kitbag.enums import RefusalReason, Stage
from kitbag.models import Registration, Sighting, StolenReport
from members.actions import write_note
from members.models import Member, MemberNote, User
from members.offers.actions.cards import get_or_issue_card
from members.support.actions import open_case
from members.support.enums import CaseKind
from members.support.models import Case
from tests.admin.conftest import SignIn, signed_in
from tests.factories import ProductFactory, UserFactory, draft, moved, submitted, validated
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

PARTS = {
    "kit",
    "points",
    "ahead",
    "jobs",
    "mails",
    "notices",
    "cases",
    "staff-notes",
    "pack",
    "events",
    "actions",
    "person",
}


@pytest.fixture
def root() -> User:
    return UserFactory(is_staff=True, is_superuser=True)


def page_of(member: Member, page: str = "change", *args: int) -> str:
    return reverse(f"admin:members_member_{page}", args=[member.pk, *args])


def parts_shown(client: Client, member: Member) -> set[str]:
    text = client.get(page_of(member)).content.decode()
    return {part for part in PARTS if f'<section class="d-panel" id="{part}"' in " ".join(text.split())}


# --- Who sees what -------------------------------------------------------------------------------


def test_each_part_is_shown_only_with_the_right_to_it(world: World, staff: SignIn) -> None:
    get_or_issue_card(member=world.ana, at=timezone.now())
    assert parts_shown(staff("Support"), world.ana) == PARTS
    assert parts_shown(staff("Programme"), world.ana) == {"kit", "points", "ahead", "jobs", "events", "person"}


def test_every_address_of_a_member_is_closed_to_whoever_has_no_right_to_it(world: World, staff: SignIn) -> None:
    note = write_note(member=world.ana, text="Phone first", pinned=False, by=world.staff, at=timezone.now())
    mail = send(world.ana, "Hello", "Text")
    addresses = {
        page_of(world.ana): {"Support": 200, "Programme": 200, "Centre": 403, "": 403},
        page_of(world.ana, "edit"): {"Support": 200, "Programme": 200, "Centre": 403, "": 403},
        page_of(world.ana, "mail", mail.pk): {"Support": 200, "Programme": 403, "Centre": 403, "": 403},
        page_of(world.ana, "edit_note", note.pk): {"Support": 404, "Programme": 403, "Centre": 403, "": 403},
        page_of(world.ana, "write_note"): {"Support": 405, "Programme": 405, "Centre": 405, "": 405},
        page_of(world.ana, "close"): {"Support": 200, "Programme": 403, "Centre": 403, "": 403},
    }
    for group in ("Support", "Programme", "Centre", ""):
        client = staff(group)
        given = {address: client.get(address).status_code for address in addresses}
        assert given == {address: statuses[group] for address, statuses in addresses.items()}, group
        if group != "Support":
            for address in (page_of(world.ana, "write_note"), page_of(world.ana, "close")):
                assert client.post(address, {"text": "x"}).status_code == 403, (group, address)
    assert MemberNote.objects.count() == 1
    world.ana.refresh_from_db()
    assert world.ana.closed_at is None
    member = Client()
    member.force_login(world.ana.user)
    assert {member.get(address).status_code for address in addresses} <= {302, 403, 405}


def test_a_member_that_does_not_exist_is_not_found(as_support: Client) -> None:
    for page, args in (("mail", [99, 1]), ("close", [99]), ("edit_note", [99, 1])):
        assert as_support.get(reverse(f"admin:members_member_{page}", args=args)).status_code == 404
    assert as_support.get("/admin/members/member/99/change/").status_code == 302


def test_the_page_costs_the_same_whatever_is_there(world: World, as_support: Client) -> None:
    now = timezone.now()

    def add(n: int) -> None:
        row = validated(world.ana, ProductFactory(), f"4{n:011}")
        waiting = submitted(world.ana, ProductFactory(), "12345", insisted=True)
        registrations.check_registration(registration=waiting, at=now)
        draft(world.ana, world.body)
        report_own(registration=row, police_reference="SAPS 1", stolen_on=None, note="", by=world.ana.user, at=now)
        write_note(member=world.ana, text="Phone first", pinned=False, by=world.staff, at=now)
        open_case(kind=CaseKind.KIT, subject="S", text="T", member=world.ana, by=world.ana.user, at=now)
        if n < 4:  # then all places are taken
            a_request(world, centre, f"5{n:011}", at=now, member=world.ana)
        send(world.ana, f"Mail {n}", "Text")

    centre = a_centre()
    moved(world.lens, Stage.SUPERSEDED, now)
    add(1)
    as_support.get(page_of(world.ana))
    with CaptureQueriesContext(connection) as few:
        as_support.get(page_of(world.ana))
    for n in range(2, 10):
        add(n)
    with CaptureQueriesContext(connection) as many:
        assert as_support.get(page_of(world.ana)).status_code == 200
    assert len(many) <= len(few) + 5  # a count for each list that is longer than the page
    assert len(many) <= 90


# --- What it says --------------------------------------------------------------------------------


def in_queue(world: World) -> Registration:
    row = submitted(world.ben, world.body, "77120", insisted=True)
    return registrations.check_registration(registration=row, at=timezone.now())


def refused(world: World, reason: RefusalReason) -> Registration:
    row = submitted(world.ben, world.body, "052021007718")
    review.refuse_registration(registration=row, reason=reason, by=world.staff, at=timezone.now())
    return row


def superseded(world: World) -> Registration:
    row = validated(world.ben, ProductFactory(), "052021007719")
    moved(row.product, Stage.SUPERSEDED)
    return row


def claimed(world: World) -> Registration:
    validated(world.ana, world.body, "052021007720")
    row = submitted(world.ben, world.body, "052021007720")
    return registrations.check_registration(registration=row, at=timezone.now())


def stolen(world: World) -> Registration:
    row = validated(world.ben, world.body, "052021007718")
    now = timezone.now()
    report_own(registration=row, police_reference="SAPS 1", stolen_on=None, note="", by=world.ben.user, at=now)
    Sighting.objects.create(report=StolenReport.objects.get(), at=now)
    return row


def twin(world: World) -> Registration:
    first = validated(world.ben, world.body, "052021007718")
    row = draft(world.ben, world.body)
    Registration.objects.filter(pk=row.pk).update(serial=first.serial, serial_key=first.serial_key)
    return row


@each_row(
    "make, label, why",
    [
        (lambda w: draft(w.ben, w.body), "Draft", "Missing: serial number, country of purchase"),
        (in_queue, "With a person", "The serial number looks unusual. To decide by "),
        (lambda w: refused(w, RefusalReason.SERIAL_UNREADABLE), "Needs the member", "couldn’t confirm"),
        (lambda w: refused(w, RefusalReason.DETAILS_WRONG), "Needs the member", "purchase don’t match the product."),
        (lambda w: submitted(w.ben, w.body, "052021007718"), "Being checked", "Waiting for the automatic check."),
        (lambda w: validated(w.ben, w.body, "052021007718"), "Counts", ""),
        (superseded, "Superseded", "A newer model is out. Keeps 120 points."),
        (claimed, "Claimed", "Somebody else has registered it, too. Both answer by "),
        (stolen, "Reported stolen", "Police reference SAPS 1. Turned up on "),
        (twin, "Draft", "You’ve added this one already."),
    ],
)
def test_the_kit_says_why_each_product_is_grey(
    world: World, make: Callable[[World], Registration], label: str, why: str
) -> None:
    row = make(world)
    shown = {line.registration.pk: line for line in kit_rows(read_kit(row.member))}
    assert (str(shown[row.pk].label), why in shown[row.pk].why) == (label, True), shown[row.pk].why


@each_row(
    "make, title",
    [
        (lambda w: close_account(member=w.ben, by=w.ben.user, at=timezone.now()), "Account closed"),
        (stolen, "Stolen kit seen"),
        (lambda w: move_member(member=w.ben, country="TR", by=w.ben.user, at=timezone.now()), "Moved on "),
        (lambda w: move_member(member=w.ben, country="FR", by=w.ben.user, at=timezone.now()), "Membership rests"),
        (
            lambda w: suppress(address="ben@example.org", reason=SuppressionReason.BOUNCED, since=timezone.now()),
            "Mails come back",
        ),
    ],
)
def test_what_everybody_has_to_know_stands_at_the_top(
    world: World, root: User, make: Callable[[World], object], title: str
) -> None:
    assert MemberPage(world.ben, root, timezone.now()).flags == []
    make(world)
    member = Member.objects.get(pk=world.ben.pk)
    assert title in MemberPage(member, root, timezone.now()).flags[-1].title


def test_the_level_is_shown_with_what_it_gives_where_the_member_lives(world: World, as_support: Client) -> None:
    """R3, R65."""
    a_centre()
    benefits = dict(as_support.get(page_of(world.ana)).context["page"].benefits)
    assert (benefits["Fast Track repair"], benefits["Maintenance discount"]) == ("3 working days", "15 percent")
    move_member(member=world.ana, country="SY", by=world.ana.user, at=timezone.now())
    benefits = dict(as_support.get(page_of(world.ana)).context["page"].benefits)
    assert (benefits["Fast Track repair"], benefits["Maintenance discount"]) == ("Standard speed", "No")


def test_jobs_are_shown_with_their_parcel_and_open_ones_first(world: World, as_support: Client) -> None:
    now = timezone.now()
    ticket = a_request(world, a_centre(), at=now, member=world.ana)
    page = as_support.get(page_of(world.ana))
    assert [row.job.ticket for row in page.context["page"].jobs] == [ticket]
    assert str(ticket.parcel) in page.content.decode()


def test_notices_are_shown_in_the_words_of_the_member(world: World, as_support: Client) -> None:
    case = open_case(
        kind=CaseKind.KIT, subject="S", text="T", asks=True, member=world.ana, by=world.staff, at=timezone.now()
    )
    text = as_support.get(page_of(world.ana)).content.decode()
    assert text.count("Please answer: S") == 2  # the notice, and the mail that says the same
    assert case.reference_in_groups in text


def ask(world: World, text: str) -> Case:
    """Support asks Ana something."""
    now = timezone.now()
    return open_case(kind=CaseKind.KIT, subject="S", text=text, asks=True, member=world.ana, by=world.staff, at=now)


def test_two_accounts_that_became_one_are_read_together(world: World, root: User) -> None:
    """R69: old rows keep their owner, and the page of the account that stays shows both."""
    write_note(member=world.ben, text="Phone first", pinned=False, by=world.staff, at=timezone.now())
    send(world.ben, "For Ben", "Text")
    second = UserFactory(is_staff=True, is_superuser=True)
    merge = propose_merge(survivor=world.ana, ended=world.ben, reason="Same person", by=root, at=timezone.now())
    confirm_merge(merge=merge, by=second, at=timezone.now())
    ana, ben = Member.objects.get(pk=world.ana.pk), Member.objects.get(pk=world.ben.pk)
    page = MemberPage(ana, root, timezone.now())
    assert "For Ben" in [str(row.title) for row in page.mail_rows]
    assert [note.text for note in read_notes(ana).rows] == ["Phone first"]
    assert page.ledger[0].entry.total == ana.points
    assert page_of(ben) in [flag.anchor for flag in page.flags]
    assert page_of(ana) in [flag.anchor for flag in MemberPage(ben, root, timezone.now()).flags]


# --- Notes ---------------------------------------------------------------------------------------


def test_support_notes_something_that_only_staff_read(world: World, staff: SignIn) -> None:
    client = staff("Support", email="lindiwe@example.org")
    answer = client.post(page_of(world.ana, "write_note"), {"text": "Phones after 16:00", "pinned": "on"})
    assert answer.url == f"{page_of(world.ana)}#staff-notes"  # type: ignore[attr-defined]
    text = client.get(page_of(world.ana)).content.decode()
    assert "Phones after 16:00" in text
    assert "lindiwe@example.org" in text
    member = Client()
    member.force_login(world.ana.user)
    assert "Phones after 16:00" not in member.get("/dashboard/", follow=True).content.decode()


def test_a_note_without_text_keeps_the_page_and_says_so_beside_the_field(world: World, as_support: Client) -> None:
    for typed in ["", "   ", "\u200b", "\x00", "x" * 2001]:
        answer = as_support.post(page_of(world.ana, "write_note"), {"text": typed, "pinned": "on"})
        assert answer.status_code == 200, typed
        assert answer.context["note_form"].errors["text"], typed
        assert 'id="note-error"' in answer.content.decode()
    assert not MemberNote.objects.exists()


def test_a_note_is_changed_only_by_who_wrote_it(world: World, staff: SignIn) -> None:
    writer, other = UserFactory(is_staff=True, is_superuser=True), staff("Support")
    note = write_note(member=world.ana, text="Phones after 16:00", pinned=False, by=writer, at=timezone.now())
    address = page_of(world.ana, "edit_note", note.pk)
    assert address not in other.get(page_of(world.ana)).content.decode()
    assert other.post(address, {"text": "Never"}).status_code == 404
    client = signed_in(writer)
    assert address in client.get(page_of(world.ana)).content.decode()
    assert client.post(address, {"text": ""}).context["form"].errors["text"]
    assert client.post(page_of(world.ben, "edit_note", note.pk), {"text": "Never"}).status_code == 404
    assert client.post(address, {"text": "Phones after 17:00"}).status_code == 302
    assert MemberNote.objects.get().text == "Phones after 17:00"


# --- Mails ---------------------------------------------------------------------------------------


def send(member: Member, subject: str, text: str, key: str = "") -> Message:
    payload = {"subject": subject, "text": text}
    message = outbox.enqueue(key=key or f"mail-{subject}", kind="mail", to=member.user.email, payload=payload)
    assert message is not None
    return message


def test_a_mail_is_read_without_its_links(world: World, as_support: Client) -> None:
    mail = send(world.ana, "Hello", "Look at https://cps.example.org/undo/secret/ today")
    assert page_of(world.ana, "mail", mail.pk) in as_support.get(page_of(world.ana)).content.decode()
    text = as_support.get(page_of(world.ana, "mail", mail.pk)).content.decode()
    assert "Look at [link] today" in text
    assert "secret" not in text


def test_the_text_of_a_mail_for_signing_in_stays_with_its_reader(world: World, as_support: Client) -> None:
    mail = send(world.ana, "Your code", "Your code is 482913", key="account-1")
    text = as_support.get(page_of(world.ana, "mail", mail.pk)).content.decode()
    assert "only the member reads it" in text
    assert "482913" not in text


def test_mails_of_others_and_those_whose_content_is_gone_are_not_found(world: World, as_support: Client) -> None:
    """R14: addresses and texts are deleted after some weeks."""
    other, old = send(world.ben, "For Ben", "Text"), send(world.ana, "Old", "Text")
    Message.objects.filter(pk=old.pk).update(state="sent", sent_at=timezone.now(), next_at=None)
    outbox.blank_old(at=timezone.now() + timedelta(days=400))
    for mail in (other, old):
        assert as_support.get(page_of(world.ana, "mail", mail.pk)).status_code == 404


def test_a_mail_that_is_worded_when_it_is_sent_is_worded_anew_or_says_that_it_no_longer_holds(world: World) -> None:
    with_case = ask(world, "Send a photo")
    letter = read_letter(Message.objects.get(key__startswith=f"case-{with_case.pk}-"))
    assert (letter.is_new, "Send a photo" in letter.text, letter.why_not) == (True, True, "")
    close_account(member=world.ana, by=world.ana.user, at=timezone.now())
    assert "no longer holds" in read_letter(Message.objects.get(key__startswith=f"case-{with_case.pk}-")).why_not


def test_every_kind_of_mail_has_a_title() -> None:
    renderers = {name for name, function in _renderers.items() if function.__module__.endswith("emails")}
    to_partners = {"partners.endpoint_failing", "partners.endpoint_suspended"}
    others = {*to_partners, "servicing.holidays", "servicing.unanswered", "members.push"}  # to staff, to a browser
    assert renderers - others - set(TITLES) == set()


# --- The form, and closing -----------------------------------------------------------------------


def test_the_form_leads_back_to_the_page(world: World, as_support: Client) -> None:
    answer = as_support.post(page_of(world.ana, "edit"), {"first_name": "Anna", "last_name": "Example"})
    assert answer.url == page_of(world.ana)  # type: ignore[attr-defined]
    assert 'name="first_name"' in as_support.get(f"{page_of(world.ana)}?_popup=1").content.decode()


def test_closing_says_what_it_does_and_does_it_once(world: World, as_support: Client) -> None:
    """R14."""
    address = page_of(world.ana, "close")
    assert "Nothing is done yet" in as_support.get(address).content.decode()
    world.ana.refresh_from_db()
    assert world.ana.closed_at is None
    as_support.post(address)
    assert "already closed" in as_support.post(address, follow=True).content.decode()
    world.ana.refresh_from_db()
    assert world.ana.closed_at is not None
    assert Message.objects.filter(key__startswith="account_closed").count() == 1
    assert LogEntry.objects.filter(object_id=str(world.ana.pk)).count() == 1
    page = as_support.get(page_of(world.ana)).context["page"]
    assert {action.name for action in page.actions} <= {"edit", "lost_address", "merge", "stolen", "pack"}


def test_an_account_of_staff_is_not_closed_here(world: World, as_support: Client) -> None:
    world.ana.user.is_staff = True
    world.ana.user.save()
    assert "has staff rights" in as_support.post(page_of(world.ana, "close"), follow=True).content.decode()
    world.ana.refresh_from_db()
    assert world.ana.closed_at is None
