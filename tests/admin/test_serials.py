"""Staff see how often each serial number shape warns, and try a new one before saving it (R30)."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kitbag import rules
from kitbag.actions import registrations, review
from kitbag.enums import RefusalReason
from kitbag.models import Registration, SerialShape
from kitbag.queries import serial_shapes
from tests.admin.conftest import SignIn
from tests.factories import details, draft, submitted, validated
from tests.queries import SNAPSHOT_QUERIES
from tests.world import World

REPORT = "/admin/kitbag/serialshape/report/"
ADD = "/admin/kitbag/serialshape/add/"


@pytest.fixture
def as_programme(staff: SignIn, groups: dict[str, Group]) -> Client:
    return staff("Programme")


@pytest.fixture
def shape(world: World) -> SerialShape:
    return SerialShape.objects.get()


def insisted(world: World, serial: str) -> Registration:
    row = submitted(world.ben, world.body, serial, insisted=True)
    return registrations.check_registration(registration=row, at=timezone.now())


def typed(shape: SerialShape, **changes: object) -> dict[str, object]:
    data = {"categories": '["camera-mirrorless"]', "period": shape.period, "pattern": shape.pattern, "use": shape.use}
    return {**data, "year_from": shape.year_from or "", "year_to": "", "example": "", **changes}


def test_the_report_tells_false_alarms_from_good_ones(as_programme: Client, world: World, shape: SerialShape) -> None:
    right, wrong, _open = insisted(world, "8471620"), insisted(world, "84716"), insisted(world, "84717")
    now = timezone.now()
    review.approve_registration(registration=right, by=world.staff, at=now)
    review.refuse_registration(registration=wrong, reason=RefusalReason.SERIAL_WRONG, by=world.staff, at=now)
    validated(world.chloe, world.body, "052031000077")
    left = draft(world.chloe, world.body)
    registrations.save_details(registration=left, details=details("84718"), at=now)
    insisted(world, "UR0902")  # no shape is to blame
    old = validated(world.chloe, world.pro_body, "052031000078")
    Registration.objects.filter(pk=old.pk).update(submitted_at=now - timedelta(days=400))
    (found,) = serial_shapes.shape_figures(now)
    assert (found.judged, found.warned, found.insisted) == (5, 4, 3)
    assert (found.approved, found.refused, found.waiting, found.left) == (1, 1, 1, 1)
    assert (found.percent, found.is_too_narrow) == (20.0, True)
    html = as_programme.get(REPORT).content.decode()
    assert "20.0&nbsp;%" in html
    assert "Widen it" in html
    assert reverse("admin:kitbag_serialshape_change", args=[shape.pk]) in html


def test_a_shape_that_is_right_is_not_flagged(as_programme: Client, world: World) -> None:
    validated(world.ben, world.body, "052031000077")
    assert "Widen it" not in as_programme.get(REPORT).content.decode()


def test_the_report_costs_the_same_with_many_shapes_and_numbers(as_programme: Client, world: World) -> None:
    counts = []
    as_programme.get(REPORT)
    for more in (10, 0):
        with CaptureQueriesContext(connection) as queries:
            as_programme.get(REPORT)
        counts.append(len(queries))
        for n in range(more):
            SerialShape.objects.create(categories=["camera-*"], period=f"{n}", pattern=r"\d{9}")
            insisted(world, f"84716{n:02}")
    assert counts[0] == counts[1] <= 12 + SNAPSHOT_QUERIES


def test_a_pattern_is_tried_before_it_is_saved(as_programme: Client, world: World, shape: SerialShape) -> None:
    right = insisted(world, "8471-620 (M)")
    review.approve_registration(registration=right, by=world.staff, at=timezone.now())
    change = reverse("admin:kitbag_serialshape_change", args=[shape.pk])
    trial = reverse("admin:kitbag_serialshape_try", args=[shape.pk])
    assert f'formaction="{trial}"' in as_programme.get(change).content.decode()
    narrow = as_programme.post(trial, typed(shape, pattern=r"\d{7}"))
    assert (narrow.context["trial"].judged, narrow.context["trial"].warned_now) == (3, 1)
    assert narrow.context["trial"].forms == [("999999999999", 2)]
    wide = as_programme.post(trial, typed(shape, pattern=r"\d{7}|\d{12}"))
    assert (wide.context["trial"].warned_then, wide.context["trial"].forms) == (0, [])
    shape.refresh_from_db()
    assert shape.pattern == r"\d{12}"
    assert as_programme.post(change, {**typed(shape, pattern=r"\d{7}|\d{12}"), "_save": "1"}).status_code == 302
    shape.refresh_from_db()
    assert shape.pattern == r"\d{7}|\d{12}"


def test_a_second_shape_is_tried_beside_the_others(as_programme: Client, world: World, shape: SerialShape) -> None:
    answer = as_programme.post(
        reverse("admin:kitbag_serialshape_try_new"), typed(shape, period="odd", pattern=r"\d{7}")
    )
    assert (answer.context["trial"].judged, answer.context["trial"].warned_then) == (2, 0)
    assert as_programme.get(ADD).content.decode().count("formaction=") == 1


HARMFUL = [
    ("pattern", "([", "not a regular expression"),
    ("pattern", r"(\d+)+A", "followed by"),
    ("pattern", r"(a|a)*", "Use only capitals"),
    ("pattern", r"\d*" * 12, "so many variants"),
    ("example", "84716", "would warn about this example"),
    ("example", "123456789", "would warn about this example"),
    ("year_to", "1990", "before the first year"),
    ("year_to", "99999999", "less than or equal"),
    ("categories", "[", "valid JSON"),
]


def test_a_harmful_shape_is_refused(as_programme: Client, shape: SerialShape) -> None:
    for n, (field, value, words) in enumerate(HARMFUL):
        address = reverse(f"admin:kitbag_serialshape_{('change', 'try')[n % 2]}", args=[shape.pk])
        answer = as_programme.post(address, typed(shape, **{field: value}))
        assert answer.status_code == 200
        assert words in answer.content.decode()
    shape.refresh_from_db()
    assert shape.pattern == r"\d{12}"


def test_a_comparison_that_takes_too_long_is_given_up(
    as_programme: Client, world: World, shape: SerialShape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_shapes, "MAX_TRIAL_MS", 1)
    for n in range(300):
        Registration.objects.create(
            member=world.ben,
            product=world.body,
            state="validated",
            serial=f"0{n:03}" + "(x)" * 12,
            serial_key=f"9{n}",
            added_at=timezone.now(),
            submitted_at=timezone.now(),
            decided_at=timezone.now(),
            country="ZA",
            purchased_on="2024-01-01",
            store="S",
        )
    answer = as_programme.post(reverse("admin:kitbag_serialshape_try", args=[shape.pk]), typed(shape))
    assert "took too long" in answer.content.decode()


def test_those_who_may_not_change_shapes_may_not_try_them(as_support: Client, client: Client, world: World) -> None:
    trial = reverse("admin:kitbag_serialshape_try_new")
    assert as_support.post(trial, {}).status_code == 403
    assert client.get(REPORT).status_code == 302
    assert client.post(trial, {}).status_code == 302


def test_the_database_reads_a_number_as_the_rules_do(world: World) -> None:
    numbers = [
        "0420 3100-1847",
        "S/N: 8471",
        "sn8471",
        "No. 8471 (M)",
        "[A]{b}8471",
        "８４７１",
        "NORA123",
        "a.b/c_d#e",
        "84\u00a071",
        "84\u201371",
        "äa1",
        "(open 12",
        "snno123",
        "N° de série : 8471",
        "Serien-Nr. 8471",
        "Серийный номер: 8471",
        "الرقم التسلسلي: 8471",
        "S\\N: 84|71;",
        "DE 8471",
    ]
    row = draft(world.ben, world.body)
    for serial in numbers:
        Registration.objects.filter(pk=row.pk).update(serial=serial, serial_key="1")
        (plain,) = Registration.objects.filter(pk=row.pk).values_list(serial_shapes.plain_serial())
        assert plain[0] == rules.normalise_serial(serial)
