"""Store, attach and erase uploads."""

import hashlib
import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import IO

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import decoding, scanners
from cps_portal.core.files.decoding import PhotoMarks
from cps_portal.core.files.enums import ENDINGS, FileKind
from cps_portal.core.files.exif import Equipment
from cps_portal.core.files.images import UnusableFile
from cps_portal.core.files.inspecting import CleanFile
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.disk_full import is_disk_full
from cps_portal.core.lib.errors import Refusal

logger = logging.getLogger(__name__)


@dataclass
class Notice:
    """Whether a file could not be kept because the storage is full."""

    is_full: bool = False


_notice: ContextVar[Notice | None] = ContextVar("notice", default=None)

ORPHAN_AGE = timedelta(days=1)
SWEEP_LIMIT = 1000
STATUS_CODES = {"unreachable": 503, "busy": 503, "full": 507}  # where a refusal is our fault; else 422
SENTENCES = {
    "empty": _("This file is empty. Choose another one."),
    "big": _("This file is larger than %(most)s MB. Take a smaller photo or save the PDF smaller."),
    "unknown": _("Only photos (JPEG, PNG, HEIC) and PDFs can be used. Take a photo of it, or save it as a PDF."),
    "photo": _("Only photos (JPEG, PNG, HEIC) can be used here. Take a photo of it."),
    "broken": _("This file is damaged and can’t be opened. Take the photo again or save the PDF again."),
    "pixels": _(
        "This picture is too large: %(width)s × %(height)s pixels, which is %(megapixels)s megapixels. "
        "We can read %(most)s. Save it smaller, or take the photo again with fewer megapixels."
    ),
    "pixels_as_jpeg": _(
        "This picture is too large: %(width)s × %(height)s pixels, which is %(megapixels)s megapixels. "
        "We can read %(most)s, and %(jpeg)s of a JPEG. Export it as JPEG and choose it again."
    ),
    "differs": _("We can’t keep this picture as it looks. Save it as an ordinary JPEG and choose it again."),
    "locked": _("This PDF has a password. Save it without one and choose it again."),
    "pages": _("This PDF has no pages or too many. Choose one with at most fifty pages."),
    "infected": _("Our scanner found something harmful in this file, so we didn’t keep it."),
    "unreachable": _("We can’t take files for the moment. Try again in a few minutes; what you typed is kept."),
    "many": _("You’ve uploaded a lot of files without sending them. Send what you have, or try again tomorrow."),
    "heavy": _("This file takes too much time or memory to open. Save it smaller, and choose it again."),
    "busy": _("We’re still busy with other files. Wait a moment, then try again; what you typed is kept."),
    "full": _("We can’t take files for the moment: our storage is full. Try again later; what you typed is kept."),
    "gone": _("One of the files is no longer there. Choose it again."),
}


@dataclass(frozen=True)
class Uploads:
    """The files of a form: keys of those uploaded before, and files sent with it (without JavaScript)."""

    keys: Sequence[str] = ()
    fresh: Sequence["UploadedFile[bytes]"] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.keys or self.fresh)


@contextmanager
def noticing_full_storage() -> Iterator[Notice]:
    """Tell afterwards whether any `store` inside was refused with `full`, whoever has handled that."""
    token = _notice.set(notice := Notice())
    try:
        yield notice
    finally:
        _notice.reset(token)


def file_storage() -> Storage:
    return storages["files"]


def refusal(code: str, name: str = "", **values: int) -> Refusal:
    sentence = SENTENCES[code] % {"most": settings.FILES_MAX_MEGABYTES, **values}
    return Refusal(code, _("%(name)s: %(why)s") % {"name": name, "why": sentence} if name else sentence, "files")


def store(
    *, upload: "UploadedFile[bytes]", purpose: str, by: AbstractBaseUser | None, at: datetime, sender: str = ""
) -> StoredFile:
    """Check an upload by its content and store a clean copy, not attached yet (R25).

    `by` is None for the API, where `sender` says who sends: files of one sender are opened one after the other. Raises
    Refusal with the field "files"; then nothing is left of it.
    """
    name, stream = _received(upload, by)
    with _refusing(name, owner := str(by.pk) if by else sender):
        scanners.scan(stream)
        clean = decoding.make_clean(stream, owner=owner)
    return _write(_row(clean, name, purpose, by, at), clean.content)


def store_photo(
    *, upload: "UploadedFile[bytes]", purpose: str, by: AbstractBaseUser, at: datetime
) -> tuple[StoredFile, StoredFile]:
    """Store a photo as large as a page shows it, and its thumbnail, neither attached yet. Raises Refusal as `store`."""
    name, stream = _received(upload, by)
    with _refusing(name, owner := str(by.pk)):
        scanners.scan(stream)
        contents = decoding.make_photo(stream, owner=owner)
    copies = [CleanFile(FileKind.JPEG, content) for content in contents]
    photo, thumbnail = (_write(_row(copy, name, purpose, by, at), copy.content) for copy in copies)
    return photo, thumbnail


def _received(upload: "UploadedFile[bytes]", by: AbstractBaseUser | None) -> tuple[str, IO[bytes]]:
    """Its name without a path, and its content. Raises Refusal: `big`, `many`, `empty`."""
    name = PurePath((upload.name or "").replace("\\", "/")).name.replace("\x00", "")[:120]
    if (upload.size or 0) > settings.FILES_MAX_MEGABYTES * 1024 * 1024:
        raise refusal("big", name)
    if by and StoredFile.objects.kept().filter(owner=by.pk, attached_at=None).count() >= settings.FILES_MAX_UNUSED:
        raise refusal("many")
    if upload.file is None or not upload.size:
        raise refusal("empty", name)
    return name, upload.file


