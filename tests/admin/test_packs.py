"""The desk looks after Welcome Packs; a house without a system works with files (R37, R38, R54)."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cps_portal.lib.reference import reference
from cps_portal.offers.enums import PackState
from cps_portal.offers.models import PackEvent, WelcomePack
from cps_portal.partners.actions import add_endpoint
from cps_portal.partners.models import Partner
from members.models import Member
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def asked(member: Member, body: str, house: Partner | None = None) -> WelcomePack:
    before = NOW - timedelta(days=2)
    pack = WelcomePack.objects.create(
        member=member, reference=reference(body), level_when_asked="gold", language="en", name="=cmd()", country="ZA",
        street="1 Oak Avenue", city="Johannesburg", postal_code="2092", phone="+27820000000", asked_at=before,
        sending_since=before, changed_at=before, house=house,
    )  # fmt: skip
    PackEvent.objects.create(pack=pack, step="asked", sending=1, occurred_at=before, received_at=before)
    return pack


def test_a_file_is_taken_once_can_be_had_again_and_comes_back(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    house = Partner.objects.create(name="House", slug="house", kind="fulfilment", since=NOW)
    add_endpoint(partner=house, url="https://house.example/", by=None, at=NOW)
    told = asked(world.ben, "3K70MQ2", house)
    page = "/admin/offers/welcomepack/by-file/"
    taken = as_root.post(page, {"do": "take"}).content.decode()
    rows = list(csv.DictReader(io.StringIO(taken.lstrip("\ufeff"))))
    assert [row["reference"] for row in rows] == [pack.reference]
    assert rows[0]["address"].startswith("'=cmd()")
    assert as_root.get(page, {"taken": rows[0]["taken"]}).content.decode() == taken
    assert len(as_root.post(page, {"do": "take"}).content.decode().splitlines()) == 1
    pack.refresh_from_db()
    told.refresh_from_db()
    assert (pack.state, told.state) == (PackState.ACCEPTED, PackState.REQUESTED)

    back = (
        "reference,sending,kind,occurred_at,carrier,tracking\n"
        f"{pack.reference_in_groups},1,dispatched,{NOW.isoformat()},Post,X1\n"
        f"{reference('4K70MQ2')},1,packed,{NOW.isoformat()},,\n"
    )
    answer = as_root.post(page, {"do": "bring", "text": back}).content.decode()
    assert "1 line was new" in answer
    assert "Line 3: There is no Welcome Pack" in answer
    assert "0 lines were new" in as_root.post(page, {"do": "bring", "text": back}).content.decode()
    pack.refresh_from_db()
    assert (pack.state, pack.tracking) == (PackState.DISPATCHED, "X1")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nonsense,1,packed,2026-03-02T09:30:00Z", "is no reference"),
        ("{ref},x,packed,2026-03-02T09:30:00Z", "The sending is a number"),
        ("{ref},1,lost,2026-03-02T09:30:00Z", "The kind is one of"),
        ("{ref},1,packed,2026-02-31T09:30:00Z", "is no moment"),
        ("{ref},1,returned,2026-03-02T09:30:00Z", "Say why it came back"),
    ],
)
def test_a_bad_line_is_named_and_the_text_stays(as_root: Client, line: str, why: str) -> None:
    text = "reference,sending,kind,occurred_at\n" + line.format(ref=reference("2K70MQ2"))
    answer = as_root.post("/admin/offers/welcomepack/by-file/", {"do": "bring", "text": text}).content.decode()
    assert "Line 2:" in answer
    assert why in answer
    assert line.split(",")[1] in answer
    nothing = as_root.post("/admin/offers/welcomepack/by-file/", {"do": "bring", "text": "\x00"})
    assert nothing.status_code == 200


def test_a_pack_is_cancelled_sent_again_and_its_story_read(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    operate, page = (f"/admin/offers/welcomepack/{pack.pk}/{name}/" for name in ("operate", "change"))
    assert "Only what has not been" not in as_root.post(operate, {"do": "cancel"}, follow=True).content.decode()
    assert "can be cancelled" in as_root.post(operate, {"do": "cancel"}, follow=True).content.decode()
    as_root.post(operate, {"do": "again"})
    pack.refresh_from_db()
    assert (pack.state, pack.sending) == (PackState.REQUESTED, 2)
    text = as_root.get(page).content.decode()
    assert "Cancelled by staff" in text
    assert "1 Oak Avenue" in text
    assert as_root.post(operate, {"do": "999"}).status_code == 404


def test_numbers_by_month(world: World, as_root: Client) -> None:
    pack = asked(world.ana, "2K70MQ2")
    sent = pack.asked_at + timedelta(days=1)
    PackEvent.objects.create(pack=pack, step="dispatched", sending=1, occurred_at=sent, received_at=sent)
    (row,) = as_root.get("/admin/offers/welcomepack/numbers/").context["rows"]
    assert (row["asked"], row["dispatched"], float(row["days"]), row["overdue"]) == (1, 1, 1.0, 0)
