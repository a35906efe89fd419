"""Who may open evidence and photos of products, besides their owner: staff who answer or decide (R25)."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin

from cps_portal.core.files.access import allow_readers
from cps_portal.core.files.models import StoredFile

EVIDENCE, PHOTO = "evidence", "product_photo"
RIGHTS = ("cases.answer_case", "kitbag.decide_registration", "kitbag.decide_claim")


def may_read_of_kit(user: AbstractBaseUser, file: StoredFile) -> bool:
    """Attached files only, never uploads that have not been submitted."""
    if not (getattr(user, "is_staff", False) and isinstance(user, PermissionsMixin) and file.attached_at):
        return False
    return any(user.has_perm(right) for right in RIGHTS)


allow_readers(EVIDENCE, may_read_of_kit)
allow_readers(PHOTO, may_read_of_kit)
