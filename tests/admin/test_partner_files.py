"""Staff load a retailer's sales and a centre's events from CSV files, for partners without a system (R52, R54, R55)."""

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cps_portal.core.partners.enums import PartnerKind
from cps_portal.core.partners.models import Partner
from kitbag.models import Product, Sale
from members.models import Member, User
from servicing.models import CentreStaff, ServiceCentre, Ticket, TicketEvent
from tests.admin.conftest import SignIn
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

pytestmark = pytest.mark.django_db
SALES, EVENTS = "/admin/kitbag/sale/by-file/", "/admin/servicing/ticket/by-file/"
NOW = timezone.now()
SALES_HEAD = "external_id,product,serial,country,sold_on,receipt\n"
EVENTS_HEAD = "reference,kind,occurred_at,condition,why_no_charge,tracking_url\n"

NATIVE_DIGITS = {
    "Arabic": str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"),
    "Persian": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
}


@pytest.fixture
def shop(db: None) -> Partner:
    return Partner.objects.create(name="Camera House", slug="camera-house", kind=PartnerKind.RETAILER)


@pytest.fixture
def centre(world: World) -> ServiceCentre:
    return a_centre()


@pytest.fixture
def ticket(world: World, centre: ServiceCentre) -> Ticket:
    return a_request(world, centre, at=NOW - timedelta(days=3))


def sale_line(world: World, number: int = 1, **changes: str) -> str:
    cells = {
        "external_id": f"S-{number}",
        "product": world.body.slug,
        "serial": f"01234567890{number}",
        "country": "ZA",
        "sold_on": (NOW - timedelta(days=9)).date().isoformat(),
        "receipt": f"R-{number}",
        **changes,
    }
    return ",".join(cells.values()) + "\n"


def load(client: Client, page: str, text: str, **fields: Any) -> Any:
    return client.post(page, {"do": "load", "text": text, **fields})


def problems(answer: Any) -> list[tuple[int, str]]:
    return [(problem.number, problem.column) for problem in answer.context["problems"]]


# --- Sales ---------------------------------------------------------------------------------------


def test_sales_are_recorded_as_the_retailers_own_and_the_same_file_twice_changes_nothing(
    world: World, shop: Partner, as_root: Client
) -> None:
    text = SALES_HEAD + sale_line(world, 1) + sale_line(world, 2, product=world.body.name)
    answer = load(as_root, SALES, text, partner=shop.pk)
    assert "2 lines recorded." in answer.content.decode()
    assert set(Sale.objects.values_list("partner", "external_id", "serial", "country")) == {
        (shop.pk, "S-1", "012345678901", "ZA"),
        (shop.pk, "S-2", "012345678902", "ZA"),
    }
    assert LogEntry.objects.filter(content_type__model="sale").count() == 2
    again = load(as_root, SALES, text, partner=shop.pk).content.decode()
    assert "0 lines recorded. 2 were recorded before, and nothing has changed." in again
    assert (Sale.objects.count(), LogEntry.objects.filter(content_type__model="sale").count()) == (2, 2)


BAD_SALES = [
    ({"product": "nonsense"}, "product", "no such product"),
    ({"serial": "4549292157321"}, "serial", "bar code"),
    ({"country": "South Africa"}, "country", "ISO code"),
    ({"country": "ZZ"}, "country", "ISO code"),
    ({"sold_on": "31.03.2026"}, "sold_on", "Write the day like"),
    ({"sold_on": "2036-03-31"}, "sold_on", "in the future"),
    ({"receipt": ""}, "receipt", "Fill it in"),
]


def test_each_wrong_sale_is_named_with_its_column_and_the_others_are_recorded(
    world: World, shop: Partner, as_root: Client
) -> None:
    lines = [sale_line(world, 3, **changes) for changes, _column, _why in BAD_SALES]
    answer = load(as_root, SALES, SALES_HEAD + "".join(lines) + sale_line(world, 1), partner=shop.pk)
    assert problems(answer) == [(n, column) for n, (_changes, column, _why) in enumerate(BAD_SALES, start=2)]
    for problem, (_changes, _column, why) in zip(answer.context["problems"], BAD_SALES, strict=True):
        assert why in problem.message
    assert list(Sale.objects.values_list("external_id", flat=True)) == ["S-1"]


