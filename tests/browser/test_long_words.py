"""Text of people that has no blank in it does not make a page wider than a phone."""

from collections.abc import Callable

from django.utils import timezone
from playwright.sync_api import Page

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from kitbag.actions.evidence import add_evidence
from kitbag.models import Registration
from members import actions
from members.support.actions import Visitor, open_case
from members.support.enums import CaseKind
from tests.factories import draft, submitted
from tests.files import samples
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

PHONE = {"width": 390, "height": 844}
WORD = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewissenhaftsch"  # 70 letters


def open_pages(world: World) -> list[str]:
    """Pages on which the word stands as a name, a store, a subject, a message, a fault and the name of a file."""
    now, ana = timezone.now(), world.ana
    actions.change_profile(member=ana, first_name=WORD, last_name=WORD)
    ticket = a_request(world, a_centre(), fault=WORD)
    product = submitted(ana, world.body, "012345678902")
    Registration.objects.filter(member=ana).update(store=WORD)
    upload = samples.upload(samples.pdf(), f"{WORD}.pdf", "application/pdf")
    stored = files.store(upload=upload, purpose="case", by=ana.user, at=now)
    case = open_case(kind=CaseKind.CONTACT, subject=WORD, text=WORD, member=ana, by=ana.user, at=now, attached=[stored])
    unfinished = draft(ana, world.lens)
    receipt = Uploads(fresh=[samples.upload(samples.pdf(), f"{WORD}2.pdf", "application/pdf")])
    add_evidence(registration=unfinished, uploads=receipt, by=ana.user, at=now)
    return [
        "/dashboard/",
        "/profile/",
        "/profile/security/",
        "/card/",
        "/card/abroad/",
        "/going-to/KE/",
        "/cases/",
        f"/cases/{case.reference}/",
        "/service/",
        f"/service/{ticket.reference}/",
        f"/service/parcels/{ticket.parcel.reference}/" if ticket.parcel else "/service/",
        "/kitbag/",
        f"/kitbag/{product.pk}/",
        f"/kitbag/{ticket.registration_id}/",
        f"/kitbag/{unfinished.pk}/finish/",
        "/kitbag/points/",
        "/kitbag/what-if/",
        "/offers/",
        "/profile/country/",
        "/contact/",
        f"/contact/?subject={WORD}",
    ]


def wide_pages(page: Page, paths: list[str]) -> dict[str, int]:
    widths = {}
    for path in paths:
        page.goto(path)
        widths[path] = page.evaluate("document.documentElement.scrollWidth")
    return {path: width for path, width in widths.items() if width > PHONE["width"]}


def test_a_word_of_seventy_letters_breaks_on_a_phone(committed_world: World, visit: Callable[..., Page]) -> None:
    paths = open_pages(committed_world)
    assert wide_pages(visit(committed_world.ana.user, viewport=PHONE), paths) == {}


def test_so_it_does_for_a_new_member_and_a_visitor(committed_world: World, visit: Callable[..., Page]) -> None:
    ben, now = committed_world.ben, timezone.now()
    actions.change_profile(member=ben, first_name=WORD, last_name="")
    visitor = Visitor(name=WORD, email="visitor@example.org", language="en")
    case = open_case(kind=CaseKind.CONTACT, subject=WORD, text=WORD, visitor=visitor, by=None, at=now)
    assert wide_pages(visit(ben.user, viewport=PHONE), ["/dashboard/", "/card/", "/profile/"]) == {}
    assert wide_pages(visit(viewport=PHONE), [case.get_absolute_url()]) == {}
