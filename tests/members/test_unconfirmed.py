"""What a stranger typed never reaches the owner of an address in the first lines of our mails.

Anybody can join with anybody's address and type any name; the mail that follows must not be an advertisement.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from cps_portal.core.outbox import renderers
from cps_portal.core.outbox.mail import common_context, render_parts
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.renderers import get_renderer
from cps_portal.site import account_merges, lost_addresses
from cps_portal.site.actions import close_account
from kitbag.models import Registration, StolenReport
from members import emails
from members.models import EmailChange, Member
from members.offers.models import Card, CardRequest, Offer
from members.support import actions as cases
from members.support.actions import Visitor
from members.support.enums import CaseKind
from members.support.models import Case
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from servicing.models import Loan, LoanUnit, Ticket
from tests.factories import UserFactory, draft
from tests.members.test_notices import NOW, STORIES
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = pytest.mark.django_db
TYPED = "You won R5000 at evil.example"


def first_lines(mail: dict[str, str]) -> list[str]:
    """The subject, and what a mail program shows first: of the text, and title, preview, heading and first line."""
    html = unescape(mail["html"])
    intro = re.search(r"</h1>.*?<td[^>]*>(.*?)(?:<br|</td>)", html, re.DOTALL)
    parts = [
        re.search(pattern, html, re.DOTALL)
        for pattern in (r"<title>(.*?)</title>", r'"true" data-plain="no">(.*?)</div>', r"<h1[^>]*>(.*?)</h1>")
    ]
    assert intro and all(parts)
    lines = [line for line in mail["text"].splitlines() if line.strip()]
    return [mail["subject"], lines[0], intro[1], *(part[1] for part in parts if part)]


def make_hostile(*people: Member) -> None:
    """Everything that these people could have typed is what they typed; nobody has confirmed an address."""
    EmailAddress.objects.update(verified=False)
    Member.objects.filter(pk__in=[person.pk for person in people]).update(first_name=TYPED, last_name=TYPED)
    Case.objects.update(subject=TYPED, visitor_name="")
    StolenReport.objects.update(police_reference=TYPED)
    Registration.objects.update(store=TYPED)
    Ticket.objects.update(fault=TYPED)


def loan(world: World) -> dict[str, object]:
    centre = a_centre("other")
    unit = LoanUnit.objects.create(centre=centre, product=world.body, serial="900000000001")
    job = a_request(world, centre, "012345678999", at=NOW)
    facts = {"state": "out", "reserved_at": NOW, "agreed_at": NOW, "out_at": NOW, "condition_out": "Good"}
    row = Loan.objects.create(
        unit=unit, ticket=job, member=world.ana, due_back=timezone.localdate(NOW) + timedelta(days=2), **facts
    )
    return {"loan": row.pk, "what": "due", "due": row.due_back.toordinal()}


def returned_card(world: World) -> CardRequest:
    card = Card.objects.create(member=world.ana, number="880000000017", token="t", issued_at=NOW)
    where = {"name": TYPED, "country": "ZA", "street": TYPED, "city": TYPED}
    facts = {"state": "returned", "reported_at": NOW, "asked_at": NOW, "changed_at": NOW}
    return CardRequest.objects.create(member=world.ana, card=card, reference="3F7K2M9A", **where, **facts)


def two_people(world: World) -> Iterator[tuple[str, dict[str, object]]]:
    """Mails about what two of the staff decide together (R69)."""
    by, second = UserFactory(email="lindiwe@example.org", is_staff=True), world.staff
    merge = account_merges.propose_merge(survivor=world.ana, ended=world.ben, reason=TYPED, by=by, at=NOW)
    account_merges.confirm_merge(merge=merge, by=second, at=NOW)
    yield "portal.accounts_merged", {"merge": merge.pk, "member": world.ben.pk}
    merge.refresh_from_db()
    account_merges.undo_merge(merge=merge, by=by, at=NOW)
    yield "portal.accounts_unmerged", {"merge": merge.pk, "member": world.ben.pk}
    member, at = Member.objects.get(pk=world.ben.pk), timezone.now()
    request = lost_addresses.request_change(
        member=member, new_email="new@example.org", reason=TYPED, attached=[], by=by, at=at
    )
    yield "portal.address_asked", {"request": request.pk}
    lost_addresses.approve_change(request=request, by=second, at=at)
    yield "portal.address_replaced", {"request": request.pk}
    yield "portal.address_given", {"request": request.pk}
    freeze = lost_addresses.freeze_by_link(request=request, at=at)
    yield "portal.account_stopped", {"freeze": freeze.pk}
    lost_addresses.ask_to_release(freeze=freeze, reason=TYPED, by=by, at=at)
    lost_addresses.release_account(freeze=freeze, by=second, at=at)
    yield "portal.account_released", {"freeze": freeze.pk}


def others(world: World) -> Iterator[tuple[str, dict[str, object]]]:
    """Renderers that no notice goes with."""
    draft(world.ana, world.lens)
    Member.objects.update(wants_news=True)
    yield "kitbag.reminder", {"member": world.ana.pk}
    facts = {"levels": ["gold"], "since": NOW - timedelta(days=1), "state": "published"}
    offer = Offer.objects.create(kind="special", slug="s", title="A bag", summary="For you.", **facts)
    yield "offers.news", {"offer": offer.pk, "member": world.ana.pk}
    yield "offers.card_returned", {"request": returned_card(world).pk}
    job = a_request(world, a_centre(), at=NOW)
    said = write_message(ticket=job, text="It is here.", actor=Actor(user=world.staff), at=NOW)
    yield "servicing.ticket_message", {"message": said.pk}
    yield "servicing.loan", loan(world)
    yield from two_people(world)
    closed = close_account(member=world.chloe, by=world.chloe.user, at=NOW)
    yield "members.account", {"member": closed.pk, "template": "account_closed"}
    user, now = world.ana.user, timezone.now()
    change = EmailChange.objects.create(user=user, old_email="old@example.org", new_email=user.email, at=now)
    for name in ("email_changed", "reset_held", "reset_asked"):
        yield f"members.{name}", {"change": change.pk}
    EmailChange.objects.update(undone_at=now)
    yield "members.email_undone", {"change": change.pk}


NOT_MAILS = (
    "partner",
    "sandbox.",  # events to partners
    "offers.pack_requested",
    "offers.pack_cancelled",
    "offers.card_requested",
    "servicing.unanswered",  # to a centre
    "servicing.holidays",  # to staff
    "members.push",  # to a browser, without any names
    "test",
)
SAME_TEMPLATE = {"servicing.ticket_document", "servicing.estimate_reminder"}  # as servicing.ticket_message


def test_no_mail_to_an_unconfirmed_address_begins_with_what_was_typed(world: World) -> None:
    """A table over all renderers: subject, heading, preview and first line hold nothing that a member typed."""
    rendered, checked = set(), 0
    for story in STORIES.values():
        with transaction.atomic():
            before = set(Message.objects.values_list("pk", flat=True))
            next(story(world))
            make_hostile(world.ana, world.ben)
            for message in Message.objects.exclude(pk__in=before).filter(kind="mail"):
                assert "renderer" in message.payload, message.key
                name = message.payload["renderer"]
                mail = get_renderer(name)(**message.payload["context"])
                if mail:
                    rendered.add(name)
                    checked += 1
                    assert not [line for line in first_lines(mail) if "evil" in line], (name, first_lines(mail))
            transaction.set_rollback(True)
    for name, context in others(world):
        make_hostile(world.ana, world.ben, world.chloe)
        mail = get_renderer(name)(**context)
        assert mail, name
        rendered.add(name)
        assert not [line for line in first_lines(mail) if "evil" in line], (name, first_lines(mail))
    every = {name for name in renderers._renderers if not any(part in name for part in NOT_MAILS)}
    assert rendered | SAME_TEMPLATE == every
    assert checked > 25


def test_the_mail_at_joining_repeats_nothing_that_was_typed(world: World) -> None:
    make_hostile(world.ana)
    name = "account/email/email_confirmation_signup"
    context = {**common_context(), **emails.joined_context(Member.objects.get(pk=world.ana.pk)), "activate_url": "/a"}
    mail = render_parts(f"{name}_subject.txt", f"{name}_message.html", context)
    assert "evil" not in mail["subject"] + mail["text"] + mail["html"]


def test_the_mail_to_a_visitor_repeats_nothing_that_was_typed(world: World) -> None:
    visitor = Visitor(name=TYPED, email="victim@example.org")
    case = cases.open_case(kind=CaseKind.CONTACT, subject=TYPED, text=TYPED, visitor=visitor, by=None, at=NOW)
    cases.answer(case=case, text="We don’t know what you mean.", by=world.staff, at=NOW)
    for message in Message.objects.filter(to="victim@example.org"):
        mail = get_renderer("cases.case")(**message.payload["context"])
        assert mail and "evil" not in mail["subject"] + mail["text"] + mail["html"]


def test_a_confirmed_member_is_greeted_by_name(world: World) -> None:
    mail = get_renderer("kitbag.reminder")(member=draft(world.ana, world.lens).member_id)
    assert mail and mail["text"].startswith("Hello Ana,") and "Hello Ana," in mail["html"]
