"""Close an account, reopen it, and erase the person behind it: what touches every app (R14)."""

import logging
from collections.abc import Collection, Iterator
from datetime import datetime
from functools import reduce
from operator import or_

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import CharField, Q
from django.db.models.functions import Cast, Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history import erasing_trail
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.mail import essential
from cps_portal.core.submissions.actions import delete_forms_of
from cps_portal.site import emails
from cps_portal.site.erasures import record_erasure
from kitbag.actions.erasure import erase_kit
from members import actions as members
from members.enums import NoticeCode
from members.models import Member, Notice, Session, User
from members.offers.actions.offers import cancel_all_sign_ups, fill_places_for
from members.offers.actions.packs import cancel_resting_pack, erase_pack_and_card
from members.queries import held_until, membership_of
from members.support import actions as cases
from members.support.models import Case
from servicing.actions.erasure import erase_tickets, is_busy

logger = logging.getLogger(__name__)

MAX_STEPS = 4  # foreign keys from a row to the member it belongs to
RECOVERED = _(
    "Our staff changed your email address a few days ago. To protect your account, you can close it from %(day)s on."
)
# Models that belong to a user directly, and the lookup to that user.
OWNED_BY_USER: dict[type[models.Model], str] = {
    User: "pk",
    EmailAddress: "user",
    Authenticator: "user",
    StoredFile: "owner",
}


@transaction.atomic
def close_account(*, member: Member, by: User, at: datetime) -> Member:
    """Close it now; the personal data are erased after CLOSING_DAYS.

    Raises Refusal: `closed`, `staff`, `recovered` (staff changed its address a few days ago, R69).
    """
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.closed_at:
        raise Refusal("closed", _("This account is already closed."))
    if locked.user.is_staff:
        raise Refusal(
            "staff",
            _("This account has staff rights. Ask an administrator to remove them, then close it."),
        )
    if until := held_until(locked, at):
        day = date_format(timezone.localtime(until), "j F Y")
        raise Refusal("recovered", RECOVERED % {"day": day})
    locked.closed_at = at
    with attributed_to(by):
        locked.save(update_fields=["closed_at"])
    cancel_all_sign_ups(member=locked, at=at)
    _mail(locked, "account_closed", at)
    return locked


@transaction.atomic
def reopen_account(*, member: Member, by: User, at: datetime) -> Member:
    """Reopen a closed account, with everything in it; an open one stays as it is. Raises Refusal: `over`, `merged`."""
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.merged_into_id:
        raise Refusal("merged", _("This account is part of another one now. Our staff can undo that."))
    until = locked.reopens_until
    if until is None:
        return locked
    if locked.erased_at or at > until:
        raise Refusal("over", _("This account can no longer be reopened. You are welcome to join again."))
    locked.closed_at = None
    with attributed_to(by):
        locked.save(update_fields=["closed_at"])
    _mail(locked, "account_reopened", at)
    return locked


@transaction.atomic
def move_member(*, member: Member, country: str, by: User, at: datetime) -> Member:
    """Move to another country (R6, R65). What was asked for is finished, or cancelled if it is not packed yet.

    Jobs in service are seen to by a subscriber of `members.member_moved`. Raises Refusal `country`.
    """
    was_active = membership_of(member, timezone.localdate(at)).is_active
    from_country = member.country.code
    with attributed_to(by):
        moved = members.move_country(member=member, country=country, at=at)
    cancel_resting_pack(member=moved, by=by, at=at)
    if not was_active:
        fill_places_for(member=moved, at=at)
    _notify_of_move(moved, from_country, at)
    return moved


def _notify_of_move(member: Member, from_country: str, at: datetime) -> None:
    """By notice and mail; notices of earlier moves leave the dashboard (R56, R70)."""
    Notice.objects.filter(member=member, code=NoticeCode.MOVED, read_at=None).update(read_at=at)
    key = f"moved-{member.pk}-{at:%Y%m%dT%H%M%S%f}"
    params = {"from": from_country, "to": member.country.code}
    members.notify_member(member=member, key=key, code=NoticeCode.MOVED, params=params, path=reverse("moved"), at=at)
    payload = outbox.rendered_later(emails.MOVED, member=member.pk, notice=key)
    outbox.enqueue(key=key, kind="mail", to=member.user.email, payload=payload, at=at)


