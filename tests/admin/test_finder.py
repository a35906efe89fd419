"""The one box of the desk: everything by its number or name, only what one's rights allow, on indexes (R54)."""

from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.site.queries import finder
from kitbag.models import SerialChange
from members.models import User
from members.offers.models import Card, CardRequest, WelcomePack
from servicing.actions.events import SYSTEM
from servicing.actions.shipping import Tracking, mark_sent
from servicing.actions.tickets import book_in
from servicing.enums import Direction
from servicing.models import ServiceCentre, Shipment, Ticket
from tests.admin.conftest import SignIn, signed_in
from tests.admin.crowd import add_crowd, add_jobs
from tests.factories import UserFactory, validated
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.servicing.test_desk import works_at
from tests.world import World

URL = "/admin/search/"
SERIAL = "052021004419"
HTMX = {"HX-Request": "true"}


def kinds(user: User, term: str) -> set[str]:
    return {hit.kind for hit in finder.find(user, term)}


def a_job(world: World) -> Ticket:
    add_jobs([world.ana, world.ben], UserFactory(is_staff=True, is_superuser=True))
    ticket = Ticket.objects.filter(member=world.ana).latest("pk")
    shipment = Shipment.objects.create(direction=Direction.TO_CENTRE, number="JD 0146-0077", sent_at=timezone.now())
    shipment.tickets.add(ticket)
    shipment.number_key = "JD01460077"
    shipment.save(update_fields=["number_key"])
    return ticket


def test_everything_is_found_by_what_is_typed_or_scanned(world: World) -> None:
    add_crowd(range(1), world.terms)
    root, ticket = UserFactory(is_superuser=True), a_job(world)
    registration = validated(world.ana, world.pro_body, SERIAL)
    card = Card.objects.order_by("pk")[0]
    terms = {
        world.ana.number: "members",
        world.ana.number_in_groups: "members",
        world.ana.user.email.upper(): "members",
        world.ana.last_name[:2]: "members",
        f"  {world.ana.last_name[:3]}  {world.ana.first_name[:2]} ": "members",
        SERIAL: "serials",
        "0520 2100 4419": "serials",
        registration.serial.lower(): "serials",
        ticket.reference: "jobs",
        ticket.reference_in_groups.lower(): "jobs",
        ticket.parcel.reference_in_groups: "parcels",
        "jd01460077": "jobs",
        "JD 0146 0077": "jobs",
        card.number: "cards",
        card.number_in_groups: "cards",
        f"https://portal.example.org{card.check_path}": "cards",
        card.token: "cards",
    }
    assert {term: kind for term, kind in terms.items() if kind not in kinds(root, term)} == {}


def test_old_numbers_and_couriers_of_packs_and_cards_are_found(world: World) -> None:
    """R54, R64"""
    add_crowd(range(1), world.terms)
    root = UserFactory(is_superuser=True)
    row = validated(world.ana, world.pro_body, SERIAL)
    SerialChange.objects.create(
        product=row.product,
        registration=row,
        serial="99887766",
        serial_key="99887766",
        new_serial=SERIAL,
        new_key=row.serial_key or "",
        state="applied",
        at=timezone.now(),
    )
    pack = WelcomePack.objects.latest("pk")
    WelcomePack.objects.filter(pk=pack.pk).update(tracking="1Z 999 AA1-0123")
    request = CardRequest.objects.create(
        member=world.ana,
        reference="0234567C",
        reported_at=timezone.now(),
        changed_at=timezone.now(),
        tracking="RR 123 456 785 ZA",
        country="ZA",
        blanked_at=timezone.now(),
    )
    terms = {
        "9988 7766": ("serials", row.pk),
        "1z999aa10123": ("packs", pack.pk),
        "1Z 999-AA1 0123": ("packs", pack.pk),
        "rr123456785za": ("requests", request.pk),
        "RR 123 456 785 ZA": ("requests", request.pk),
    }
    found = {term: [(hit.kind, hit.row.pk) for hit in finder.find(root, term)] for term in terms}
    assert {term: hits for term, hits in found.items() if terms[term] not in hits} == {}


def test_an_exact_hit_brings_the_next_steps_that_ones_rights_allow(
    world: World, as_root: Client, staff: SignIn, groups: dict[str, Group]
) -> None:
    validated(world.ana, world.pro_body, SERIAL)
    typed = as_root.get(URL, {"q": SERIAL}, headers=HTMX).content.decode()
    member = reverse("admin:members_member_change", args=[world.ana.pk])
    for key, url in enumerate([member, f"?q={SERIAL}", "registrationevent"], start=1):
        assert url in typed
        assert f'data-key="{key}"' in typed
    everything = as_root.get(URL, {"q": SERIAL, "all": "1"})
    assert everything.status_code == 200
    assert [label for label, _url in everything.context["acts"]] == ["The member", "Its jobs", "All it went through"]
    ticket = a_job(world)
    clerk = signed_in(works_at(ticket.centre, groups))
    page = clerk.get(URL, {"q": ticket.reference, "all": "1"})
    assert page.context["only"]
    assert page.context["acts"] == [], "a clerk sees no members"


