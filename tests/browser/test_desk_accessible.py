"""axe-core finds nothing on the pages of the support desk that WCAG forbids, on a phone, and none is too wide (R54).

Django's own lists and forms keep its best practices as well.
"""

from collections.abc import Callable

from playwright.sync_api import Page

from kitbag.models import Claim, Registration
from members.models import User
from tests.browser.looks import WCAG, faults

LISTS = [
    "members/member",
    "kitbag/registration",
    "kitbag/registrationinreview",
    "kitbag/product",
    "servicing/ticket",
    "servicing/ticket/board",
    "servicing/ticket/numbers",
    "servicing/servicecentre",
    "cases/case",
    "offers/welcomepack",
    "partners/partner",
    "partners/credential",
    "outbox/message",
    "system/tick",
    "programme",
    "programme/changes",
    "programme/countries",
    "programme/offers",
    "programme/numbers",
]


def test_no_page_of_the_desk_has_a_violation(demo: None, visit: Callable[..., Page]) -> None:
    page = visit(User.objects.get(email="admin@example.org"), viewport={"width": 390, "height": 844})
    found = {}
    for name in ["", *LISTS]:
        addresses = [f"/admin/{name}/" if name else "/admin/"]
        for address in addresses:
            page.goto(address)
            assert page.url.endswith(address)
            found[address] = faults(page, () if page.locator("#content-main").count() else WCAG)
            first = page.locator("#result_list tbody th a").first
            if len(addresses) == 1 and first.count():
                addresses.append(str(first.get_attribute("href")))
    row, claim = Registration.objects.queue().filter(review_reason="shape")[0], Claim.objects.open()[0]
    for address in [f"/admin/kitbag/registrationinreview/{row.pk}/desk/", f"/admin/kitbag/claim/{claim.pk}/change/"]:
        page.goto(f"{address}#keys")
        found[address] = faults(page, WCAG)
    page.fill("#desk-box", row.member.number)
    page.locator(".d-find__acts, .d-find .d-row").first.wait_for()
    found["the box"] = faults(page, WCAG)
    assert len(found) > len(LISTS) + 5
    assert {address: what for address, what in found.items() if what} == {}
