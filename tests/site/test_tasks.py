"""What can be done stands in "Your turn", from the rows as they are, and nothing twice (R18, R48, R53, R58)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.site.presenters import dashboard
from cps_portal.site.presenters.dashboard import Dashboard
from kitbag.models import Product
from members.models import Member, Notice
from members.offers.actions import packs
from members.offers.enums import PackStep
from members.support import actions as cases
from members.support.enums import CaseKind
from servicing.actions import loans
from servicing.actions.events import SYSTEM, Actor, record_event
from servicing.actions.messages import record_answer, write_message
from servicing.enums import EventKind
from servicing.models import LoanUnit, Ticket
from tests.factories import draft
from tests.offers.packing import add_partner, asked, report
from tests.servicing.jobs import a_centre, a_request, at_the_centre
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
DAY = timedelta(days=1)


def board(member: Member) -> Dashboard:
    return dashboard.build(Member.objects.get(pk=member.pk), timezone.now())


def titles(member: Member) -> list[str]:
    return [task.title for task in board(member).other_tasks]


def news(member: Member) -> list[str]:
    return [line.title for line in board(member).news]


def a_unit(ticket: Ticket, product: Product) -> LoanUnit:
    return LoanUnit.objects.create(centre=ticket.centre, product=product, serial="900000000001")


def offered(world: World) -> Ticket:
    """A job for which a loan was offered."""
    ticket = at_the_centre(world, a_centre(), at=NOW - DAY)
    Ticket.objects.filter(pk=ticket.pk).update(loan_possible=True)
    record_event(ticket=ticket, kind=EventKind.LOAN_OFFERED, actor=SYSTEM, at=NOW)
    ticket.refresh_from_db()
    return ticket


def test_what_is_requested_has_to_be_sent_in_and_is_no_news(world: World) -> None:
    a_request(world, a_centre(), at=NOW)
    assert titles(world.ana) == [f"Send in your {world.pro_body.name}"]
    assert not [line for line in news(world.ana) if "Service requested" in line]


def test_a_question_of_the_centre_is_a_task_until_it_is_answered(world: World) -> None:
    ticket = at_the_centre(world, a_centre(), at=NOW - DAY)
    write_message(ticket=ticket, text="Which strap?", actor=Actor(user=world.staff), at=NOW, asks=True)
    assert titles(world.ana) == [f"Answer the centre’s question about {ticket.product}"]
    assert not [line for line in news(world.ana) if "question" in line]
    record_answer(ticket=ticket, actor=Actor(user=world.staff), at=NOW)
    assert titles(world.ana) == []


def test_a_loan_is_a_task_only_while_there_is_one_to_choose(world: World) -> None:
    ticket = offered(world)
    assert titles(world.ana) == [], "the centre has nothing to lend"
    unit = a_unit(ticket, ticket.product)
    assert titles(world.ana) == ["Choose a body to borrow"]
    loan = loans.reserve(ticket=ticket, unit=unit, by=world.ana.user, at=NOW)
    assert titles(world.ana) == [f"Accept the agreement for the {unit.product}"]
    loans.accept_agreement(loan=loan, version=loans.AGREEMENT, at=NOW)
    assert titles(world.ana) == []


def test_a_loan_that_was_declined_is_no_task(world: World) -> None:
    ticket = offered(world)
    a_unit(ticket, ticket.product)
    loans.decline_offer(ticket=ticket, by=world.ana.user, at=NOW)
    assert titles(world.ana) == []


def test_a_loan_that_is_due_has_to_be_brought_back(world: World) -> None:
    ticket = offered(world)
    loan = loans.reserve(ticket=ticket, unit=a_unit(ticket, ticket.product), by=world.ana.user, at=NOW)
    type(loan).objects.update(state="out", agreed_at=NOW, out_at=NOW, due_back=timezone.localdate() + 5 * DAY)
    assert titles(world.ana) == []
    type(loan).objects.update(due_back=timezone.localdate() - DAY)
    (task,) = board(world.ana).other_tasks
    assert task.title == f"Bring back the {ticket.product}"
    assert "others are waiting for it" in str(task.detail)


def test_a_case_that_waits_for_the_member_is_one_task_and_no_news(world: World) -> None:
    case = cases.open_case(
        kind=CaseKind.CONTACT, subject="A bag", text="Where?", member=world.ana, by=world.ana.user, at=NOW
    )
    cases.answer(case=case, text="Which bag?", by=world.staff, at=NOW, asks=True)
    assert titles(world.ana) == ["Please answer: A bag"]
    assert not [line for line in news(world.ana) if "A bag" in line]
    cases.write_message(case=case, text="The blue one.", by=world.ana.user, at=NOW)
    assert titles(world.ana) == []


def test_a_pack_that_came_back_needs_an_address(world: World) -> None:
    add_partner()
    pack = report(asked(world.ana), PackStep.DISPATCHED, NOW)
    pack = report(pack, PackStep.RETURNED, NOW, reason="not_collected")
    assert titles(world.ana) == ["Check the address for your Welcome Pack"]
    packs.resend_pack(pack=pack, by=world.staff, at=NOW)
    assert titles(world.ana) == []


def test_a_task_does_not_depend_on_its_notice(world: World) -> None:
    case = cases.open_case(
        kind=CaseKind.CONTACT, subject="A bag", text="Where?", member=world.ana, by=world.ana.user, at=NOW
    )
    cases.answer(case=case, text="Which bag?", by=world.staff, at=NOW, asks=True)
    Notice.objects.all().delete()
    assert titles(world.ana) == ["Please answer: A bag"]


def test_every_task_is_counted_and_kit_keeps_its_lines(world: World, as_ana: Client) -> None:
    for number in range(6):
        case = cases.open_case(
            kind=CaseKind.CONTACT, subject=f"No. {number}", text="?", member=world.ana, by=world.ana.user, at=NOW
        )
        cases.answer(case=case, text="Which?", by=world.staff, at=NOW, asks=True)
    for _ in range(3):
        draft(world.ana, world.body)
    shown = board(world.ana)
    assert (shown.tasks, len(shown.other_tasks), len(shown.cards), shown.more) == (9, 6, 2, 1)
    page = as_ana.get("/dashboard/").content.decode()
    assert "9 things to do." in page and "One more product to finish" in page


# --- The archive ---


def test_the_archive_is_searched_by_word_and_filtered_by_topic(world: World, as_ana: Client) -> None:
    ticket = at_the_centre(world, a_centre(), at=NOW - DAY)
    case = cases.open_case(
        kind=CaseKind.CONTACT, subject="A bag", text="Where?", member=world.ana, by=world.ana.user, at=NOW
    )
    cases.answer(case=case, text="Here.", by=world.staff, at=NOW)
    everything = as_ana.get("/notices/").content.decode()
    assert "is at the centre" in everything and "We’ve answered your message" in everything
    assert "Today, " in everything
    for query in ("?q=AT the centre", "?about=service", f"?q={ticket.reference_in_groups}", "?about=service&q=clock"):
        page = as_ana.get(f"/notices/{query}").content.decode()
        assert "is at the centre" in page and "We’ve answered your message" not in page, query
    assert "Nothing that we told you has “camel” in it." in as_ana.get("/notices/?q=camel").content.decode()


@pytest.mark.parametrize("query", ["?q=%00", "?about=nonsense", "?page=-1&q=a", "?about=%00", "?q=" + "x" * 5000])
def test_no_query_breaks_the_archive(as_ana: Client, query: str) -> None:
    assert as_ana.get(f"/notices/{query}").status_code == 200
