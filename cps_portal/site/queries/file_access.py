"""Who may open what shows that somebody has lost their sign-in address (R69)."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin

from cps_portal.core.files.access import allow_readers
from cps_portal.core.files.models import StoredFile

LOST_ADDRESS = "lost_address"


def may_read_evidence(user: AbstractBaseUser, file: StoredFile) -> bool:
    """Staff who may decide, attached files only. Not the member: somebody else may have sent it in their name."""
    if not (getattr(user, "is_staff", False) and isinstance(user, PermissionsMixin) and file.attached_at):
        return False
    return user.has_perm("members.change_lost_address")


allow_readers(LOST_ADDRESS, may_read_evidence)
