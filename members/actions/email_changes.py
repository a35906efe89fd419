"""The old address of an account can undo a change of address for some days."""

import uuid
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox.mail import essential
from members.actions.sign_ins import end_other_sessions
from members.models import EmailChange, User

TAKEN = _("Another account uses this address by now. Write to us, and we’ll look into it.")


@transaction.atomic
def record_email_change(*, user: User, old_email: str, new_email: str, at: datetime) -> EmailChange:
    """Remember that a confirmed address was replaced, and send the old one the link that undoes it."""
    change = EmailChange.objects.create(user=user, old_email=old_email, new_email=new_email, at=at)
    _mail("members.email_changed", change, to=old_email, at=at)
    return change


@transaction.atomic
def undo_email_change(*, change: EmailChange, password: str, at: datetime) -> User:
    """Restore the old address with a new password, and end everything that was opened since.

    All sessions and devices, ways to sign in that were added since, and later changes of address, whose links would
    give the account away again. Raises Refusal: `over` (too late, or undone before), `taken` (another account uses
    the address by now).
    """
    user = User.objects.select_for_update(no_key=True).get(pk=change.user_id)
    locked = EmailChange.objects.can_be_undone(at).filter(pk=change.pk).first()
    if locked is None:
        raise Refusal("over", _("This link has been used, or it’s too old. Write to us, and we’ll look into it."))
    if _is_taken(locked.old_email, user):
        raise Refusal("taken", TAKEN)
    replaced = user.email
    try:
        with transaction.atomic():
            _restore(user, locked.old_email, password)
    except IntegrityError as error:  # somebody else has confirmed the address at this moment
        raise Refusal("taken", TAKEN) from error
    Authenticator.objects.filter(user=user, created_at__gte=locked.at).delete()
    EmailChange.objects.filter(user=user, undone_at=None, at__gte=locked.at).update(undone_at=at)
    end_other_sessions(user=user, session_key="")
    for address in dict.fromkeys([locked.old_email, replaced]):
        _mail("members.email_undone", locked, to=address, at=at)
    return user


@transaction.atomic
def hold_reset(*, user: User, at: datetime) -> None:
    """Answer a request for a new password while the address is too young for it.

    It is told when it can have one; the addresses before it are told that somebody asked, with the link to undo.
    """
    changes = list(EmailChange.objects.recent(at).filter(user=user))
    _mail("members.reset_held", changes[0], to=user.email, at=at)
    for change in changes:
        _mail("members.reset_asked", change, to=change.old_email, at=at)


@transaction.atomic
def send_undo_link_again(*, change: EmailChange, at: datetime) -> None:
    """Somebody asked for a new password with the address that the account had before."""
    _mail("members.email_changed", change, to=change.old_email, at=at)


def _restore(user: User, email: str, password: str) -> None:
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    user.email = email
    user.set_password(password)
    user.save(update_fields=["email", "password"])


def _is_taken(email: str, user: User) -> bool:
    others = User.objects.filter(email__iexact=email).exclude(pk=user.pk)
    confirmed = EmailAddress.objects.filter(email__iexact=email, verified=True).exclude(user=user)
    return others.exists() or confirmed.exists()


def _mail(renderer: str, change: EmailChange, *, to: str, at: datetime) -> None:
    payload = essential(outbox.rendered_later(renderer, change=change.pk))
    outbox.enqueue(key=f"{renderer}-{change.pk}-{uuid.uuid4()}", kind="mail", to=to, payload=payload, at=at)
