"""Who can open the files of a case, besides the person who uploaded them (R25, R58)."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db.models import Q

from cps_portal.core.files.access import allow_readers
from cps_portal.core.files.models import StoredFile
from members.support.models import CaseAttachment

PURPOSE = "case"


def may_read_attachment(user: AbstractBaseUser, file: StoredFile) -> bool:
    """Support, and the member whose case it is, except for files of internal notes."""
    attachment = CaseAttachment.objects.filter(file=file)
    if getattr(user, "is_staff", False) and isinstance(user, PermissionsMixin) and user.has_perm("cases.answer_case"):
        return attachment.exists()
    own = Q(message__case__member__user=user.pk) | Q(message__case__member__merged_into__user=user.pk)
    return attachment.public().filter(own).exists()


allow_readers(PURPOSE, may_read_attachment)
