"""Who may open the files of a job, apart from the person who uploaded them (R55)."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q

from cps_portal.core.files.access import allow_readers
from cps_portal.core.files.models import StoredFile
from members.models import User
from servicing.models import Ticket

PURPOSE = "ticket"


def may_read_file(user: AbstractBaseUser, file: StoredFile) -> bool:
    """The member whose job it is, people at its centre, and staff who may see the jobs of every centre."""
    tickets = Ticket.objects.filter(Q(files__file=file) | Q(visitor__photo=file))
    if tickets.filter(Q(member__user=user.pk) | Q(member__merged_into__user=user.pk)).exists():
        return True
    return isinstance(user, User) and user.is_staff and tickets.seen_by(user).exists()


allow_readers(PURPOSE, may_read_file)