def test_a_serial_number_that_only_looks_unusual_is_taken_with_a_warning(
    world: World, shop: Partner, as_root: Client
) -> None:
    answer = load(as_root, SALES, SALES_HEAD + sale_line(world, 1, serial="58214"), partner=shop.pk)
    (warning,) = answer.context["loaded"].warnings
    assert (warning.number, warning.column, Sale.objects.count()) == (2, "serial", 1)
    assert "worth a look" in answer.content.decode()


DIALECTS = {
    "semicolons and a mark": lambda text: ("\ufeff" + text.replace(",", ";")).encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "Windows": lambda text: text.replace("\n", "\r\n").encode("cp1252"),
    "Arabic digits": lambda text: text.translate(NATIVE_DIGITS["Arabic"]).encode(),
    "Persian digits": lambda text: text.translate(NATIVE_DIGITS["Persian"]).encode(),
    "capitals and blanks in the first line": lambda text: text.replace("sold_on", "Sold on").encode(),
}


@each_row("dialect", DIALECTS)
def test_files_are_read_as_spreadsheets_write_them(world: World, shop: Partner, as_root: Client, dialect: str) -> None:
    Product.objects.filter(pk=world.body.pk).update(slug="a-body")
    file = SimpleUploadedFile("sales.csv", DIALECTS[dialect](SALES_HEAD + sale_line(world, 1, product="a-body")))
    answer = as_root.post(SALES, {"do": "load", "partner": shop.pk, "file": file})
    assert answer.context["problems"] == []
    sale = Sale.objects.get()
    assert (sale.serial, sale.sold_on) == ("012345678901", (NOW - timedelta(days=9)).date())


def test_refused_lines_of_a_file_stand_on_the_page_to_be_corrected_and_are_downloaded_safely(
    world: World, shop: Partner, as_root: Client
) -> None:
    bad = sale_line(world, 2, product="=cmd()")
    file = SimpleUploadedFile("sales.csv", (SALES_HEAD + sale_line(world, 1) + bad).encode())
    answer = as_root.post(SALES, {"do": "load", "partner": shop.pk, "file": file})
    assert answer.context["form"]["text"].value() == SALES_HEAD + bad
    assert str(answer.context["form"]["partner"].value()) == str(shop.pk)
    report = as_root.post(SALES, {"do": "report", "report": answer.context["report"]})
    (row,) = csv.DictReader(io.StringIO(report.content.decode().lstrip("\ufeff")))
    assert (row["line"], row["column"], row["product"]) == ("3", "product", "'=cmd()")
    assert "no such product" in row["why"]
    assert "attachment" in report["Content-Disposition"]
    corrected = report.content.decode().replace("'=cmd()", world.body.slug)
    assert load(as_root, SALES, corrected, partner=shop.pk).context["problems"] == []
    assert Sale.objects.count() == 2


@each_row("report", ["", "no JSON", "{}", "[1]", '[["1"]]', "[[1,2,3,4,5,6,7,8,9]]", "[" * 50_000])
def test_a_report_that_the_page_did_not_make_is_refused(as_root: Client, report: str) -> None:
    assert as_root.post(SALES, {"do": "report", "report": report}).status_code == 400


FILES = [
    ("", "Choose a file"),
    ("\x01", "not a CSV file"),
    ("a,b\n1,2", "The first line has to contain"),
    (SALES_HEAD + "x\n" * 501, "at most 500 lines"),
]


@each_row(("text", "why"), FILES)
def test_a_file_that_is_no_table_is_refused_beside_its_field(
    shop: Partner, as_root: Client, text: str, why: str
) -> None:
    assert why in str(load(as_root, SALES, text, partner=shop.pk).context["form"].errors["text"])
    file = SimpleUploadedFile("sales.csv", text.encode())
    chosen = as_root.post(SALES, {"do": "load", "partner": shop.pk, "file": file})
    assert why in str(chosen.context["form"].errors)


