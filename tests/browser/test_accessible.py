"""axe-core finds nothing on the pages of visitors and members: light, dark, 390, 1440 px, both directions."""

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Page

from kitbag.enums import RegistrationState
from members.models import Member
from tests.browser.looks import faults

PUBLIC = [
    "/",
    "/help/",
    "/developers/",
    "/developers/?q=signature",
    "/developers/webhooks/",
    "/centres/?near=Johannesburg",
    "/centres/johannesburg-professional-service-centre/",
    "/terms/",
    "/privacy/",
    "/contact/",
    "/country/?country=FR",
    "/country/?country=SY",
    "/accounts/login/",
    "/accounts/signup/?country=ZA",
    "/accounts/password/reset/",
    "/nothing-here/",
    "/c/nothing-here/",
]
MEMBER = [
    "/dashboard/",
    "/notices/",
    "/kitbag/",
    "/kitbag/?view=table",
    "/kitbag/add/",
    "/kitbag/add/?q=r5",
    "/kitbag/points/",
    "/card/",
    "/card/abroad/",
    "/going-to/",
    "/going-to/KE/",
    "/visiting-members/",
    "/card/lost/",
    "/cases/",
    "/offers/",
    "/offers/an-evening-with-long-lenses/",
    "/service/",
    "/service/new/",
    "/service/check/",
    "/profile/",
    "/profile/country/",
    "/profile/security/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
]
# Each width, scheme and direction at least once. All eight combinations would find nothing more.
Look = tuple[str, Literal["light", "dark"]]
LOOKS: dict[int, list[Look]] = {390: [("ltr", "light"), ("rtl", "dark")], 1440: [("ltr", "dark")]}


def problems(page: Page, address: str) -> list[str]:
    """Problems of the page in each theme and direction of this width."""
    faults_found = []
    page.goto(address)
    assert page.viewport_size
    for direction, scheme in LOOKS[page.viewport_size["width"]]:
        page.evaluate("direction => { document.documentElement.dir = direction }", direction)
        page.emulate_media(color_scheme=scheme)
        faults_found += [f"{address} {direction} {scheme}: {fault}" for fault in faults(page)]
    return faults_found


def registrations_of(member: Member) -> list[str]:
    """The pages of one registration in each state."""
    pages = []
    for state in RegistrationState.values:
        row = member.registrations.filter(state=state).first()
        if row:
            pages.append(f"/kitbag/{row.pk}/")
        if row and state in (RegistrationState.DRAFT, RegistrationState.REJECTED):
            pages.append(f"/kitbag/{row.pk}/finish/")
        if row and state == RegistrationState.REJECTED:
            pages.append(f"/kitbag/{row.pk}/appeal/")
        if row and state == RegistrationState.VALIDATED:
            pages.append(f"/kitbag/{row.pk}/remove/")
    drafts = member.registrations.filter(state=RegistrationState.DRAFT)
    return [*pages, "/kitbag/finish/?" + "&".join(f"pick={row.pk}" for row in drafts)]


@pytest.mark.parametrize("width", LOOKS)
def test_no_page_has_a_violation(demo: None, visit: Callable[..., Page], width: int) -> None:
    look = {"viewport": {"width": width, "height": 900}, "reduced_motion": "reduce"}
    ana = Member.objects.get(user__email="ana@example.org")
    ben = Member.objects.get(user__email="ben@example.org")
    all_problems: list[str] = []
    page = visit(**look)
    for address in PUBLIC:
        all_problems += problems(page, address)
    page = visit(ana.user, **look)
    for address in MEMBER + registrations_of(ana):
        all_problems += problems(page, address)
    page = visit(ben.user, **look)
    for address in ["/dashboard/", "/kitbag/", "/kitbag/points/", "/card/"]:
        all_problems += problems(page, address)
    assert all_problems == []
