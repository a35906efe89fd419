"""The forms in which people type something, each with a member who may open it and what they type."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from kitbag.actions import registrations, review
from kitbag.enums import RefusalReason
from members.models import User
from members.offers.actions.reference_data import load_offers
from members.support import actions as cases
from members.support.enums import CaseKind
from tests.factories import draft, submitted, validated
from tests.servicing.jobs import a_centre, a_request, at_the_centre
from tests.world import World

ADDRESS = {
    "name": ["Ana E."],
    "country": ["ZA"],
    "street": ["14 Oak Avenue\r\nFlat 2"],
    "city": ["Johannesburg"],
    "postal_code": ["2092"],
    "phone": ["+27 82 123 4567"],
}

SHIPPING = {
    **ADDRESS,
    "travel": ["courier"],
    "back": ["elsewhere"],
    "step": ["review"],
    "go": ["send"],
    "centre": ["joburg"],
}


@dataclass(frozen=True)
class TypedForm:
    """A form on `page` that is sent to `action`, with what `user` types (None: a visitor)."""

    user: User | None
    page: str
    action: str
    typed: dict[str, list[str]]


def contact(world: World) -> TypedForm:
    typed = {"kind": ["kit"], "subject": ["Grip & strap"], "text": ['\nIt’s <b>gone</b>.\r\n\r\n  "Help" 😀']}
    return TypedForm(world.ana.user, "/contact/", "/contact/", typed)


def contact_about_a_product(world: World) -> TypedForm:
    about = validated(world.ana, world.body, "012345678911")
    typed = {"kind": ["kit"], "subject": ["This one"], "text": ["What is it worth?"]}
    return TypedForm(world.ana.user, f"/contact/?about=registration:{about.pk}", "/contact/", typed)


def case_reply(world: World) -> TypedForm:
    case = cases.open_case(
        kind=CaseKind.KIT, subject="S", text="T", member=world.ana, by=world.ana.user, at=timezone.now()
    )
    url = case.get_absolute_url()
    return TypedForm(world.ana.user, url, url, {"text": ["One\r\ntwo"]})


def finish(world: World) -> TypedForm:
    row = draft(world.ana, world.body)
    url = f"/kitbag/{row.pk}/finish/"
    typed = {
        "serial": ["012345678921"],
        "store": ["O’Brien’s"],
        "country": ["KE"],
        "purchased_on_day": ["31"],
        "purchased_on_month": ["10"],
        "purchased_on_year": ["2025"],
    }
    return TypedForm(world.ana.user, f"{url}?through=1", url, typed)


def service_request(world: World) -> TypedForm:
    a_centre(street="1 Sample Street", postal_code="1685")
    row = validated(world.ana, world.pro_body, "012345678931")
    typed = {f"p{row.pk}_fault": ["The shutter sticks"], f"p{row.pk}_service": ["repair"]}
    return TypedForm(world.ana.user, f"/service/new/?product={row.pk}", "/service/new/", typed)


def welcome_pack(world: World) -> TypedForm:
    load_offers()
    url = "/offers/welcome-pack/"
    return TypedForm(world.ana.user, url, url, ADDRESS)


def appeal(world: World) -> TypedForm:
    now = timezone.now()
    row = submitted(world.ben, world.body, "58214", insisted=True, at=now)
    row = registrations.check_registration(registration=row, at=now)
    review.refuse_registration(registration=row, reason=RefusalReason.SERIAL_WRONG, by=world.staff, at=now)
    url = f"/kitbag/{row.pk}/appeal/"
    return TypedForm(world.ben.user, url, url, {"text": ["I hold the camera in my hand: the number is right."]})


def stolen_report(world: World) -> TypedForm:
    row = validated(world.ana, world.body, "012345678941")
    url = f"/kitbag/{row.pk}/stolen/"
    typed = {
        "police_reference": ["CAS 12/26"],
        "stolen_on_day": ["1"],
        "stolen_on_month": ["2"],
        "stolen_on_year": ["2026"],
        "note": ["From the car."],
    }
    return TypedForm(world.ana.user, url, url, typed)


def removal(world: World) -> TypedForm:
    row = validated(world.ana, world.body, "012345678951")
    url = f"/kitbag/{row.pk}/remove/"
    return TypedForm(world.ana.user, url, url, {"reason": ["sold"]})


def ticket_message(world: World) -> TypedForm:
    ticket = at_the_centre(world, a_centre(), "012345678961", at=timezone.now() - timedelta(hours=3))
    url = ticket.get_absolute_url()
    return TypedForm(world.ana.user, url, f"{url}write/", {"text": ["When will it be ready?"]})


def parcel_sent(world: World) -> TypedForm:
    parcel = a_request(world, a_centre(), "012345678971", at=timezone.now()).parcel
    url = parcel.get_absolute_url()
    return TypedForm(world.ana.user, url, f"{url}sent/", {"carrier": ["Courier Guy"], "tracking": ["TCG123"]})


def profile(world: World) -> TypedForm:
    typed = {
        "first_name": ["Ana María"],
        "last_name": ["O’Neill"],
        "specialty": ["wildlife"],
        "wants_counted": ["on"],
        "wants_reminders": ["on"],
    }
    return TypedForm(world.ana.user, "/profile/", "/profile/", typed)


def visitor_contact(world: World) -> TypedForm:
    typed = {
        "kind": ["contact"],
        "name": ["Vera Visitor"],
        "email": ["vera@example.org"],
        "subject": ["Joining"],
        "text": ["May I join?"],
    }
    return TypedForm(None, "/contact/", "/contact/", typed)


def visitor_reply(world: World) -> TypedForm:
    visitor = cases.Visitor("Vera Visitor", "vera@example.org")
    case = cases.open_case(kind=CaseKind.CONTACT, subject="S", text="T", visitor=visitor, by=None, at=timezone.now())
    url = f"/contact/case/{case.access_token}/"
    return TypedForm(None, url, url, {"text": ["And when?"]})


def joining(world: World) -> TypedForm:
    typed = {"first_name": ["Dina"], "last_name": ["Example"], "email": ["dina@example.org"], "adult": ["on"]}
    return TypedForm(None, "/accounts/signup/?country=KE", "/accounts/signup/", typed)


MEMBERS_FORMS: list[Callable[[World], TypedForm]] = [
    contact,
    contact_about_a_product,
    case_reply,
    finish,
    service_request,
    welcome_pack,
    appeal,
    stolen_report,
    removal,
    ticket_message,
    parcel_sent,
    profile,
]
VISITORS_FORMS: list[Callable[[World], TypedForm]] = [visitor_contact, visitor_reply, joining]