def test_what_was_pasted_stays_and_a_retailer_has_to_be_chosen(world: World, shop: Partner, as_root: Client) -> None:
    centre = Partner.objects.create(name="No shop", slug="no-shop", kind=PartnerKind.CENTRE)
    for wrong in ("", str(centre.pk), "x"):
        answer = load(as_root, SALES, SALES_HEAD + sale_line(world), partner=wrong)
        assert "partner" in answer.context["form"].errors
        assert "S-1" in answer.content.decode()
    assert not Sale.objects.exists()


def test_columns_that_are_not_read_are_named(world: World, shop: Partner, as_root: Client) -> None:
    text = SALES_HEAD.strip() + ",till\n" + sale_line(world).strip() + ",4\n"
    assert "These columns were not read: till." in load(as_root, SALES, text, partner=shop.pk).content.decode()


def test_the_template_has_the_columns_of_the_page(world: World, as_root: Client) -> None:
    for page in (SALES, EVENTS):
        answer = as_root.get(f"{page}template/")
        assert answer["Content-Type"].startswith("text/csv")
        head = answer.content.decode().lstrip("\ufeff").splitlines()[0].split(",")
        assert head == as_root.get(page).context["form"].row_form.columns()


def test_only_who_may_load_sales_gets_there(staff: SignIn) -> None:
    for group, status in (("Programme", 200), ("Support", 403), ("Centre", 403)):
        client = staff(group)
        assert [client.get(path).status_code for path in (SALES, f"{SALES}template/")] == [status] * 2
        assert client.post(SALES, {"do": "report", "report": "[]"}).status_code == status
    assert "Load a file" in staff("Programme").get("/admin/kitbag/sale/").content.decode()


# --- Events --------------------------------------------------------------------------------------


def events(ticket: Ticket) -> list[str]:
    return list(TicketEvent.objects.filter(ticket=ticket).order_by("pk").values_list("kind", flat=True))


def test_events_are_recorded_in_the_centres_time_and_the_same_file_twice_changes_nothing(
    world: World, centre: ServiceCentre, ticket: Ticket, as_root: Client
) -> None:
    ServiceCentre.objects.filter(pk=centre.pk).update(zone="Africa/Johannesburg")
    day = (NOW - timedelta(days=1)).date()
    text = (
        EVENTS_HEAD
        + f"{ticket.reference_in_groups},accepted,{day} 09:30,,,\n"
        + f"{ticket.reference.lower()},no_charge,{day}T10:00:00Z,,goodwill,\n"
    )
    answer = load(as_root, EVENTS, text, centre=centre.pk)
    assert answer.context["problems"] == []
    assert {"accepted", "no_charge"} <= set(events(ticket))
    accepted = TicketEvent.objects.get(ticket=ticket, kind="accepted")
    assert accepted.occurred_at.isoformat() == f"{day}T07:30:00+00:00"
    assert (accepted.by_id, accepted.partner) == (int(as_root.session["_auth_user_id"]), None)
    before = events(ticket)
    again = load(as_root, EVENTS, text, centre=centre.pk).content.decode()
    assert "0 lines recorded. 2 were recorded before" in again
    assert events(ticket) == before


@each_row("digits", NATIVE_DIGITS)
def test_references_times_and_numbers_of_events_are_read_in_native_digits(
    world: World, centre: ServiceCentre, ticket: Ticket, as_root: Client, digits: str
) -> None:
    day = (NOW - timedelta(days=1)).date()
    head = "reference,kind,occurred_at,serial,insisted,expected_on,tracking\n"
    cells = f"{ticket.reference},{{}},{day} 09:30,042021005432,1,2026-12-24,0048 7"
    text = head + cells.translate(NATIVE_DIGITS[digits]).format("accepted") + "\n"
    form = as_root.post(EVENTS, {"do": "load", "text": text, "centre": centre.pk}).context["form"]
    ((_line, read),) = form.lines
    assert (read["reference"], read["serial"], read["insisted"]) == (ticket.reference, "042021005432", True)
    assert (read["expected_on"], read["tracking"]) == (date(2026, 12, 24), "0048 7")
    accepted = TicketEvent.objects.get(ticket=ticket, kind="accepted")
    assert accepted.occurred_at.astimezone(centre.calendar.zone).strftime("%Y-%m-%d %H:%M") == f"{day} 09:30"


