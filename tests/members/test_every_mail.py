"""A walk over all mails: one button, a preview text, and plain text that says what the HTML says."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test.signals import template_rendered

from cps_portal.core.outbox import renderers
from cps_portal.core.outbox.mail import common_context, render_parts
from cps_portal.core.outbox.models import Message
from cps_portal.core.outbox.renderers import get_renderer
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Partner, WebhookEndpoint
from cps_portal.site.actions import close_account, reopen_account
from kitbag.actions import registrations, review
from members.emails import joined_context
from members.models import Member
from members.support import actions as cases
from members.support.actions import Visitor
from members.support.enums import CaseKind
from servicing.actions.events import Actor
from servicing.actions.messages import write_message
from tests.factories import submitted
from tests.members.test_notices import NOW, STORIES
from tests.members.test_unconfirmed import others
from tests.servicing.jobs import a_centre, a_request, at_the_centre
from tests.world import World

TEMPLATES = Path(settings.BASE_DIR, "templates")
SIGN_IN = [*TEMPLATES.glob("account/email/*_subject.txt"), *TEMPLATES.glob("mfa/email/*_subject.txt")]
GIVEN = {
    "email": "ana@example.org",
    "activate_url": "https://portal.example/confirm",
    "password_reset_url": "https://portal.example/reset",
    "signup_url": "https://portal.example/join",
    "timestamp": NOW,
    "ip": "192.0.2.7",
    "user_agent": "Firefox",
    "from_email": "old@example.org",
    "to_email": "new@example.org",
    "deleted_email": "old@example.org",
}
NO_MAIL = re.compile(
    r"partner|sandbox|pack_requested|pack_cancelled|card_requested|test|ticket_document|estimate_reminder|members.push"
)
Mail = dict[str, Any]


def stories(world: World) -> Iterator[tuple[str, Mail]]:
    """What goes out beside each kind of notice."""
    for story in STORIES.values():
        with transaction.atomic():
            before = set(Message.objects.values_list("pk", flat=True))
            next(story(world))
            for message in Message.objects.exclude(pk__in=before).filter(kind="mail"):
                if mail := get_renderer(message.payload["renderer"])(**message.payload["context"]):
                    yield message.payload["renderer"], mail
            transaction.set_rollback(True)


def to_others(world: World) -> Iterator[tuple[str, Mail]]:
    """To visitors, to centres and to staff."""
    visitor = Visitor(name="Vera", email="vera@example.org")
    case = cases.open_case(kind=CaseKind.CONTACT, subject="A card", text="Where?", visitor=visitor, by=None, at=NOW)
    cases.answer(case=case, text="In the post.", by=world.staff, at=NOW)
    for message in Message.objects.filter(to="vera@example.org"):
        yield "cases.case", get_renderer("cases.case")(**message.payload["context"]) or {}
    centre = a_centre("late")
    job = a_request(world, centre, "012345678998", at=NOW)
    write_message(ticket=job, text="Is it ready?", actor=Actor(user=world.ana.user), at=NOW - timedelta(days=9))
    yield "servicing.unanswered", get_renderer("servicing.unanswered")(centre=centre.pk) or {}
    yield from to_partner()
    yield "servicing.holidays", get_renderer("servicing.holidays")(holidays=[], missing=["UA 2026"]) or {}


def to_partner() -> Iterator[tuple[str, Mail]]:
    """To the technical contact of a partner: its endpoint does not answer, and is suspended."""
    house = Partner.objects.create(
        name="Parcels", slug="parcels", kind="fulfilment", technical_contact="it@example.org"
    )
    hook, _secret = partners.add_endpoint(partner=house, url="https://parcels.example/", by=None, at=NOW)
    WebhookEndpoint.objects.update(failing_since=NOW - timedelta(days=1), suspends_at=NOW + timedelta(days=4))
    yield "partners.endpoint_failing", get_renderer("partners.endpoint_failing")(endpoint=hook.pk) or {}
    partners.suspend_failing_endpoint(endpoint=hook, reason="It has not answered for days.", at=NOW)
    yield "partners.endpoint_suspended", get_renderer("partners.endpoint_suspended")(endpoint=hook.pk) or {}


def of_one_member(world: World) -> Iterator[tuple[str, Mail]]:
    """What no notice goes with, or looks different for some: a photo is asked for, a clock runs, an account opens."""
    with transaction.atomic():
        row = submitted(world.ben, world.body, "58215", insisted=True, at=NOW)
        row = registrations.check_registration(registration=row, at=NOW)
        review.ask_for_more(registration=row, text="A photo of the number, please.", by=world.staff, at=NOW)
        yield "kitbag.refused", get_renderer("kitbag.refused")(registration=row.pk) or {}
        job = at_the_centre(world, a_centre("clock"), "012345678997", NOW)
        event = job.events.get(kind="booked_in")
        yield "servicing.ticket_event", get_renderer("servicing.ticket_event")(event=event.pk) or {}
        member = Member.objects.get(pk=world.chloe.pk)
        member = close_account(member=member, by=member.user, at=NOW)
        reopen_account(member=member, by=member.user, at=NOW)
        context = {"member": member.pk, "template": "account_reopened"}
        yield "members.account", get_renderer("members.account")(**context) or {}
        transaction.set_rollback(True)


def sign_in_mails(world: World) -> Iterator[tuple[str, Mail]]:
    for subject in SIGN_IN:
        name = str(subject.relative_to(TEMPLATES)).removesuffix("_subject.txt")
        context = {**common_context(), **GIVEN, **joined_context(Member.objects.get(pk=world.ben.pk))}
        yield name, render_parts(f"{name}_subject.txt", f"{name}_message.html", context)


def every_mail(world: World) -> Iterator[tuple[str, Mail]]:
    yield from stories(world)
    yield from to_others(world)
    yield from of_one_member(world)
    yield from sign_in_mails(world)
    for name, context in others(world):
        yield name, get_renderer(name)(**context) or {}


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def wrong_in(mail: Mail) -> list[str]:
    """What is missing in a mail, or too much."""
    html, text = mail["html"], mail["text"]
    found = re.search(r'data-plain="no">(.*?)</div>', html, re.DOTALL)
    preview = words(found[1]) if found else ""
    buttons = re.findall(r'<td class="p btn"[^>]*><a href="([^"]+)"[^>]*>(.+?)</a>', html)
    body = html.partition("</h1>")[2]
    paragraphs = [words(part) for part in re.findall(r'<td class="p ink2[^>]*>(.*?)</td>', body, re.DOTALL)]
    plain = " ".join(text.split())
    sentences = [part for each in paragraphs for part in re.split(r"(?<=[.!?:]) ", each) if "http" not in part]
    wrong = [f"not in the text: {part}" for part in sentences if part.rstrip(":. ") not in plain]
    if len(buttons) != 1:
        wrong.append(f"{len(buttons)} buttons")
    wrong += [f"button: {label}" for href, label in buttons if f"{words(label)}:\n{unescape(href)}\n" not in text]
    if not preview or preview == mail["subject"] or preview[-1] not in ".!?…":
        wrong.append(f"preview: {preview!r}")
    if re.search(r"<img|url\(|@import|<link|<script|background=", html):
        wrong.append("loads something")
    if f">{mail['subject']}</h1>" not in unescape(html) or "{" in text or "<" in text:
        wrong.append(f"subject or text: {mail['subject']}")
    return wrong


@pytest.mark.django_db
def test_every_mail_has_one_button_a_preview_and_the_same_words_as_text(world: World) -> None:
    """R56. The table of renderers and the files of templates say that none was left out."""
    seen, templates, wrong = set(), set(), []

    def note(sender: object, template: Any, **_kwargs: object) -> None:
        templates.add(template.name)

    template_rendered.connect(note)
    try:
        for name, mail in every_mail(world):
            seen.add(name)
            assert mail, name
            if faults := wrong_in(mail):
                wrong.append((name, mail["subject"], faults))
    finally:
        template_rendered.disconnect(note)
    assert wrong == []
    assert {name for name in renderers._renderers if not NO_MAIL.search(name)} <= seen
    files = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.glob("emails/*.html")}
    assert files <= templates
