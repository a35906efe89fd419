"""At a centre's counter through the API (R5, R34, R43, R49)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from cps_portal.core.outbox.models import Message
from kitbag.actions import stolen_reports
from kitbag.models import Registration, Sighting
from members.offers.actions.cards import get_or_issue_card
from servicing.models import CardRule, ServiceCentre, Ticket, VisitingMember
from servicing.rules.visitors import region_of
from tests.api.machines import Machine, machine
from tests.factories import validated
from tests.queries import SNAPSHOT_QUERIES
from tests.rows import each_row
from tests.servicing.jobs import a_centre
from tests.world import World

LOOK = "intake-checks"
SERIAL = "012345678901"


@pytest.fixture
def elsewhere(world: World) -> Machine:
    found = machine("cape")
    a_centre("cape", partner=found.partner)
    return found


@pytest.fixture
def kit(world: World) -> Registration:
    return validated(world.ana, world.pro_body, SERIAL)


def look(workshop: Machine, **said: object) -> dict[str, Any]:
    answer = workshop.post(LOOK, {"centre": workshop.partner.centres.get().slug, **said}, key="")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def repair(product: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in product["services"] if row["service"] == "repair")


def job(workshop: Machine, **said: object) -> dict[str, object]:
    return {"centre": workshop.partner.centres.get().slug, "service": "repair", "fault": "It sticks", **said}


def visitor(workshop: Machine, world: World, **said: object) -> dict[str, object]:
    day = timezone.localdate() + timedelta(days=300)
    card = {"region": "asia", "card_number": "AS 123", "name": "Kei Example", "email": "kei@example.org"}
    return job(workshop, **card, expires_on=day.isoformat(), product=world.pro_body.slug, serial="066666666666", **said)


def report(world: World, row: Registration) -> None:
    stolen_reports.report_own(
        registration=row, police_reference="CR 1", stolen_on=None, note="", by=world.ana.user, at=timezone.now()
    )


def code(answer: HttpResponse) -> tuple[int, str, str]:
    """With the place of its first fault."""
    said = answer.json()
    return answer.status_code, said["code"], said.get("errors", [{}])[0].get("pointer", "")


def test_serial_card_and_number_say_what_the_product_gets(workshop: Machine, world: World, kit: Registration) -> None:
    by_serial = look(workshop, serial="0123 4567 8901", warranty=True, proof=True)
    (product,) = by_serial["products"]
    assert (by_serial["code"], by_serial["member"], product["serial"]) == ("found", None, SERIAL)
    assert product["member"] == {"name": "Ana Example", "number": world.ana.number, "level": "gold"}
    given = repair(product)
    assert (given["track"], given["target_days"], given["warranty"]) == ("fast", 3, "asked")
    assert given["loan_possible"]
    card = get_or_issue_card(member=world.ana, at=timezone.now())
    scanned = f"https://portal.example.org{card.check_path}"
    for typed in ({"card": card.number_in_groups}, {"card": scanned}, {"member_number": world.ana.number}):
        found = look(workshop, **typed)
        assert found["member"]["name"] == "Ana Example"
        assert SERIAL in [row["serial"] for row in found["products"]]
        assert not found["card_stopped"]
    assert look(workshop, serial=SERIAL, product=world.lens.slug)["code"] == "unknown"
    unknown = look(workshop, card="x" * 43)
    assert unknown["code"] == "unknown"
    assert unknown == look(workshop, member_number="440099999995") == look(workshop, serial="000")


def test_every_service_gives_the_reason_for_standard_speed_or_refusal(
    workshop: Machine, world: World, kit: Registration
) -> None:
    ServiceCentre.objects.update(services=["repair"], country="FR")
    (product,) = look(workshop, serial=SERIAL)["products"]
    assert repair(product)["why_standard"] == ["no_programme"]
    refused = {row["service"]: row["refused"] for row in product["services"] if not row["possible"]}
    assert refused == {"maintenance": ["service"], "upgrade": ["service"]}


@pytest.mark.parametrize("key", ["", "once"])
def test_stolen_kit_is_stopped_and_shows_nothing_of_its_owner(
    workshop: Machine, world: World, kit: Registration, key: str
) -> None:
    report(world, kit)
    said = {"centre": "joburg", "serial": SERIAL}
    answer = workshop.post(LOOK, said, key=key)
    found = answer.json()
    assert set(found) == {"stopped", "code", "detail"}
    assert (found["stopped"], found["code"]) == (True, "stolen")
    assert "call support" in found["detail"]
    text = answer.content.decode()
    ana = world.ana
    for secret in (ana.first_name, ana.last_name, ana.number, ana.user.email, ana.level, world.pro_body.name, "CR 1"):
        assert secret.lower() not in text.lower()
    assert workshop.post(LOOK, said, key=key).json() == found
    assert Sighting.objects.filter(where="centre").count() == (1 if key else 2)
    assert Message.objects.filter(to=ana.user.email, key__startswith="stolen-").count() == 1


@each_row(
    "typed",
    [
        "012345678901",
        "\t0123 4567 8901",
        "S/N 012345678901",
        "SERIAL NO 012345678901",
        "*012345678901*",
        "'012345678901",
        "\u200e012345678901",
        "01234\u200b5678901",
        "\ufeff0123456\u00ad78901",
        "٠١٢٣٤٥٦٧٨٩٠١",
        "۰۱۲۳۴۵۶۷۸۹۰۱",
        "０１２３４５６７８９０１",
        "O1234567890I",
        "О12345б78901".replace("б", "6"),
    ],
)
def test_stolen_kit_is_found_however_its_number_was_typed(
    workshop: Machine, world: World, kit: Registration, typed: str
) -> None:
    report(world, kit)
    assert look(workshop, serial=typed)["stopped"]


def test_stolen_kit_is_not_opened_either_and_its_sighting_stays(
    workshop: Machine, world: World, kit: Registration
) -> None:
    (product,) = look(workshop, serial=SERIAL)["products"]
    report(world, kit)
    refused = workshop.post("tickets", job(workshop, key=product["key"]))
    assert code(refused)[:2] == (409, "stolen")
    brought = visitor(workshop, world) | {"serial": SERIAL}
    assert code(workshop.post("visitors", brought))[:2] == (409, "stolen")
    assert "Ana" not in refused.content.decode()
    assert Sighting.objects.count() == 2
    assert not Ticket.objects.exists()
    assert not VisitingMember.objects.exists()


@pytest.mark.parametrize("many", [False, True])
def test_stolen_kit_that_comes_by_parcel_is_not_booked_in_and_its_sighting_stays(
    workshop: Machine, world: World, kit: Registration, many: bool
) -> None:
    (product,) = look(workshop, serial=SERIAL)["products"]
    path = f"tickets/{workshop.post('tickets', job(workshop, key=product['key'])).json()['reference']}"
    report(world, kit)
    event = {"kind": "booked_in", "external_id": "1", "occurred_at": timezone.now().isoformat()}
    if many:
        batch = {"events": [{**event, "reference": path.removeprefix("tickets/")}]}
        (found,) = workshop.post("tickets/events", batch).json()["results"]
        assert found["problem"]["code"] == "stolen"
    else:
        assert code(workshop.post(f"{path}/events", event))[:2] == (409, "stolen")
    assert Sighting.objects.count() == 1
    assert Ticket.objects.get().state == "requested"


def test_a_key_opens_the_job_and_the_same_request_opens_it_once(
    workshop: Machine, world: World, kit: Registration
) -> None:
    (product,) = look(workshop, serial=SERIAL)["products"]
    said = job(workshop, key=product["key"], condition="Worn\nat the foot", accessories="Cap", book_in=True)
    assert code(workshop.post("tickets", {**said, "fault": ""})) == (409, "fault", "/fault")
    first, again = (workshop.post("tickets", said, key="counter-1") for _time in range(2))
    assert first.status_code == again.status_code == 201, first.content
    assert first.content == again.content
    ticket = Ticket.objects.get()
    assert (first.json()["state"], first.json()["track"]) == ("booked_in", "fast")
    assert (ticket.member, ticket.registration, ticket.condition) == (world.ana, kit, "Worn\nat the foot")
    assert {event.partner for event in ticket.events.all()} == {workshop.partner}
    read = workshop.get(first["Location"].removeprefix("/api/v1/"))
    assert (read.json(), read["ETag"]) == (first.json(), first["ETag"])
    assert look(workshop, serial=SERIAL)["tickets"][0]["reference"] == ticket.reference
    assert code(workshop.post("tickets", said))[:2] == (409, "in_service")


def test_what_is_in_no_kitbag_is_opened_with_the_key_of_the_member(workshop: Machine, world: World) -> None:
    key = look(workshop, member_number=world.ana.number)["member"]["key"]
    assert code(workshop.post("tickets", job(workshop, key=key))) == (400, "invalid", "/product")
    done = workshop.post("tickets", job(workshop, key=key, product=world.body.slug, serial="077777777777"))
    assert (done.status_code, done.json()["track"]) == (201, "standard")
    assert "not_registered" in done.json()["why_standard"]


def test_when_all_places_are_taken_the_wish_is_asked_for_and_a_waiting_one_is_not_booked_in(
    workshop: Machine, world: World
) -> None:
    for n in range(4):
        validated(world.ana, world.pro_body, f"03333333333{n}")
    rows = [look(workshop, serial=f"03333333333{n}")["products"][0] for n in range(4)]
    for row in rows[:3]:
        assert workshop.post("tickets", job(workshop, key=row["key"])).status_code == 201
    assert repair(look(workshop, serial=rows[3]["serial"])["products"][0])["needs_choice"]
    last = job(workshop, key=rows[3]["key"], book_in=True)
    assert code(workshop.post("tickets", last)) == (409, "places", "/wish")
    assert workshop.post("tickets", {**last, "wish": "wait"}).json()["state"] == "waiting"


def test_centre_and_keys_of_another_partner_are_as_if_they_did_not_exist(
    workshop: Machine, elsewhere: Machine, world: World, kit: Registration
) -> None:
    (product,) = look(workshop, serial=SERIAL)["products"]
    for centre in ("joburg", "nowhere"):
        told = elsewhere.post(LOOK, {"centre": centre, "serial": SERIAL})
        assert code(told) == (400, "invalid", "/centre")
        assert "None of your centres" in told.content.decode()
    refused = elsewhere.post("tickets", job(elsewhere, key=product["key"]))
    assert code(refused) == (409, "key", "/key") == code(elsewhere.post("tickets", job(elsewhere, key="1:2:3")))
    assert workshop.post("tickets", job(workshop, key=product["key"])).status_code == 201
    assert look(elsewhere, serial=SERIAL)["tickets"] == []  # in service, but not there
    assert workshop.post("visitors", visitor(workshop, world)).status_code == 201
    visiting = VisitingMember.objects.get()
    assert elsewhere.get("visitors").json()["results"] == []
    assert elsewhere.get(f"visitors/{visiting.pk}").status_code == 404
    assert code(elsewhere.post("visitors", visitor(workshop, world))) == (400, "invalid", "/centre")


def test_what_the_rule_of_its_region_doubts_is_taken_with_a_warning(workshop: Machine, world: World) -> None:
    card = visitor(workshop, world)
    region = region_of(str(card["region"]))
    CardRule.objects.create(region=region, number_shapes="ZZ 99", max_years_valid=1)
    told = workshop.post("visitors", card | {"region": str(region), "expires_on": "2099-01-31"})
    assert told.status_code == 201, told.content
    assert [warning["code"] for warning in told.json()["warnings"]] == ["card_number", "expires_on"]
    fits = card | {"region": str(region), "card_number": "zz-12", "serial": "066666666667"}
    CardRule.objects.update(max_years_valid=None)
    assert workshop.post("visitors", fits).json()["warnings"] == []


def test_a_foreign_card_is_served_at_standard_speed_and_written_down(workshop: Machine, world: World) -> None:
    told = look(workshop, serial="066666666666", product=world.pro_body.slug)
    assert (told["code"], told["member"], told["products"]) == ("unknown", None, [])
    assert "visiting member" in told["detail"]
    assert repair({"services": told["visiting"]})["why_standard"] == ["visiting"]
    over = visitor(workshop, world) | {"expires_on": "2020-01-31"}
    assert code(workshop.post("visitors", over)) == (409, "expired", "/expires_on")
    assert not VisitingMember.objects.exists()
    first, again = (workshop.post("visitors", visitor(workshop, world, book_in=True), key="v") for _time in range(2))
    assert first.status_code == 201, first.content
    assert first.content == again.content
    ticket = first.json()
    assert (ticket["state"], ticket["customer"]["kind"], ticket["why_standard"]) == (
        "booked_in",
        "visiting",
        ["visiting"],
    )
    with CaptureQueriesContext(connection) as queries:
        (row,) = workshop.get("visitors").json()["results"]
    assert len(queries) <= 3 + SNAPSHOT_QUERIES
    assert (row["name"], row["tickets"]) == ("Kei Example", [ticket["reference"]])
    assert workshop.get(f"visitors/{row['id']}").json() == row


def test_invalid_fields_are_reported_and_no_ticket_is_opened(workshop: Machine, world: World) -> None:
    both = {"centre": "joburg", "serial": "1", "member_number": "1"}
    assert code(workshop.post(LOOK, both))[:2] == code(workshop.post(LOOK, {"centre": "joburg"}))[:2]
    assert code(workshop.post(LOOK, {"centre": "joburg", "card": "1", "product": "x"})) == (400, "invalid", "/product")
    for name, value in {"serial": "---", "name": "K\x1bei", "fault": "a\x07b", "product": "toaster"}.items():
        assert code(workshop.post("visitors", visitor(workshop, world) | {name: value})) == (400, "invalid", f"/{name}")
    for junk in ("\x00", "٣٣٣٣", "9" * 40, "/c/x/", "'"):
        for name in ("serial", "card", "member_number"):
            assert workshop.post(LOOK, {"centre": "joburg", name: junk}).status_code in (200, 400)
    assert not Ticket.objects.exists()


def test_lookups_are_limited_so_that_members_cannot_be_enumerated(workshop: Machine, settings: Settings) -> None:
    settings.LOOK_UP_LIMIT = (2, 3600)
    said = {"centre": "joburg", "member_number": "1"}
    assert workshop.post(LOOK, said, key="a").status_code == 200
    assert workshop.post(LOOK, said, key="a")["Idempotency-Replayed"] == "true"  # not counted
    assert workshop.post("card-checks", {"card": "1"}).status_code == 200
    refused = workshop.post(LOOK, said)
    assert (refused.status_code, int(refused["Retry-After"]) > 0) == (429, True)
    assert workshop.post("card-checks", {"card": "1"}).status_code == 429
    assert workshop.get("tickets").status_code == 200


def test_without_the_scope_nothing_is_looked_up_or_opened(workshop: Machine, world: World) -> None:
    reader = machine(scopes=["tickets:read"])
    for path in (LOOK, "tickets", "visitors", "card-checks"):
        assert code(reader.post(path, {}))[0] == 403


def test_a_look_up_asks_no_more_for_twenty_products_than_for_one(workshop: Machine, world: World) -> None:
    workshop.fetch()

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            found = look(workshop, member_number=world.ben.number)
        assert len(found["products"]) == Registration.objects.of(world.ben).count()
        return len(queries)

    validated(world.ben, world.pro_body, "040000000000")
    few = asked()
    for n in range(1, 20):
        validated(world.ben, world.pro_body, f"0400000000{n:02}")
    assert asked() == few <= 15  # two more for the history, one for numbers that were replaced (R64)


@each_row(
    ("typed", "read"),
    [
        ("oceania", ("oceania", "", False)),
        ("New Zealand", ("oceania", "", True)),
        ("The Moon", ("other", "The Moon", True)),
        ("other", ("other", "", False)),
    ],
)
def test_a_region_is_a_code_and_its_names_are_still_taken(
    workshop: Machine, world: World, typed: str, read: tuple[str, str, bool]
) -> None:
    region, kept, warned = read
    told = workshop.post("visitors", visitor(workshop, world) | {"region": typed})
    assert told.status_code == 201, told.content
    assert [one["code"] for one in told.json()["warnings"]] == ["region"] * warned
    seen = workshop.get(f"visitors/{VisitingMember.objects.get().pk}").json()
    assert (seen["region"], seen["region_text"]) == (region, kept)
    ticket = workshop.get(f"tickets/{told.json()['reference']}")
    assert ticket.headers["ETag"] == told.headers["ETag"]
