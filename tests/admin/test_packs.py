"""Staff manage Welcome Packs; a fulfilment partner without an API works with files (R37, R38, R54)."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.core.lib.reference import reference
from cps_portal.core.partners.actions import add_endpoint
from cps_portal.core.partners.models import Partner
from members.models import Member
from members.offers.enums import PackState
from members.offers.models import PackEvent, WelcomePack
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now()
PAGE = "/admin/offers/welcomepack/by-file/"


def asked(member: Member, body: str, house: Partner | None = None) -> WelcomePack:
    before = NOW - timedelta(days=2)
    pack = WelcomePack.objects.create(
        member=member,
        reference=reference(body),
        level_when_asked="gold",
        language="en",
        name="=cmd()",
        country="ZA",
        street="1 Oak Avenue",
        city="Johannesburg",
        postal_code="2092",
        phone="+27820000000",
        asked_at=before,
        sending_since=before,
        changed_at=before,
        partner=house,
    )
    PackEvent.objects.create(pack=pack, step="asked", sending=1, occurred_at=before, received_at=before)
    return pack


def test_a_file_is_exported_once_downloaded_again_and_imported_back(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    house = Partner.objects.create(name="House", slug="house", kind="fulfilment", since=NOW)
    add_endpoint(partner=house, url="https://house.example/", by=None, at=NOW)
    told = asked(world.ben, "3K70MQ2", house)
    taken = as_root.post(PAGE, {"do": "take"}).content.decode()
    rows = list(csv.DictReader(io.StringIO(taken.lstrip("\ufeff"))))
    assert [row["reference"] for row in rows] == [pack.reference_in_groups]
    assert rows[0]["address"].startswith("'=cmd()")
    assert rows[0]["phone"] == "'+27820000000"
    assert as_root.get(PAGE, {"taken": rows[0]["taken"]}).content.decode() == taken
    assert len(as_root.post(PAGE, {"do": "take"}).content.decode().splitlines()) == 1
    pack.refresh_from_db()
    told.refresh_from_db()
    assert (pack.state, told.state) == (PackState.ACCEPTED, PackState.REQUESTED)

    back = (
        "reference,sending,kind,occurred_at,carrier,tracking\n"
        f"{pack.reference_in_groups},1,dispatched,{NOW.isoformat()},Post,X1\n"
        f"{reference('4K70MQ2')},1,packed,{NOW.isoformat()},,\n"
    )
    answer = as_root.post(PAGE, {"do": "bring", "text": back}).content.decode()
    assert "1 new report" in answer
    assert "There is no Welcome Pack and no card with this reference." in answer
    assert "0 new report" in as_root.post(PAGE, {"do": "bring", "text": back}).content.decode()
    pack.refresh_from_db()
    assert (pack.state, pack.tracking) == (PackState.DISPATCHED, "X1")


BAD_LINES = [
    ("nonsense,1,packed,2026-03-02T09:30:00Z,", "reference", "isn’t a Welcome Pack reference"),
    ("{ref},x,packed,2026-03-02T09:30:00Z,", "sending", "The sending has to be a number"),
    ("{ref},7,packed,{now},", "sending", "no such sending"),
    ("{ref},1,lost,2026-03-02T09:30:00Z,", "kind", "The kind has to be one of"),
    ("{ref},1,packed,2026-02-31T09:30:00Z,", "occurred_at", "isn’t a date or time"),
    ("{ref},1,packed,0001-01-01T00:00:00+14:00,", "occurred_at", "before the pack was requested"),
    ("{ref},1,packed,0001-01-01,", "occurred_at", "before the pack was requested"),
    ("{ref},1,packed,9999-12-31T23:59:59-12:00,", "occurred_at", "in the future"),
    ("{ref},1,returned,{now},", "reason", "Enter the reason for the return"),
    ("{ref},1,packed,{now}," + "x" * 61, "carrier", "at most 60"),
]
HEAD = "reference,sending,kind,occurred_at,carrier\n"


def test_wrong_lines_are_reported_with_their_column_and_the_others_recorded(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    lines = [line for line, _column, _why in BAD_LINES]
    good = "{ref},1,packed,{now},Post"
    text = HEAD + "\n".join([*lines, good]).replace("{ref}", pack.reference).replace("{now}", NOW.isoformat())
    answer = as_root.post(PAGE, {"do": "bring", "text": text})
    named = [(problem.number, problem.column) for problem in answer.context["problems"]]
    assert named == [(number, column) for number, (_line, column, _why) in enumerate(BAD_LINES, start=2)]
    for problem, (_line, _column, why) in zip(answer.context["problems"], BAD_LINES, strict=True):
        assert why in str(problem.message)
    assert "1 new report" in answer.content.decode()
    assert "nonsense,1,packed" in answer.content.decode(), "what was pasted stays"
    pack.refresh_from_db()
    assert pack.state == PackState.PACKED


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Choose a file"),
        ("\x01", "not a CSV file"),
        ("a,b\n1,2", "The first line has to contain"),
    ],
)
def test_a_file_that_is_no_table_is_refused_beside_its_field(as_root: Client, text: str, why: str) -> None:
    pasted = as_root.post(PAGE, {"do": "bring", "text": text}).context["form"]
    assert why in str(pasted.errors)
    chosen = {"do": "bring", "file": io.BytesIO(text.encode())}
    assert why in str(as_root.post(PAGE, chosen).context["form"].errors)


@each_row("line", ["x" * 140_000, '"' + "x" * 140_000, '"x', "x,\x01"])
def test_a_line_that_cannot_be_read_is_reported_and_the_next_recorded(world: World, as_root: Client, line: str) -> None:
    pack = asked(world.ana, "2K70MQ2")
    text = f"{HEAD}{line}\n{pack.reference},1,packed,{NOW.date()},\n"
    answer = as_root.post(PAGE, {"do": "bring", "text": text})
    assert [problem.number for problem in answer.context["problems"]] == [2]
    assert "1 new report" in answer.content.decode()


REPORTS = HEAD + "{ref},1,packed," + f"{NOW.date()},\n"
DIALECTS = {
    "commas": REPORTS,
    "semicolons, a mark, lines of the first Macs": "\ufeff" + REPORTS.replace(",", ";").replace("\n", "\r"),
    "tabs": REPORTS.replace(",", "\t"),
    "sep=;": "sep=;\r\n" + REPORTS.replace(",", ";"),
    "blank first lines": "\n,,,\n" + REPORTS,
    "empty columns at the end": REPORTS.replace("\n", ",,,\n"),
    "blanks and capitals in the first line": REPORTS.replace("occurred_at", "Occurred at"),
    "sep=TAB": "sep=\t\n" + REPORTS.replace(",", "\t"),
    "lines of Windows": REPORTS.replace("\n", "\r\n"),
    "bars": REPORTS.replace(",", "|"),
    "blank lines between": REPORTS.replace("\n", "\n,,,\n\n"),
    "capitals in the first line": REPORTS.replace("reference", "Reference"),
    "columns that are not needed": "address," + REPORTS.replace("\n", '\n"Long Street 1\nCape Town",', 1),
}


@each_row(
    ("what", "encoding"),
    [*((what, "utf-8") for what in DIALECTS), *(("commas", name) for name in ("utf-16", "cp1252")), ("bars", "utf-16")],
)
def test_a_file_from_a_spreadsheet_is_read(world: World, as_root: Client, what: str, encoding: str) -> None:
    pack = asked(world.ana, "2K70MQ2")
    content = DIALECTS[what].replace("{ref}", pack.reference).encode(encoding, errors="ignore")
    assert "1 new report" in as_root.post(PAGE, {"file": io.BytesIO(content)}).content.decode()


@each_row("digits", ["٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹"])
def test_a_file_is_read_in_native_digits(world: World, as_root: Client, digits: str) -> None:
    pack = asked(world.ana, "2K70MQ2")
    moment = (NOW - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M")
    cells = ",".join([pack.reference, "1", "dispatched", moment, "Post", "00487"])
    line = cells.translate(str.maketrans("0123456789", digits))
    text = f"reference,sending,kind,occurred_at,carrier,tracking\n{line}\n"
    assert "1 new report" in as_root.post(PAGE, {"do": "bring", "text": text}).content.decode()
    event = PackEvent.objects.get(pack=pack, step="dispatched")
    assert event.occurred_at.astimezone(timezone.get_default_timezone()).strftime("%Y-%m-%d %H:%M") == moment
    assert (event.sending, event.data["tracking"]) == (1, "00487")


def test_a_workbook_is_named(as_root: Client) -> None:
    errors = as_root.post(PAGE, {"file": io.BytesIO(b"PK\x03\x04" + b"\0" * 99)}).context["form"].errors
    assert "CSV UTF-8" in str(errors)


def test_an_old_file_holds_nothing_that_is_not_wanted_or_has_a_new_file(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    taken = as_root.post(PAGE, {"do": "take"}).content.decode()
    moment = next(csv.DictReader(io.StringIO(taken.lstrip("\ufeff"))))["taken"]
    operate = f"/admin/offers/welcomepack/{pack.pk}/operate/"
    only_heads = 1
    as_root.post(operate, {"do": "cancel"})
    assert len(as_root.get(PAGE, {"taken": moment}).content.decode().splitlines()) == only_heads
    as_root.post(operate, {"do": "again"})
    assert len(as_root.get(PAGE, {"taken": moment}).content.decode().splitlines()) == only_heads
    assert f"{pack.reference}-2" in as_root.post(PAGE, {"do": "take"}).content.decode()
    assert as_root.get(PAGE + "?taken=%00").status_code == 200


def test_a_pack_is_sent_again_to_another_valid_address(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    page = f"/admin/offers/welcomepack/{pack.pk}/send-again/"
    typed = {
        "name": "Ana Example",
        "country": "ZA",
        "street": "2 Oak Avenue",
        "city": "Johannesburg",
        "postal_code": "2092",
        "phone": "082 123 4567",
        "go": "send",
    }
    assert "can send it again once" in str(as_root.post(page, typed).context["form"].errors)
    as_root.post(f"/admin/offers/welcomepack/{pack.pk}/operate/", {"do": "cancel"})
    wrong = as_root.post(page, {**typed, "postal_code": "no code"})
    assert list(wrong.context["form"].errors) == ["postal_code"]
    assert "2 Oak Avenue" in wrong.content.decode()
    elsewhere = as_root.post(page, {**typed, "country": "GB", "go": "country"}).content.decode()
    assert "2 Oak Avenue" in elsewhere
    assert "hx-post" not in elsewhere
    as_root.post(page, typed)
    pack.refresh_from_db()
    assert (pack.state, pack.sending, pack.street, pack.phone) == ("requested", 2, "2 Oak Avenue", "+27821234567")


def test_a_pack_is_cancelled_and_sent_again_and_its_history_shown(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    operate, page = (f"/admin/offers/welcomepack/{pack.pk}/{name}/" for name in ("operate", "change"))
    assert "can’t be cancelled any more" not in as_root.post(operate, {"do": "cancel"}, follow=True).content.decode()
    assert "can’t be cancelled any more" in as_root.post(operate, {"do": "cancel"}, follow=True).content.decode()
    as_root.post(operate, {"do": "again"})
    pack.refresh_from_db()
    assert (pack.state, pack.sending) == (PackState.REQUESTED, 2)
    text = as_root.get(page).content.decode()
    assert "Cancelled" in text
    assert "1 Oak Avenue" in text
    assert as_root.post(operate, {"do": "999"}).status_code == 404


def test_numbers_by_month_and_partner(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    sent = pack.asked_at + timedelta(days=1)
    PackEvent.objects.create(pack=pack, step="dispatched", sending=1, occurred_at=sent, received_at=sent)
    house = Partner.objects.create(name="House", slug="house", kind="fulfilment", since=NOW)
    asked(world.ben, "3K70MQ2", house)
    other, row = as_root.get("/admin/offers/welcomepack/numbers/").context["rows"]
    assert (other["partner"], other["asked"], other["dispatched"], other["days"]) == ("House", 1, 0, None)
    assert (row["asked"], row["dispatched"], float(row["days"]), row["overdue"]) == (1, 1, 1.0, 0)
