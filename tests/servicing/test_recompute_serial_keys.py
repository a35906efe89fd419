"""Stored serial keys after a change of the rules (R28, R31)."""

from io import StringIO

import pytest
from django.core.management import call_command

from kitbag.models import Registration
from tests.factories import submitted
from tests.world import World

COMMAND = "recompute_serial_keys"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(COMMAND, *arguments, stdout=out)
    return out.getvalue()


def test_a_dry_run_tells_what_differs_and_changes_nothing(world: World) -> None:
    row = submitted(world.ben, world.body, "052031000077")
    Registration.objects.filter(pk=row.pk).update(serial_key="٥")
    with pytest.raises(SystemExit):
        run("--dry-run")
    row.refresh_from_db()
    assert row.serial_key == "٥"


def test_keys_are_stored_anew_and_a_second_run_changes_nothing(world: World) -> None:
    row = submitted(world.ben, world.body, "052031000077")
    Registration.objects.filter(pk=row.pk).update(serial_key="٥")
    assert "registrations: 4 compared, 1 differ" in run()
    row.refresh_from_db()
    assert row.serial_key == "52031000077"
    assert "registrations: 4 compared, 0 differ" in run()


def test_a_collision_is_left_to_a_person(world: World) -> None:
    first = submitted(world.ben, world.body, "052031000077")
    second = submitted(world.ben, world.body, "052031000078")
    Registration.objects.filter(pk=second.pk).update(serial="052031000077", serial_key="٥")
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command(COMMAND, stdout=out)
    assert f"a person has to decide: registration {second.pk}" in out.getvalue()
    second.refresh_from_db()
    assert (first.serial_key, second.serial_key) == ("52031000077", "٥")
