"""The contact sheet: many registrations with their pictures, approved in one go and taken back in one (R19, R54)."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cps_portal.core.files.actions import Uploads
from kitbag.actions import appeals, held_decisions, registrations, review
from kitbag.actions.evidence import add_evidence
from kitbag.admin import sheet
from kitbag.admin.sheet import Frame
from kitbag.enums import HeldState, RefusalReason
from kitbag.models import HeldDecision, Registration
from kitbag.queries.versions import version_of
from tests.admin.conftest import SignIn
from tests.factories import UserFactory, submitted, with_receipt
from tests.files import samples
from tests.held import apply_held
from tests.rows import use_empty_cache
from tests.world import World

QUEUE = "/admin/kitbag/registrationinreview/"
SHEET = f"{QUEUE}sheet/"


def waiting(world: World, count: int, start: int = 0) -> list[Registration]:
    now = timezone.now()
    made = [
        submitted(world.ben, world.body, f"582{n:02}", insisted=True, at=now - timedelta(hours=99 - n))
        for n in range(start, start + count)
    ]
    return [registrations.check_registration(registration=row, at=now) for row in made]


def frames(client: Client, query: str = "") -> list[Frame]:
    return list(client.get(f"{SHEET}{query}").context["frames"])


def states(rows: list[Registration]) -> list[str]:
    return [Registration.objects.get(pk=row.pk).state for row in rows]


def press(client: Client, rows: list[Registration]) -> str:
    seen = {f"seen-{row.pk}": version_of(row) for row in rows}
    answer = client.post(SHEET, {"chosen": [row.pk for row in rows], **seen}, follow=True)
    return answer.content.decode()


def test_the_chosen_ones_are_held_and_one_undo_takes_all_back(as_support: Client, world: World) -> None:
    rows = waiting(world, 4)
    assert [frame.row for frame in frames(as_support)] == rows, "the longest waiting first"
    text = press(as_support, rows[:3])
    assert "3 registrations" in text
    assert [frame.row for frame in frames(as_support)] == rows[3:]
    assert HeldDecision.objects.filter(state=HeldState.HELD).count() == 3
    latest = HeldDecision.objects.latest("pk")
    undo = reverse("admin:kitbag_helddecision_undo", args=[latest.pk])
    assert as_support.post(undo)["Location"] == SHEET
    assert HeldDecision.objects.filter(state=HeldState.UNDONE).count() == 3
    apply_held()
    assert set(states(rows)) == {"submitted"}
    assert LogEntry.objects.count() == 6
    press(as_support, rows)
    apply_held()
    assert set(states(rows)) == {"validated"}


def test_undoing_one_press_leaves_another_one_alone(as_support: Client, world: World) -> None:
    rows = waiting(world, 4)
    press(as_support, rows[:2])
    press(as_support, rows[2:])
    latest = HeldDecision.objects.latest("pk")
    held_decisions.undo_decision(decision=latest, by=latest.by, at=timezone.now())
    apply_held()
    assert states(rows) == ["validated", "validated", "submitted", "submitted"]


def test_each_is_held_by_itself_and_one_that_is_refused_stops_no_other(as_support: Client, world: World) -> None:
    rows = waiting(world, 3)
    old = version_of(rows[1])
    with_receipt(rows[1])
    seen = {f"seen-{row.pk}": version_of(row) for row in rows} | {f"seen-{rows[1].pk}": old}
    answer = as_support.post(SHEET, {"chosen": [row.pk for row in rows], **seen}, follow=True)
    assert "has changed since you opened it" in answer.content.decode()
    apply_held()
    assert states(rows) == ["validated", "submitted", "validated"]


def test_nothing_chosen_and_odd_input_are_said(as_support: Client, world: World) -> None:
    (row,) = waiting(world, 1)
    for chosen in ([], ["x"], ["-1"], ["9" * 30], ["\x00"], ["²"]):
        answer = as_support.post(SHEET, {"chosen": chosen})
        assert answer.status_code == 302
        assert "Choose at least one" in str(list(get_messages(answer.wsgi_request))[-1])
    assert "has changed since" in as_support.post(SHEET, {"chosen": [row.pk]}, follow=True).content.decode()
    for query in ("?page=x", "?page=99", "?reason=nonsense", "?reason=appeal", "?page=-1"):
        assert as_support.get(SHEET + query).status_code == 200
    assert not HeldDecision.objects.exists()


def test_rights_are_those_of_the_queue(staff: SignIn, world: World) -> None:
    rows = waiting(world, 3)
    support = staff("Support")
    colleague = UserFactory(is_staff=True)
    review.take_registration(registration=rows[0], by=colleague, at=timezone.now())
    assert [frame.row for frame in frames(support)] == rows[1:], "a colleague works on the first"
    assert "A colleague is working on this one" in press(support, rows[:1])
    now = timezone.now()
    reason = RefusalReason.SERIAL_WRONG
    refused = review.refuse_registration(registration=rows[1], reason=reason, by=colleague, at=now)
    appeals.make_appeal(registration=refused, text="Look again.", by=world.ben.user, at=now)
    assert [frame.row for frame in frames(support)] == rows[2:], "appeals are decided one by one"
    assert staff("Programme").get(SHEET).status_code == 403
    assert not HeldDecision.objects.exists()


def test_what_needs_more_than_a_look_is_opened_instead(as_support: Client, world: World) -> None:
    (row,) = waiting(world, 1)
    Registration.objects.filter(pk=row.pk).update(review_reason="sample")
    (frame,) = frames(as_support)
    assert "No proof of purchase" in frame.alone
    assert f'value="{row.pk}"' not in as_support.get(SHEET).content.decode()
    with_receipt(row)
    row.refresh_from_db()
    (frame,) = frames(as_support)
    assert frame.alone == ""
    assert frame.version == version_of(row)


def test_the_picture_of_the_serial_number_stands_above_what_was_typed(as_support: Client, world: World) -> None:
    (row,) = waiting(world, 1)
    for name in ("receipt.jpg", "plate.jpg"):
        photo = Uploads(fresh=[samples.upload(samples.jpeg(), name)])
        add_evidence(registration=row, uploads=photo, by=world.ben.user, at=timezone.now())
    plate = row.evidence.get(file__original_name="plate.jpg")
    row.evidence.filter(pk=plate.pk).update(kind="serial")
    (frame,) = frames(as_support)
    assert (frame.picture, frame.pictures) == (plate, 2)
    assert plate.file.get_absolute_url() in as_support.get(SHEET).content.decode()
    assert frame.odd_serial
    assert "Not the form" in frame.say


def test_reasons_are_tabs_and_sheets_follow_each_other(
    as_support: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = waiting(world, 5)
    Registration.objects.filter(pk=rows[4].pk).update(review_reason="asked")
    answer = as_support.get(SHEET)
    assert {value: count for value, _label, count in answer.context["reasons"]} == {"shape": 4, "asked": 1}
    assert [frame.row for frame in frames(as_support, "?reason=asked")] == rows[4:]
    monkeypatch.setattr(sheet, "A_SHEET", 2)
    assert [frame.row for frame in frames(as_support, "?reason=shape&page=2")] == rows[2:4]


def test_one_more_frame_costs_no_query_more(as_support: Client, world: World) -> None:
    counts = []
    for start, more in ((0, 1), (1, 2), (3, 3)):
        for row in waiting(world, more, start=start):
            with_receipt(row)
        use_empty_cache()  # the counts of the rail are kept for a while
        with CaptureQueriesContext(connection) as looking:
            assert len(frames(as_support)) >= 1
        counts.append(len(looking))
    assert counts[0] == counts[1] == counts[2] <= 30, counts


def test_a_sheet_holds_no_more_than_it_shows(as_support: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "A_SHEET", 3)
    rows = waiting(world, sheet.A_SHEET + 1)
    press(as_support, rows)
    assert HeldDecision.objects.count() == sheet.A_SHEET
    moment = HeldDecision.objects.values_list("held_at", "apply_at").distinct().get()
    assert moment[1] - moment[0] == timedelta(seconds=settings.HELD_DECISION_SECONDS)
