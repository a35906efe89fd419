"""Several drafts on one sheet: what is right is saved, the rest stays with its error, nothing is lost (R17, R71)."""

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kitbag.actions import registrations
from kitbag.enums import RegistrationState
from kitbag.models import Product, Registration
from kitbag.views.finish_together import MAX_TOGETHER
from tests.factories import PURCHASED, ProductFactory, details, draft, submitted
from tests.rows import each_row
from tests.world import World

pytestmark = pytest.mark.django_db
SHEET = "/kitbag/finish/"
BOX_CODE = "4549292208931"
GOOD, ALSO_GOOD = "052031000077", "063041000088"
DAY = {"purchased_on_day": "12", "purchased_on_month": "9", "purchased_on_year": "2023"}
SHARED = {"store": "Rosebank Camera Co.", "country": "ZA", **DAY}


class Values(HTMLParser):
    """The names and values of the fields of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "input" and known.get("name") and (known.get("type") != "checkbox" or "checked" in known):
            self.fields.append((str(known["name"]), known.get("value") or ""))


def text(response: HttpResponse) -> str:
    return " ".join(response.content.decode().split())


def drafts(world: World, *products: Product) -> list[Registration]:
    return [draft(world.ana, product) for product in products or (world.body, world.pro_body)]


def send(client: Client, rows: list[Registration], *serials: str, do: str = "save", **more: str) -> Any:
    numbers = {f"r{row.pk}-serial": serial for row, serial in zip(rows, serials, strict=False)}
    return client.post(SHEET, {"pick": [row.pk for row in rows], **SHARED, **numbers, "do": do, **more})


def states(rows: list[Registration]) -> list[str]:
    for row in rows:
        row.refresh_from_db()
    return [row.state for row in rows]


def test_the_kitbag_offers_it_when_there_are_two_drafts(world: World, as_ana: Client) -> None:
    (first,) = drafts(world, world.body)
    assert "Finish together" not in text(as_ana.get("/kitbag/"))
    (second,) = drafts(world, world.pro_body)
    page = text(as_ana.get("/kitbag/"))
    assert f'action="{SHEET}"' in page and "Finish together" in page
    assert all(f'value="{row.pk}"' in page for row in (first, second))


def test_store_country_and_day_are_shared_and_each_has_its_number(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    answer = send(as_ana, rows, GOOD, ALSO_GOOD)
    assert (answer.status_code, answer["Location"]) == (302, reverse("kitbag:list"))
    assert states(rows) == [RegistrationState.SUBMITTED] * 2
    assert [(row.serial, row.store, row.country.code, row.purchased_on) for row in rows] == [
        (serial, "Rosebank Camera Co.", "ZA", PURCHASED) for serial in (GOOD, ALSO_GOOD)
    ]
    assert "2 products are being checked." in text(as_ana.get("/kitbag/"))


def test_what_is_right_is_saved_and_the_rest_stays_with_its_error(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    answer = send(as_ana, rows, GOOD, BOX_CODE)
    page = text(answer)
    assert answer.status_code == 422
    assert states(rows) == [RegistrationState.SUBMITTED, RegistrationState.DRAFT]
    assert f"{world.pro_body.name}: That’s the bar code of the box." in page and "One thing to fix" in page
    fields = Values(page).fields
    assert (f"r{rows[1].pk}-serial", BOX_CODE) in fields and ("store", SHARED["store"]) in fields
    assert ("pick", str(rows[1].pk)) in fields and ("pick", str(rows[0].pk)) not in fields
    assert rows[1].store == SHARED["store"], "who gives up here finds it as typed"


def test_a_missing_number_keeps_the_rest_of_its_draft(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    page = text(send(as_ana, rows, GOOD, ""))
    assert "Type the serial number." in page
    rows[1].refresh_from_db()
    assert (rows[1].state, rows[1].purchased_on) == (RegistrationState.DRAFT, PURCHASED)


def test_what_is_missing_for_all_is_said_once_beside_its_field(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    page = text(send(as_ana, rows, GOOD, ALSO_GOOD, store="", purchased_on_month="13"))
    assert states(rows) == [RegistrationState.DRAFT] * 2
    assert page.count('<a href="#id_store">') == 1
    assert page.count("There’s no such date. Check the day and the month.") == 2
    assert f'">{world.body.name}: ' not in page, "it is about all of them"
    assert 'id="id_store_error"' in page and 'id="id_purchased_on_error"' in page


def test_the_same_form_sent_twice_saves_once(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    page = text(as_ana.get(SHEET, {"pick": [row.pk for row in rows]}))
    token = dict(Values(page).fields)["form_token"]
    answers = [send(as_ana, rows, GOOD, ALSO_GOOD, form_token=token) for _press in range(2)]
    assert [answer["Location"] for answer in answers] == [reverse("kitbag:list")] * 2
    assert (
        Registration.objects.filter(member=world.ana, serial_key__in=[GOOD.lstrip("0"), ALSO_GOOD.lstrip("0")]).count()
        == 2
    )


def test_a_form_that_was_half_right_can_be_sent_twice(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    token = dict(Values(text(as_ana.get(SHEET, {"pick": [row.pk for row in rows]}))).fields)["form_token"]
    for _press in range(2):
        assert "That’s the bar code of the box." in text(send(as_ana, rows, GOOD, BOX_CODE, form_token=token))
    assert states(rows) == [RegistrationState.SUBMITTED, RegistrationState.DRAFT]
    assert send(as_ana, rows, GOOD, ALSO_GOOD, form_token=token).status_code == 302
    assert states(rows) == [RegistrationState.SUBMITTED] * 2


def test_one_was_bought_somewhere_else(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    own = f"r{rows[1].pk}"
    page = text(send(as_ana, rows, GOOD, ALSO_GOOD, do=f"own-{rows[1].pk}"))
    assert f'name="{own}-own"' in page and f'name="{own}-store"' in page, "with what the others have to begin with"
    assert states(rows) == [RegistrationState.DRAFT] * 2 and (f"{own}-serial", ALSO_GOOD) in Values(page).fields
    theirs = {f"{own}-own": "1", f"{own}-store": "Harbour Photo", f"{own}-country": "KE"}
    theirs |= {f"{own}-{name}": value for name, value in DAY.items()}
    send(as_ana, rows, GOOD, ALSO_GOOD, **theirs)
    states(rows)
    assert [(row.store, row.country.code) for row in rows] == [(SHARED["store"], "ZA"), ("Harbour Photo", "KE")]


def test_what_a_draft_has_already_is_not_overwritten(world: World, as_ana: Client) -> None:
    first, second = drafts(world)
    registrations.save_details(registration=first, details=details("", store="Bucium Foto"), at=timezone.now())
    registrations.save_details(registration=second, details=details(""), at=timezone.now())
    page = text(as_ana.get(SHEET, {"pick": [first.pk, second.pk]}))
    own = [row for row in (first, second) if f'name="r{row.pk}-own"' in page]
    assert len(own) == 1, "of two, one is what both begin with"


def test_the_last_purchase_is_carried_over(world: World, as_ana: Client) -> None:
    submitted(world.ana, world.grip, "300000000009", at=timezone.now() - timedelta(minutes=5))
    page = text(as_ana.get(SHEET, {"pick": [row.pk for row in drafts(world)]}))
    assert "Carried over from last time" in page and ("store", SHARED["store"]) in Values(page).fields


def test_a_date_before_the_product_came_out_can_be_insisted_on(world: World, as_ana: Client) -> None:
    rows = drafts(world, ProductFactory(released_year=2025), world.pro_body)
    page = text(send(as_ana, rows, GOOD, ALSO_GOOD))
    ticked = f"r{rows[0].pk}-date_insisted"
    assert states(rows) == [RegistrationState.DRAFT, RegistrationState.SUBMITTED] and f'name="{ticked}"' in page
    fields = {name: value for name, value in Values(page).fields if name != "pick"}
    own = {name: value for name, value in fields.items() if name.startswith(f"r{rows[0].pk}-")}
    own[f"r{rows[0].pk}-country"] = "ZA"
    send(as_ana, rows[:1], GOOD, **{**own, ticked: "on"})
    assert states(rows)[0] == RegistrationState.SUBMITTED


def test_a_pasted_list_is_matched_and_nothing_is_saved(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    pasted = f"{world.pro_body.name}\t{ALSO_GOOD}\n{GOOD}\n{BOX_CODE}"
    page = text(send(as_ana, rows, "", "", do="match", many=pasted))
    fields = dict(Values(page).fields)
    assert fields[f"r{rows[1].pk}-serial"] == ALSO_GOOD and fields[f"r{rows[0].pk}-serial"] == GOOD
    assert "2 numbers matched." in page and BOX_CODE in page and "fit none of the products" in page
    assert states(rows) == [RegistrationState.DRAFT] * 2 and not any(row.serial for row in rows)


def test_a_number_that_was_typed_stays_when_a_list_is_matched(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    fields = dict(Values(text(send(as_ana, rows, GOOD, "", do="match", many=ALSO_GOOD))).fields)
    assert (fields[f"r{rows[0].pk}-serial"], fields[f"r{rows[1].pk}-serial"]) == (GOOD, ALSO_GOOD)


def test_finish_later_saves_what_is_typed(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    assert send(as_ana, rows, GOOD, "", do="later").status_code == 302
    assert states(rows) == [RegistrationState.DRAFT] * 2
    assert [(row.serial, row.store) for row in rows] == [(GOOD, SHARED["store"]), ("", SHARED["store"])]


def test_finish_later_keeps_what_cannot_be_read_on_the_page(world: World, as_ana: Client) -> None:
    rows = drafts(world)
    answer = send(as_ana, rows, GOOD, ALSO_GOOD, do="later", purchased_on_month="13")
    assert answer.status_code == 422 and "There’s no such date." in text(answer)
    assert (f"r{rows[0].pk}-serial", GOOD) in Values(text(answer)).fields


def test_the_number_of_another_row_is_refused(world: World, as_ana: Client) -> None:
    rows = drafts(world, world.body, world.body)
    page = text(send(as_ana, rows, GOOD, GOOD))
    assert sorted(states(rows)) == [RegistrationState.DRAFT, RegistrationState.SUBMITTED]
    assert "You’ve already added this one." in page


def test_a_number_is_checked_while_it_is_typed(world: World, as_ana: Client) -> None:
    (row,) = drafts(world, world.body)
    address = reverse("kitbag:serial_check", args=[row.pk])
    note = as_ana.get(address, {f"r{row.pk}-serial": BOX_CODE}, HTTP_HX_REQUEST="true").content.decode()
    assert "That’s the bar code of the box." in note and 'name="insisted"' not in note
    fine = as_ana.get(address, {f"r{row.pk}-serial": GOOD}, HTTP_HX_REQUEST="true").content.decode()
    assert "Looks right for this product." in fine


def test_only_own_drafts_are_on_the_sheet(world: World, as_ana: Client, as_ben: Client) -> None:
    rows = drafts(world)
    counting = Registration.objects.filter(member=world.ana, state=RegistrationState.VALIDATED).first()
    assert counting
    assert as_ben.get(SHEET, {"pick": [row.pk for row in rows]})["Location"] == reverse("kitbag:list")
    assert send(as_ben, rows, GOOD, ALSO_GOOD)["Location"] == reverse("kitbag:list")
    assert as_ana.get(SHEET, {"pick": counting.pk})["Location"] == reverse("kitbag:list")
    assert states(rows) == [RegistrationState.DRAFT] * 2


@each_row("pick", ["", "x", "-1", "٣", "9" * 40, "\x00"])
def test_nonsense_is_harmless(world: World, as_ana: Client, pick: str) -> None:
    assert as_ana.get(SHEET, {"pick": pick}).status_code == 302
    assert as_ana.post(SHEET, {"pick": pick, "do": "own-x"}).status_code == 302


@each_row("serial", ["\x00", "📷" * 50, "x" * 10_000, "%", "'; drop table"])
def test_any_number_is_answered_with_a_sentence(world: World, as_ana: Client, serial: str) -> None:
    rows = drafts(world)
    answer = send(as_ana, rows, serial, ALSO_GOOD, many=serial)
    assert answer.status_code == 422 and "One thing to fix" in text(answer)
    for button in ("match", f"take-{rows[0].pk}", "later"):
        assert send(as_ana, rows[:1], serial, do=button, many=serial).status_code in (200, 302, 422)


def test_a_sheet_holds_so_many_and_costs_the_same_queries(world: World, as_ana: Client) -> None:
    rows = drafts(world, *ProductFactory.create_batch(MAX_TOGETHER + 2))
    for row in rows:
        registrations.save_details(registration=row, details=details(f"0{row.pk:08d}"), at=timezone.now())
    counts = []
    for some in (rows[:2], rows):
        as_ana.get(SHEET, {"pick": some[0].pk})
        with CaptureQueriesContext(connection) as queries:
            page = text(as_ana.get(SHEET, {"pick": [row.pk for row in some]}))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert page.count('class="sheet__row"') == MAX_TOGETHER
    assert f"Here are the first {MAX_TOGETHER}." in page