BAD_EVENTS = [
    ("nonsense,accepted,{now},,,", "reference", "isn’t the reference"),
    ("{other},accepted,{now},,,", "reference", "no job with this reference"),
    ("{ref},lost,{now},,,", "kind", "isn’t one of accepted"),
    ("{ref},accepted,yesterday,,,", "occurred_at", "isn’t a time"),
    ("{ref},accepted,0001-01-01,,,", "occurred_at", "before the service was requested"),
    ("{ref},accepted,9999-12-31T23:59:59-12:00,,,", "occurred_at", "in the future"),
    ("{ref},ready,{now},,,", "kind", "cannot be recorded while the job is"),
    ("{ref},no_charge,{now},,,", "why_no_charge", "Say why there is no charge"),
    ("{ref},no_charge,{now},,because,", "why_no_charge", "isn’t one of"),
    ("{ref},shipped,{now},,,http://x.example", "tracking_url", "https://"),
]


def test_each_wrong_event_is_named_with_its_column_and_the_others_are_recorded(
    world: World, centre: ServiceCentre, ticket: Ticket, as_root: Client
) -> None:
    other = a_request(world, a_centre("other"), "012345678902", at=NOW - timedelta(days=3))
    text = EVENTS_HEAD + "\n".join([*(line for line, _column, _why in BAD_EVENTS), "{ref},accepted,{now},,,"])
    for name, value in {"ref": ticket.reference, "other": other.reference, "now": NOW.isoformat()}.items():
        text = text.replace(f"{{{name}}}", value)
    answer = load(as_root, EVENTS, text, centre=centre.pk)
    assert problems(answer) == [(n, column) for n, (_line, column, _why) in enumerate(BAD_EVENTS, start=2)]
    for problem, (_line, _column, why) in zip(answer.context["problems"], BAD_EVENTS, strict=True):
        assert why in problem.message
    assert "accepted" in events(ticket)


def test_somebody_of_a_centre_loads_for_their_own_centres_and_not_for_their_own_job(
    world: World, centre: ServiceCentre, ticket: Ticket, staff: SignIn
) -> None:
    client = staff("Centre")
    user = User.objects.get(pk=client.session["_auth_user_id"])
    text = f"{EVENTS_HEAD}{ticket.reference},accepted,{NOW.isoformat()},,,\n"
    assert "centre" in load(client, EVENTS, text, centre=centre.pk).context["form"].errors
    CentreStaff.objects.create(centre=centre, user=user)
    assert client.get(EVENTS).context["form"]["centre"].initial == centre
    assert load(client, EVENTS, text, centre=centre.pk).context["problems"] == []
    assert "accepted" in events(ticket)
    Member.objects.filter(pk=world.ana.pk).update(user=user)
    sent = text.replace("accepted", "sent")
    (problem,) = load(client, EVENTS, sent, centre=centre.pk).context["problems"]
    assert "your own job" in problem.message


def test_only_who_works_on_tickets_gets_there(staff: SignIn) -> None:
    for group, status in (("Support", 200), ("Centre", 200), ("Programme", 403)):
        client = staff(group)
        assert [client.get(path).status_code for path in (EVENTS, f"{EVENTS}template/")] == [status] * 2


def test_a_line_costs_the_same_in_a_long_file(world: World, shop: Partner, as_root: Client) -> None:
    counts = []
    for first, lines in ((100, 2), (200, 12)):
        text = SALES_HEAD + "".join(
            sale_line(world, 1, external_id=f"S-{n}", serial=f"012345678{n}", receipt=f"R-{n}")
            for n in range(first, first + lines)
        )
        with CaptureQueriesContext(connection) as queries:
            answer = load(as_root, SALES, text, partner=shop.pk)
        assert answer.context["loaded"].new == lines
        counts.append(len(queries))
    assert (counts[1] - counts[0]) / 10 <= 14