def test_short_and_strange_terms_find_nothing_and_break_nothing(world: World, as_root: Client) -> None:
    strange = [
        "",
        " ",
        "a",
        "-",
        "'",
        "%",
        "\0",
        "\0\0\0",
        "(",
        "é",
        "&|!:*",
        "\\",
        "\u202e",
        "😀",
        "x" * 5000,
        "0" * 400,
    ]
    answers = {term: as_root.get(URL, {"q": term}) for term in strange}
    assert {term: answer.status_code for term, answer in answers.items() if answer.status_code != 200} == {}
    assert [term for term in strange if answers[term].context["groups"]] == []
    assert [finder.is_long_enough(term) for term in ("a", "王", "김", "ab", "a b", "12")] == [
        False,
        True,
        True,
        True,
        True,
        True,
    ]


def test_enter_opens_the_only_exact_hit_and_typing_only_lists_it(world: World, as_root: Client) -> None:
    page = reverse("admin:members_member_change", args=[world.ana.pk])
    assert as_root.get(URL, {"q": world.ana.number})["Location"] == page
    typed = as_root.get(URL, {"q": world.ana.number}, headers=HTMX)
    assert typed.status_code == 200
    assert page in typed.content.decode()
    assert "<html" not in typed.content.decode()
    by_name = as_root.get(URL, {"q": world.ana.last_name})
    assert by_name.status_code == 200
    assert page in by_name.content.decode()


def test_everybody_finds_what_the_own_rights_open(world: World, groups: dict[str, Group]) -> None:
    """Support everything of a member, a clerk the own jobs, a clerk of another centre nothing, others nothing."""
    ticket = a_job(world)
    users = {
        "own": works_at(ticket.centre, groups),
        "other": works_at(ServiceCentre.objects.get(slug=f"of-{world.ben.pk}"), groups),
        "nowhere": UserFactory(is_staff=True),
        "Support": UserFactory(is_staff=True),
        "Programme": UserFactory(is_staff=True),
        "none": UserFactory(is_staff=True),
    }
    users["nowhere"].groups.add(groups["Centre"])
    for name in ("Support", "Programme"):
        users[name].groups.add(groups[name])
    terms = (world.ana.number, world.ana.user.email, world.ana.last_name, ticket.reference, "JD01460077")
    found = {name: set[str]().union(*(kinds(user, term) for term in terms)) for name, user in users.items()}
    jobs = {"own": {"jobs"}, "other": set(), "nowhere": set(), "Programme": {"jobs", "members"}, "none": set()}
    assert found == {"Support": {"members", "jobs"}, **jobs}
    pages = {name: signed_in(user).get(URL, {"q": ticket.reference}) for name, user in users.items()}
    opened = {name for name, answer in pages.items() if answer.status_code == 302}
    assert opened == {"own", "Support", "Programme"}
    assert signed_in(users["own"]).get(pages["own"]["Location"]).status_code == 200


@each_row("term", ["reference", "jd 0146 0078"])
def test_a_scan_of_an_expected_parcel_opens_the_page_that_takes_it_in(
    world: World, groups: dict[str, Group], term: str
) -> None:
    """R61: by the number on our label, or the courier's. Once it is here, its jobs are what is found."""
    ticket = a_request(world, a_centre("expecting"), at=timezone.now())
    mark_sent(
        parcel=ticket.parcel,
        member=world.ana,
        tracking=Tracking(number="JD01460078"),
        actor=SYSTEM,
        at=timezone.now(),
    )
    clerk = signed_in(works_at(ticket.centre, groups))
    scanned = ticket.parcel.reference if term == "reference" else term
    page = reverse("admin:servicing_ticket_parcel", args=[ticket.parcel_id])
    assert clerk.get(URL, {"q": scanned})["Location"] == page
    assert clerk.get(page).status_code == 200
    support = UserFactory(is_staff=True)
    support.groups.add(groups["Support"])
    assert signed_in(support).get(URL, {"q": scanned})["Location"] == page
    elsewhere = signed_in(works_at(a_centre("elsewhere"), groups))
    assert elsewhere.get(URL, {"q": scanned}).context["groups"] == []
    book_in(ticket=ticket, actor=SYSTEM, at=timezone.now())
    job = reverse("admin:servicing_ticket_change", args=[ticket.pk])
    assert clerk.get(URL, {"q": scanned})["Location"] == job


def test_the_box_is_for_staff_with_their_second_factor(world: World, staff: SignIn) -> None:
    assert Client().get(URL, {"q": "ab"}).status_code == 302
    assert staff("Support", second_factor=False).get(URL, {"q": "ab"}).status_code == 302
    assert staff("Support").post(URL, {"q": "ab"}).status_code == 405


def test_no_search_scans_a_table(world: World) -> None:
    root = UserFactory(is_superuser=True)
    add_crowd(range(1), world.terms)
    terms = (world.ana.number, "ana@example.org", "Bo", "王", SERIAL, "MQF2-KG6X", "JD01460077", "x" * 43, "02345672")
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
    scans = []
    for term in terms:
        with CaptureQueriesContext(connection) as asked:
            finder.find(root, term)
        for query in asked:
            with connection.cursor() as cursor:
                cursor.execute(f"explain {query['sql']}")
                scans += [(term, line) for (line,) in cursor.fetchall() if "Seq Scan" in line]
    assert scans == []
