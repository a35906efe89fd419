"""What a restored database needs before the workers start (R14): docs/backup.md."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from cps_portal.site.actions import drop_sessions, erase_account
from cps_portal.site.erasures import find_erasure, read_erasures
from members.models import Member, Session

MEMBER_BATCH = 2000
logger = logging.getLogger(__name__)


@dataclass
class ErasedAgain:
    """Keys of members: erased now; and not yet, because a product of theirs is in service or something failed."""

    erased: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)


def erase_again(*, at: datetime) -> ErasedAgain:
    """After a restore: erase those again whom the list of erasures names (R14). Each in a transaction of its own.

    Raises nothing for a member who cannot be erased yet, or where something failed: the nightly task erases them.
    """
    erasures = read_erasures()
    back = {
        member.pk: (member.user_id, moment)
        for member in Member.objects.filter(erased_at=None).iterator(chunk_size=MEMBER_BATCH)
        if (moment := find_erasure(member, erasures))
    }
    drop_sessions(users={user for user, _moment in back.values()})
    result = ErasedAgain()
    for key, (_user, moment) in back.items():
        try:
            _close_as_before(member=key, erased_at=moment)
            is_erased = erase_account(member=key, at=at)
        except (DatabaseError, OSError):  # one locked row or lost file must not keep the others from being erased
            logger.exception("could not erase again", extra={"member": key})
            is_erased = False
        (result.erased if is_erased else result.waiting).append(key)
    return result


@transaction.atomic
def _close_as_before(*, member: int, erased_at: datetime) -> None:
    """Close an account that the restore has opened again, so long ago that it is due to be erased."""
    latest = erased_at - timedelta(days=settings.CLOSING_DAYS, seconds=1)
    locked = Member.objects.locked().get(pk=member)
    if locked.closed_at is None or locked.closed_at > latest:
        locked.closed_at = latest
        locked.save(update_fields=["closed_at"])


def forget_sign_ins() -> int:
    """After a restore: end all sessions and API tokens, because some had been ended since. Returns how many."""
    sessions: int = Session.objects.all().delete()[0]
    tokens: int = sum(model.objects.all().delete()[0] for model in (AccessToken, RefreshToken, Grant))
    return sessions + tokens
