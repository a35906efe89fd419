"""The desk looks after Welcome Packs; a house without a system works with files (R37, R38, R54)."""

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


def test_a_file_is_taken_once_can_be_had_again_and_comes_back(world: World, as_root: Client) -> None:
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
    assert "There is no Welcome Pack with this reference." in answer
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


def test_bad_lines_are_named_with_their_column_and_the_good_ones_recorded(world: World, as_root: Client) -> None:
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
        ("\x00", "Null characters"),
        ("a,b\n1,2", "The first line has to contain"),
        (HEAD + "x" * 140_000, "Line 2 isn’t valid CSV"),
        (HEAD + '"' + "x" * 140_000, "isn’t valid CSV"),
    ],
)
def test_what_is_no_table_is_refused_beside_its_field(as_root: Client, text: str, why: str) -> None:
    pasted = as_root.post(PAGE, {"do": "bring", "text": text}).context["form"]
    assert why in str(pasted.errors)
    chosen = {"do": "bring", "file": io.BytesIO(text.encode())}
    assert why in str(as_root.post(PAGE, chosen).context["form"].errors)


def test_a_file_from_a_spreadsheet_is_read(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    text = "\ufeff" + HEAD.replace(",", ";").replace("\n", "\r") + f"{pack.reference};1;packed;{NOW.date()};\r"
    assert "1 new report" in as_root.post(PAGE, {"file": io.BytesIO(text.encode())}).content.decode()
    errors = as_root.post(PAGE, {"file": io.BytesIO(text.encode("utf-16"))}).context["form"].errors
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


def test_it_is_sent_again_to_another_address_by_the_rules_of_the_member(world: World, as_root: Client) -> None:
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


def test_a_pack_is_cancelled_sent_again_and_its_story_read(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    operate, page = (f"/admin/offers/welcomepack/{pack.pk}/{name}/" for name in ("operate", "change"))
    assert "can’t be cancelled any more" not in as_root.post(operate, {"do": "cancel"}, follow=True).content.decode()
    assert "can’t be cancelled any more" in as_root.post(operate, {"do": "cancel"}, follow=True).content.decode()
    as_root.post(operate, {"do": "again"})
    pack.refresh_from_db()
    assert (pack.state, pack.sending) == (PackState.REQUESTED, 2)
    text = as_root.get(page).content.decode()
    assert "Cancelled by staff" in text
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
