"""Add evidence to a registration and remove it again (R24, R25)."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.actions import Uploads
from cps_portal.core.files.enums import FileKind
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from kitbag.actions import appeals
from kitbag.actions.transitions import lock_registration
from kitbag.enums import EvidenceKind, RegistrationState
from kitbag.models import Claim, Evidence, Registration
from kitbag.queries.around import Around
from members.models import User

PURPOSE = "evidence"
FIELD = "evidence"


@dataclass(frozen=True)
class AddedEvidence:
    """The files that were added, and what was wrong with the others."""

    rows: list[Evidence]
    problems: list[Refusal]


def is_undecided(row: Registration, around: Around | None = None) -> bool:
    """Whether evidence can still matter: not submitted yet, waiting for a person, or claimed by another member.

    `around` is what the caller has already read.
    """
    if around and not around.appeal and not around.claim:
        waits = row.state == RegistrationState.SUBMITTED and bool(row.review_reason)
        return waits or row.state in (RegistrationState.DRAFT, RegistrationState.REJECTED)
    if row.state in (RegistrationState.DRAFT, RegistrationState.REJECTED):
        return not appeals.is_final(row)
    if row.state == RegistrationState.SUBMITTED and row.review_reason:
        return True
    return row.is_live and Claim.objects.open().filter(Q(claimant=row) | Q(holder=row)).exists()


def add_evidence(
    *, registration: Registration, uploads: Uploads, by: User, at: datetime, kind: EvidenceKind | None = None
) -> AddedEvidence:
    """Attach uploaded files. Good files are added even if others are bad: those are listed in `problems`.

    Call it outside a transaction, because stored content would outlive a rollback without its row. Files that are
    already attached to this registration are ignored, so that a form may be submitted twice. Raises Refusal beside
    `evidence`: `owner`, `decided`, `many`, `gone`.
    """
    _check(registration, by)
    mine = set(Evidence.objects.filter(registration=registration).values_list("file__key", flat=True))
    new = Uploads(tuple(key for key in uploads.keys if key not in mine), uploads.fresh)
    _check_room(registration, len(new.keys) + len(new.fresh))
    kept, problems = files.keep(uploads=new, purpose=PURPOSE, by=by, at=at)
    if not kept:
        return AddedEvidence([], problems)
    try:
        stored = files.collect(uploads=kept, purpose=PURPOSE, by=by, at=at)
        return AddedEvidence(_attach(registration, stored, by, at, kind), problems)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.message, FIELD) from refusal


@transaction.atomic
def _attach(
    registration: Registration, stored: list[StoredFile], by: User, at: datetime, kind: EvidenceKind | None
) -> list[Evidence]:
    row = lock_registration(registration)
    _check(row, by)
    _check_room(row, len(stored))
    files.attach(files=stored, at=at)
    return Evidence.objects.bulk_create(
        Evidence(registration=row, file=file, kind=kind or _kind(file), added_at=at) for file in stored
    )


@transaction.atomic
def remove_evidence(*, evidence: Evidence, by: User, at: datetime) -> bool:
    """Erase the content of a file that the member takes back. Returns False if it was erased already.

    Raises Refusal: `owner`, `decided`.
    """
    row = lock_registration(evidence.registration)
    _check(row, by)
    return files.erase(file=evidence.file, at=at)


def _kind(file: StoredFile) -> EvidenceKind:
    return EvidenceKind.RECEIPT if file.kind == FileKind.PDF else EvidenceKind.OTHER


def _check(row: Registration, by: User) -> None:
    if row.member.user_id != by.pk:
        raise Refusal("owner", _("This isn’t in your Kitbag."), FIELD)
    if not is_undecided(row):
        raise Refusal("decided", _("We’ve already decided this one. If something’s wrong, please write to us."), FIELD)


def _check_room(row: Registration, more: int) -> None:
    most = settings.EVIDENCE_MAX_FILES
    if more and Evidence.objects.kept().filter(registration=row).count() + more > most:
        raise Refusal("many", _("You can add up to %(most)d files. Remove one first.") % {"most": most}, FIELD)
