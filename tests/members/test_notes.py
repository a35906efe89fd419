"""What support notes about a member, for colleagues only (R14, R54)."""

from datetime import UTC, datetime

import pytest

from cps_portal.core.lib.errors import Refusal
from members.actions import edit_note, write_note
from members.models import Member, MemberNote, User
from members.models.notes import MAX_NOTE_LENGTH
from tests.factories import UserFactory
from tests.rows import each_row
from tests.world import World

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def note(world: World, text: str = "Phones after 16:00", by: User | None = None) -> MemberNote:
    return write_note(member=world.ana, text=text, pinned=False, by=by or world.staff, at=NOW)


def test_a_note_says_who_wrote_it_and_when(world: World) -> None:
    row = note(world, "  Phones after 16:00\n")
    assert (row.member, row.by, row.at, row.text) == (world.ana, world.staff, NOW, "Phones after 16:00")


@each_row("text, code", [("", "empty"), (" \n ", "empty"), ("x" * (MAX_NOTE_LENGTH + 1), "long")])
def test_what_says_nothing_or_too_much_is_refused_beside_the_field(world: World, text: str, code: str) -> None:
    own = note(world)
    for write in (
        lambda: note(world, text),
        lambda: edit_note(note=own, text=text, pinned=False, by=world.staff, at=NOW),
    ):
        with pytest.raises(Refusal) as refused:
            write()
        assert (refused.value.code, refused.value.field) == (code, "text")


def test_one_changes_only_what_one_wrote_oneself(world: World) -> None:
    row = note(world)
    changed = edit_note(note=row, text="Phones after 17:00", pinned=True, by=world.staff, at=NOW)
    assert (changed.text, changed.pinned, changed.edited_at) == ("Phones after 17:00", True, NOW)
    with pytest.raises(Refusal) as refused:
        edit_note(note=row, text="Never phone", pinned=False, by=UserFactory(), at=NOW)
    assert refused.value.code == "other"
    assert MemberNote.objects.get().text == "Phones after 17:00"


def test_nothing_is_noted_about_a_person_who_was_erased(world: World) -> None:
    """R14."""
    erased = {"first_name": "", "last_name": "", "specialty": "", "closed_at": NOW, "erased_at": NOW}
    Member.objects.filter(pk=world.ana.pk).update(**erased)
    with pytest.raises(Refusal) as refused:
        note(world)
    assert refused.value.code == "erased"


def test_pinned_notes_come_first_then_the_newest(world: World) -> None:
    first, second = note(world, "first"), note(world, "second")
    edit_note(note=first, text="first", pinned=True, by=world.staff, at=NOW)
    third = note(world, "third")
    assert [row.pk for row in MemberNote.objects.filter(member=world.ana)] == [first.pk, third.pk, second.pk]