def _row(clean: CleanFile, name: str, purpose: str, by: AbstractBaseUser | None, at: datetime) -> StoredFile:
    digest = hashlib.sha256(clean.content).hexdigest()
    kind = FileKind(clean.kind)
    row = StoredFile(purpose=purpose, kind=kind, size=len(clean.content), digest=digest, original_name=name)
    row.owner_id, row.created_at = by.pk if by else None, at
    return row


@contextmanager
def _refusing(name: str, owner: str) -> Iterator[None]:
    """Turn what scanning and opening raise into refusals."""
    try:
        yield
    except UnusableFile as error:
        raise refusal(error.code, "" if error.code in STATUS_CODES else name, **error.values) from error
    except scanners.Infected as error:
        logger.warning("an upload of %s is infected", owner)
        raise refusal("infected", name) from error
    except scanners.Unreachable as error:
        logger.exception("the virus scanner does not answer")
        raise refusal("unreachable") from error


def _write(row: StoredFile, content: bytes) -> StoredFile:
    """The content first: a crash in between leaves a file without a row, never a row without a file."""
    unguessable = secrets.token_hex(16)
    row.stored_as = f"{unguessable[:2]}/{unguessable}.{ENDINGS[FileKind(row.kind)]}"
    try:
        # Durable: rolled back with an outer transaction, the content would stay without a row.
        with transaction.atomic(durable=True):
            file_storage().save(row.stored_as, ContentFile(content))
            row.save(force_insert=True)
    except Exception as error:
        with suppress(Exception):  # what is left of the content; if the storage is away, nothing is
            file_storage().delete(row.stored_as)
        if is_disk_full(error):
            logger.exception("the storage of files is full")
            if notice := _notice.get():
                notice.is_full = True
            raise refusal("full") from error
        if isinstance(error, OSError):
            logger.exception("the storage of files does not work")
            raise refusal("unreachable") from error
        raise
    return row


def read_marks(*, photo: IO[bytes], by: AbstractBaseUser) -> PhotoMarks:
    """What in a photo may tell a serial number. The photo is not stored. Raises Refusal as `store_photo`."""
    try:
        return decoding.read_marks(photo, owner=str(by.pk))
    except UnusableFile as error:
        raise refusal(error.code, "", **error.values) from error


def read_equipment(*, photos: Sequence[tuple[IO[bytes], str]], by: AbstractBaseUser) -> list[Equipment | int | None]:
    """What took each photo; photos come with the layout of their pieces (`pieces.cut`) and are not stored.

    A number says where the piece begins that is missing. Raises Refusal: `busy`.
    """
    try:
        return decoding.read_equipment(photos, owner=str(by.pk))
    except UnusableFile as error:
        raise refusal(error.code) from error


def collect(*, uploads: Uploads, purpose: str, by: AbstractBaseUser, at: datetime) -> list[StoredFile]:
    """The files of a form: those uploaded before by this person, and the new ones, which are stored.

    Attach them in the transaction that uses them. Raises Refusal as `store`, and `gone` for a file that is not there.
    """
    waiting = StoredFile.objects.kept().filter(owner=by.pk, purpose=purpose, attached_at=None)
    uploaded = {row.key: row for row in waiting.filter(key__in=uploads.keys)}
    if len(uploaded) < len(set(uploads.keys)):
        raise refusal("gone")
    fresh = [store(upload=upload, purpose=purpose, by=by, at=at) for upload in uploads.fresh]
    return [*(uploaded[key] for key in dict.fromkeys(uploads.keys)), *fresh]


def keep(*, uploads: Uploads, purpose: str, by: AbstractBaseUser, at: datetime) -> tuple[Uploads, list[Refusal]]:
    """Store the new files of a form that is shown again. Returns all by key, and the refusals of the others."""
    keys, problems = list(uploads.keys), []
    for upload in uploads.fresh:
        try:
            keys.append(store(upload=upload, purpose=purpose, by=by, at=at).key)
        except Refusal as problem:
            problems.append(problem)
    return Uploads(tuple(keys)), problems


@transaction.atomic
def attach(*, files: Sequence[StoredFile], at: datetime) -> None:
    """Mark files as used. Raises Refusal `gone` if one is attached or erased already."""
    keys = {row.pk for row in files}
    if StoredFile.objects.kept().filter(pk__in=keys, attached_at=None).update(attached_at=at) < len(keys):
        raise refusal("gone")


@transaction.atomic
def erase(*, file: StoredFile, at: datetime, unless_attached: bool = False) -> bool:
    """Delete the content and keep the row. Returns whether it was erased now; calling again does nothing.

    The content is deleted first, while the row is locked. After a crash in between the next call finishes; in the other
    order the content could stay for ever, because nothing would lead to it.
    """
    row = StoredFile.objects.select_for_update(of=("self",), no_key=True).get(pk=file.pk)
    if row.erased_at or (unless_attached and row.attached_at):
        return False
    file_storage().delete(row.stored_as)  # no error if it is gone already
    row.stored_as = row.digest = row.original_name = ""
    row.erased_at = at
    row.save(update_fields=["stored_as", "digest", "original_name", "erased_at"])
    return True


def sweep_orphans(*, at: datetime) -> int:
    """Erase files that were not attached within a day. Returns how many."""
    rows = list(StoredFile.objects.orphans(at - ORPHAN_AGE).order_by("pk")[:SWEEP_LIMIT])
    return sum(erase(file=row, at=at, unless_attached=True) for row in rows)
