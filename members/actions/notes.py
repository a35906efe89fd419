"""Notes of support on a member (R54)."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import Member, MemberNote, User
from members.models.notes import MAX_NOTE_LENGTH


@transaction.atomic
def write_note(*, member: Member, text: str, pinned: bool, by: User, at: datetime) -> MemberNote:
    """Add a note on the member, for colleagues only. Raises Refusal: `empty`, `long` (beside `text`), `erased`."""
    _check_text(text)
    locked = Member.objects.locked().get(pk=member.pk)
    if locked.erased_at:
        raise Refusal("erased", _("This person has been erased. Nothing can be noted about them."))
    return MemberNote.objects.create(member=locked, text=text.strip(), pinned=pinned, by=by, at=at)


@transaction.atomic
def edit_note(*, note: MemberNote, text: str, pinned: bool, by: User, at: datetime) -> MemberNote:
    """Change one's own note. Raises Refusal: `empty`, `long` (beside `text`), `other` (somebody else wrote it)."""
    _check_text(text)
    locked = MemberNote.objects.select_for_update(no_key=True).get(pk=note.pk)
    if locked.by_id != by.pk:
        raise Refusal("other", _("A colleague wrote this note. Add your own below it."))
    locked.text, locked.pinned, locked.edited_at = text.strip(), pinned, at
    locked.save(update_fields=["text", "pinned", "edited_at"])
    return locked


@transaction.atomic
def delete_notes(*, member: Member) -> None:
    """Delete all notes on a member, when the person is erased (R14)."""
    MemberNote.objects.filter(member=member).delete()


def _check_text(text: str) -> None:
    if not text.strip():
        raise Refusal("empty", _("Please write something first."), "text")
    if len(text) > MAX_NOTE_LENGTH:
        sentence = _("This is too long. Please use at most %(most)s characters.")
        raise Refusal("long", sentence % {"most": MAX_NOTE_LENGTH}, "text")
