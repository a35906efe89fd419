"""Closing an account, taking it back, and erasing the person behind it: what touches every app (R14)."""

import json
import logging
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from functools import reduce
from operator import or_

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.db.models import CharField, Q
from django.db.models.functions import Cast, Lower
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from kitbag.actions.erasing import erase_kit
from members import actions as members
from members import emails
from members.models import Member, User
from members.offers.actions.erasing import erase_pack_and_card
from members.offers.actions.offers import give_all_back
from members.support import actions as cases
from members.support.models import Case
from servicing.actions.erasing import erase_jobs, is_busy

logger = logging.getLogger(__name__)

FARTHEST = 4  # steps from a row to the member whose it is
SESSION_BATCH = 1000
ADDRESS = re.compile(r'[^\s"@]+@[^\s"@]+')
OF_A_USER: dict[type[models.Model], str] = {
    User: "pk",
    EmailAddress: "user",
    Authenticator: "user",
    StoredFile: "owner",
}


@transaction.atomic
def close_account(*, member: Member, by: User, at: datetime) -> Member:
    """Close it at once; nothing is erased before CLOSING_DAYS are over. Raises Refusal: `closed`, `staff`."""
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.closed_at:
        raise Refusal("closed", _("This account is closed already."))
    if locked.user.is_staff:
        raise Refusal(
            "staff",
            _("You work in the admin with this account. Have your rights taken back there first, then close it."),
        )
    locked.closed_at = at
    locked.save(update_fields=["closed_at"])
    give_all_back(member=locked, at=at)
    _mail(locked, "account_closed", at)
    return locked


@transaction.atomic
def reopen_account(*, member: Member, by: User, at: datetime) -> Member:
    """Take a closed account back: everything is as it was. Open already: changes nothing. Raises Refusal `over`."""
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    until = locked.reopens_until
    if until is None:
        return locked
    if locked.erased_at or at > until:
        raise Refusal("over", _("The time to take this account back is over. You are welcome to join anew."))
    locked.closed_at = None
    locked.save(update_fields=["closed_at"])
    _mail(locked, "account_reopened", at)
    return locked


def erase_due(*, at: datetime, limit: int, after: int = 0) -> int:
    """Erase the next `limit` people whose time is over, each in a transaction of its own (R14).

    One that cannot be erased does not keep the others waiting: it is logged, and tried again the next night.
    Returns the key of the last one, 0 if there is none.
    """
    due = Member.objects.to_erase(at).filter(pk__gt=after).order_by("pk")
    found = list(due.values_list("pk", "user")[:limit])
    if not found:
        return 0
    drop_sessions(users={user for _member, user in found})
    for key, _user in found:
        try:
            erase_account(member=key, at=at)
        except Exception:
            logger.exception("member %s could not be erased", key)
    return found[-1][0]


@transaction.atomic
def erase_account(*, member: int, at: datetime) -> bool:
    """Erase one person in place; false if there is nothing to do by now, or something of theirs is in service.

    All or nothing: a crash leaves them whole.

    First the person, so that whatever the later steps would tell goes to nobody; then the mails, with theirs.
    """
    locked = Member.objects.to_erase(at).filter(pk=member).select_related("user").locked().first()
    if locked is None or is_busy(locked):
        return False
    log = _log_about(locked)
    addresses = members.erase_person(member=locked, at=at)
    log += _log_naming([locked.number_in_groups, *addresses])
    erase_jobs(member=locked, at=at)
    erase_pack_and_card(member=locked, at=at)
    erase_kit(member=locked, at=at)
    theirs = Case.objects.alias(whom=Lower("visitor_email")).filter(Q(member=locked) | Q(whom__in=addresses))
    for case in theirs.filter(erased_at=None).order_by("pk"):
        cases.erase(case=case, at=at)
    for file in StoredFile.objects.filter(owner=locked.user, erased_at=None).order_by("pk"):
        files.erase(file=file, at=at)
    members.forget_told(member=locked)
    outbox.erase_addresses(addresses=addresses, at=at)
    LogEntry.objects.filter(pk__in=log).update(object_repr="", change_message="")
    return True


def drop_sessions(*, users: Collection[int]) -> int:
    """End their sign-ins, also half done ones: a session keeps the address that was typed, and has to be opened."""
    addresses = EmailAddress.objects.filter(user__in=users).annotate(whose=Lower("email"))
    known = {*addresses.values_list("whose", flat=True)}
    known |= {*User.objects.filter(pk__in=users).annotate(whose=Lower("email")).values_list("whose", flat=True)}
    keys = []
    for session in Session.objects.iterator(chunk_size=SESSION_BATCH):
        held = session.get_decoded()
        named = ADDRESS.findall(json.dumps(held, default=str).lower())
        if int(held.get(SESSION_KEY, 0)) in users or not known.isdisjoint(named):
            keys.append(session.pk)
    return Session.objects.filter(pk__in=keys).delete()[0]


def ways_to(target: type[models.Model], model: type[models.Model], steps: int = FARTHEST) -> Iterator[str]:
    """The lookups that lead from rows of `model` to the `target` whose they are: "registration__member"."""
    if not steps:
        return
    for field in model._meta.get_fields():
        if not (isinstance(field, models.ForeignKey) and isinstance(field.related_model, type)):
            continue
        if issubclass(field.related_model, target):
            yield field.name
        elif not issubclass(field.related_model, model):
            yield from (f"{field.name}__{way}" for way in ways_to(target, field.related_model, steps - 1))


def _log_about(member: Member) -> list[int]:
    """The entries of the admin's log about anything that is the member's: they name it in words."""
    found: list[int] = []
    for model in apps.get_models():
        if hasattr(model, "pgh_tracked_model"):
            continue
        ways = dict.fromkeys(ways_to(Member, model), member.pk)
        if model in OF_A_USER:
            ways[OF_A_USER[model]] = member.user_id
        if model is Member:
            ways["pk"] = member.pk
        if ways:
            whose = reduce(or_, (Q(**{way: key}) for way, key in ways.items()))
            keys = model._default_manager.filter(whose).annotate(as_text=Cast("pk", CharField())).values("as_text")
            kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
            found += LogEntry.objects.filter(content_type=kind, object_id__in=keys).values_list("pk", flat=True)
    return found


def _log_naming(words: Collection[str]) -> list[int]:
    """The entries that name somebody otherwise, such as about rows that were deleted."""
    naming = reduce(or_, (Q(object_repr__icontains=word) | Q(change_message__icontains=word) for word in words))
    return list(LogEntry.objects.filter(naming).values_list("pk", flat=True))


def _mail(member: Member, letter: str, at: datetime) -> None:
    payload = emails.about_account(member, letter)
    key = f"{letter}-{member.pk}-{at.isoformat()}"
    outbox.enqueue(key=key, kind="mail", to=member.user.email, payload=payload)
