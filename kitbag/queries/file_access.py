"""Who may open evidence, besides its owner: staff who answer or decide (R25)."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin

from cps_portal.core.files.access import allow_readers
from cps_portal.core.files.models import StoredFile

PURPOSE = "evidence"
RIGHTS = ("cases.answer_case", "kitbag.decide_registration", "kitbag.decide_claim")


def may_read_evidence(user: AbstractBaseUser, file: StoredFile) -> bool:
    """Attached files only, never uploads that have not been submitted."""
    if not (getattr(user, "is_staff", False) and isinstance(user, PermissionsMixin) and file.attached_at):
        return False
    return any(user.has_perm(right) for right in RIGHTS)


allow_readers(PURPOSE, may_read_evidence)
