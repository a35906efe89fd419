"""Stolen kit is found however its number is typed, and a look-up says what it could not read (R28, R29, R34)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.partners.enums import PartnerKind
from kitbag import rules
from kitbag.actions import handovers, registrations, stolen_reports
from kitbag.actions.serials import check_serial
from kitbag.enums import ReviewReason
from kitbag.models import Sighting, StolenReport
from tests.admin.conftest import as_support, signed_in, staff
from tests.api.machines import Machine, machine
from tests.factories import PURCHASED, details, draft, validated
from tests.rows import each_row
from tests.servicing.test_desk import works_at
from tests.world import World

__all__ = ["as_support", "staff"]
NOW = timezone.now()
SERIAL = "042021005432"
INTAKE = "/admin/servicing/ticket/intake/"

AS_TYPED = [
    SERIAL,
    f"\t{SERIAL}\t",
    f"S/N {SERIAL}",
    "０４２０２１００５４３２",
    f"\u200e{SERIAL}",
    "04202\u200b1005432",
    f"\ufeff{SERIAL}",
    "0420\u00ad2100\u00ad5432",
    "٠٤٢٠٢١٠٠٥٤٣٢",
    "۰۴۲۰۲۱۰۰۵۴۳۲",
    "०४२०२१००५४३२",
    "০৪২০২১০০৫৪৩২",
    "𝟎𝟒𝟐𝟎𝟐𝟏𝟎𝟎𝟓𝟒𝟑𝟐",
    f"SERIAL NO {SERIAL}",
    f"*{SERIAL}*",
    f"'{SERIAL}",
    f"({SERIAL})",
    f"[A] {SERIAL}",
    f"SN: {SERIAL}",
    f"№ {SERIAL}",
    f"{SERIAL}.",
    f"{SERIAL};",
    f"S\\N: {SERIAL}",
    f"N° de série : {SERIAL}",
    f"Serien-Nr. {SERIAL}",
    f"Seri no: {SERIAL}",
    f"Número de serie {SERIAL}",
    f"Серийный номер: {SERIAL}",
    f"الرقم التسلسلي: {SERIAL}",
    "0420\u00a02100\u00a05432",
    "42021005432",
]
WITH_LOOK_ALIKES = ["O42O21OO5432", "o4202ioo5432", "О42О21ОО5432", "Ο42Ο21ΟΟ5432", "SN O42O21OO5432"]
# The rule walks all spellings; each is tried at one of five doors, which all ask that rule.
CENTRE, REGISTRATION, SEARCH, HANDOVER, SALE = (AS_TYPED[door::5] for door in range(5))
AT_CENTRE, AT_REGISTRATION, AT_SEARCH = (WITH_LOOK_ALIKES[door::3] for door in range(3))


@pytest.fixture
def report(world: World) -> StolenReport:
    return stolen_reports.report_by_staff(
        product=world.pro_body,
        serial=SERIAL,
        police_reference="CR 1",
        stolen_on=None,
        note="",
        by=world.staff,
        at=NOW,
    )


def visit(world: World, typed: str) -> dict[str, Any]:
    return {
        "centre": "joburg",
        "service": "repair",
        "fault": "It sticks",
        "region": "asia",
        "card_number": "AS 123",
        "name": "Kei Example",
        "email": "kei@example.org",
        "expires_on": (timezone.localdate() + timedelta(days=300)).isoformat(),
        "product": world.pro_body.slug,
        "serial": typed,
    }


@each_row("typed", AS_TYPED + WITH_LOOK_ALIKES)
def test_every_spelling_is_looked_up_as_the_plain_number(typed: str) -> None:
    assert rules.serial_key(SERIAL) in rules.look_up_keys(typed)
    assert rules.look_up_problem(typed) == ""


@each_row("typed", CENTRE + AT_CENTRE)
def test_a_centre_stops_a_stolen_product(
    workshop: Machine, world: World, report: StolenReport, groups: dict[str, Group], typed: str
) -> None:
    centre = workshop.partner.centres.get()
    check = workshop.post("intake-checks", {"centre": centre.slug, "serial": typed}, key="")
    assert check.json()["code"] == "stolen"
    assert workshop.post("visitors", visit(world, typed)).json()["code"] == "stolen"
    desk = signed_in(works_at(centre, groups))
    assert b"Do not take it in" in desk.post(INTAKE, {"q": typed}).content
    assert Sighting.objects.filter(report=report).count() == 3


@each_row("typed", REGISTRATION + AT_REGISTRATION)
def test_a_stolen_product_is_stopped_at_registration_and_reported_once(
    world: World, report: StolenReport, as_support: Client, typed: str
) -> None:
    row = draft(world.ben, world.pro_body)
    if rules.serial_key(typed).isascii():  # other alphabets are refused with what was meant
        registrations.submit_registration(registration=row, details=details(typed), insisted=True, at=NOW)
        assert registrations.check_registration(registration=row, at=NOW).review_reason == ReviewReason.STOLEN
    else:
        assert check_serial(row, typed).suggestion == SERIAL
    assert as_support.get("/admin/kitbag/stolenreport/", {"q": typed}).context["cl"].result_count == 1
    with pytest.raises(Refusal, match="already been reported"):
        stolen_reports.report_by_staff(
            product=world.pro_body,
            serial=typed,
            police_reference="CR 2",
            stolen_on=None,
            note="",
            by=world.staff,
            at=NOW,
        )


@each_row("reported", WITH_LOOK_ALIKES)
def test_a_report_with_letters_for_digits_finds_the_real_number(workshop: Machine, world: World, reported: str) -> None:
    stolen_reports.report_by_staff(
        product=world.pro_body,
        serial=reported,
        police_reference="CR 1",
        stolen_on=None,
        note="",
        by=world.staff,
        at=NOW,
    )
    centre = workshop.partner.centres.get().slug
    check = workshop.post("intake-checks", {"centre": centre, "serial": SERIAL}, key="")
    assert check.json()["code"] == "stolen"
    assert stolen_reports.find_reported({(world.pro_body.pk, "42021005432")})


@each_row("typed", SEARCH + AT_SEARCH)
def test_staff_find_a_registration_however_its_number_is_typed(world: World, as_support: Client, typed: str) -> None:
    validated(world.ben, world.pro_body, SERIAL, at=NOW)
    for page in ("kitbag/registration", "members/member"):
        assert as_support.get(f"/admin/{page}/", {"q": typed}).context["cl"].result_count == 1


@each_row("typed", HANDOVER)
def test_a_stolen_product_is_not_handed_over(world: World, typed: str) -> None:
    row = validated(world.ana, world.pro_body, typed, at=NOW)
    stolen_reports.report_by_staff(
        product=world.pro_body,
        serial=SERIAL,
        police_reference="CR 1",
        stolen_on=None,
        note="",
        by=world.staff,
        at=NOW,
    )
    with pytest.raises(Refusal):
        handovers.release(registration=row, by=world.ana.user, at=NOW)


@each_row("typed", SALE)
def test_a_sale_finds_the_first_one_of_the_same_product(world: World, typed: str) -> None:
    till = machine("shop", PartnerKind.RETAILER)
    facts = {
        "product": world.pro_body.slug,
        "country": "ZA",
        "sold_on": str(PURCHASED),
        "receipt": "17",
    }
    assert till.post("sales", {**facts, "external_id": "R-1", "serial": SERIAL}, key="a").status_code == 201
    assert till.post("sales", {**facts, "external_id": "R-2", "serial": typed}, key="b").status_code == 200


# --- What cannot be read -----------------------------------------------------------------------------

UNREADABLE = [
    "4549292199055",
    "3.3216E+11",
    "8471*62",
    "🙂🙂🙂🙂",
    "---",
    "Johannesburg",
    "5014C002",
    "356938035643809",
    "+27 82 123 4567",
    "0420310018472233",
    "٤٢ دينار",
    "x" * 40,
]


@each_row("typed", UNREADABLE)
def test_what_is_no_serial_number_has_a_reason(typed: str) -> None:
    assert rules.look_up_problem(typed)


# Each of these doors asks that rule, and has a fourth of them.


@each_row("typed", UNREADABLE[0::4])
def test_a_look_up_says_that_it_could_not_read_a_serial_number(workshop: Machine, typed: str) -> None:
    centre = workshop.partner.centres.get()
    answer = workshop.post("intake-checks", {"centre": centre.slug, "serial": typed}, key="").json()
    assert (answer["stopped"], answer["code"]) == (False, "unreadable")
    assert "Not found" not in answer["detail"]


@each_row("typed", UNREADABLE[1::4])
def test_the_desk_says_beside_the_field_that_it_could_not_read_a_serial_number(
    workshop: Machine, groups: dict[str, Group], typed: str
) -> None:
    centre = workshop.partner.centres.get()
    page = signed_in(works_at(centre, groups)).post(INTAKE, {"q": typed}).content.decode()
    assert "We found no job" not in page
    assert 'class="field__error"' in page


@each_row("typed", UNREADABLE[2::4])
def test_a_visitor_with_an_unreadable_serial_number_is_refused_at_it(
    workshop: Machine, world: World, typed: str
) -> None:
    refused = workshop.post("visitors", visit(world, typed))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/serial")


@each_row("typed", UNREADABLE[3::4])
def test_nothing_with_an_unreadable_serial_number_is_reported_as_stolen(world: World, typed: str) -> None:
    with pytest.raises(Refusal) as refusal:
        stolen_reports.report_by_staff(
            product=world.body,
            serial=typed,
            police_reference="CR 1",
            stolen_on=None,
            note="",
            by=world.staff,
            at=NOW,
        )
    assert refusal.value.field == "serial"


@each_row(
    ("field", "typed", "code"),
    [
        ("member_number", "1", "unreadable"),
        ("member_number", "440000000017", "unreadable"),
        ("member_number", "Ana Example", "unreadable"),
        ("card", "12345", "unreadable"),
        ("card", "https://example.org/other/page", "unreadable"),
        ("card", "x" * 43, "unknown"),
        ("card", "123456789012", "unknown"),
        ("serial", "058219", "unknown"),
    ],
)
def test_unreadable_and_not_known_are_two_answers(
    workshop: Machine, world: World, field: str, typed: str, code: str
) -> None:
    centre = workshop.partner.centres.get().slug
    assert workshop.post("intake-checks", {"centre": centre, field: typed}, key="").json()["code"] == code


@pytest.mark.parametrize("shape", ["{}", "\u200e{}", "{}\t"])
def test_a_member_number_is_found_however_it_was_typed(workshop: Machine, world: World, shape: str) -> None:
    number = world.ana.number
    arabic = "".join("٠١٢٣٤٥٦٧٨٩"[int(digit)] for digit in number)
    grouped = f"{number[:4]}-{number[4:8]}\u00a0{number[8:]}"
    centre = workshop.partner.centres.get().slug
    for text in (number, arabic, grouped):
        answer = workshop.post("intake-checks", {"centre": centre, "member_number": shape.format(text)}, key="")
        assert answer.json()["member"]["number"] == number


def test_a_centre_is_warned_of_a_number_that_was_read_or_looks_wrong(workshop: Machine, world: World) -> None:
    centre = workshop.partner.centres.get().slug
    validated(world.ana, world.pro_body, SERIAL)

    def warned(serial: str, **more: str) -> list[str]:
        answer = workshop.post("intake-checks", {"centre": centre, "serial": serial, **more}, key="").json()
        assert all(one["detail"].endswith("product.") for one in answer["warnings"])
        return [one["code"] for one in answer["warnings"]]

    product = world.pro_body.slug
    assert warned(SERIAL) == warned(SERIAL, product=product) == warned(f"S/N {SERIAL}", product=product) == []
    assert warned("O42O21OO5432") == warned("O42O21OO5432", product=product) == ["serial_read_as"]
    assert warned("58214", product=product) == ["serial_shape"]
    assert warned("3.3216E+11", product=product) == []  # it was not read at all: the code is `unreadable`