def erase_due(*, at: datetime, limit: int, after: int = 0) -> int:
    """Erase the next `limit` members whose time to reopen is over, each in a transaction of its own (R14).

    A failure is logged and tried again the next night; the others are erased all the same. Returns the key of the last
    member, 0 if there is none left.
    """
    due = Member.objects.to_erase(at).filter(pk__gt=after).order_by("pk")
    batch = list(due.values_list("pk", "user")[:limit])
    if not batch:
        return 0
    drop_sessions(users={user for _member, user in batch})
    for key, _user in batch:
        try:
            erase_account(member=key, at=at)
        except Exception:
            logger.exception("member %s could not be erased", key)
    return batch[-1][0]


@transaction.atomic
def erase_account(*, member: int, at: datetime) -> bool:
    """Erase one member's personal data; False if there is nothing to do any more or a product is still in service."""
    locked = Member.objects.to_erase(at).filter(pk=member).select_related("user").locked().first()
    if locked is None or is_busy(locked):
        return False
    log = _admin_log_about(locked)
    # The person first: whatever the later steps would send then goes to an address that does not exist.
    addresses = members.erase_person(member=locked, at=at)
    log += _admin_log_naming([locked.number_in_groups, *addresses])
    erase_tickets(member=locked, at=at)
    erase_pack_and_card(member=locked, at=at)
    erase_kit(member=locked, at=at)
    own_cases = Case.objects.alias(visitor=Lower("visitor_email")).filter(Q(member=locked) | Q(visitor__in=addresses))
    for case in own_cases.filter(erased_at=None).order_by("pk"):
        cases.erase(case=case, at=at)
    own_files = Q(owner=locked.user) | Q(lost_address__request__member=locked)
    for file in StoredFile.objects.filter(own_files, erased_at=None).order_by("pk"):
        files.erase(file=file, at=at)
    delete_forms_of(account=locked.user_id)
    members.delete_notices(member=locked)
    members.erase_view_reasons(member=locked)
    members.delete_notes(member=locked)
    outbox.erase_addresses(addresses=addresses, at=at)
    with erasing_trail():
        LogEntry.objects.filter(pk__in=log).update(object_repr="", change_message="")
    record_erasure(member=locked, at=at)  # last: what fails is tried again the next night, and then is in the list
    return True


def drop_sessions(*, users: Collection[int]) -> int:
    """End the sessions of these users, and those that name one of their addresses, such as unfinished sign-ins.

    Returns how many. They are found by an index: the sessions of others are neither read nor decoded.
    """
    addresses = EmailAddress.objects.filter(user__in=users).values_list(Lower("email"), flat=True)
    names = User.objects.filter(pk__in=users).values_list(Lower("email"), flat=True)
    return Session.objects.naming({*map(str, users), *addresses, *names}).delete()[0]


def ways_to(target: type[models.Model], model: type[models.Model], steps: int = MAX_STEPS) -> Iterator[str]:
    """Yield the lookups that lead from `model` to `target`, such as "registration__member"."""
    if not steps:
        return
    for field in model._meta.get_fields():
        if not (isinstance(field, models.ForeignKey) and isinstance(field.related_model, type)):
            continue
        if issubclass(field.related_model, target):
            yield field.name
        elif not issubclass(field.related_model, model):
            yield from (f"{field.name}__{way}" for way in ways_to(target, field.related_model, steps - 1))


def _admin_log_about(member: Member) -> list[int]:
    """Keys of admin log entries about anything of the member's: their text names it."""
    entries: list[int] = []
    for model in apps.get_models():
        if hasattr(model, "pgh_tracked_model"):
            continue
        ways = dict.fromkeys(ways_to(Member, model), member.pk)
        if model in OWNED_BY_USER:
            ways[OWNED_BY_USER[model]] = member.user_id
        if model is Member:
            ways["pk"] = member.pk
        if ways:
            whose = reduce(or_, (Q(**{way: key}) for way, key in ways.items()))
            keys = model._default_manager.filter(whose).annotate(as_text=Cast("pk", CharField())).values("as_text")
            kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
            entries += LogEntry.objects.filter(content_type=kind, object_id__in=keys).values_list("pk", flat=True)
    return entries


def _admin_log_naming(words: Collection[str]) -> list[int]:
    """Keys of other admin log entries that name the person, such as those about deleted rows."""
    naming = reduce(or_, (Q(object_repr__icontains=word) | Q(change_message__icontains=word) for word in words))
    return list(LogEntry.objects.filter(naming).values_list("pk", flat=True))


def _mail(member: Member, name: str, at: datetime) -> None:
    payload = essential(outbox.rendered_later("members.account", member=member.pk, template=name))
    key = f"{name}-{member.pk}-{at.isoformat()}"
    outbox.enqueue(key=key, kind="mail", to=member.user.email, payload=payload)
