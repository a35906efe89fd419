"""Replace a sign-in address that its member cannot reach any more, by two people of the staff (R69).

The link in the old mailbox stops the account and opens a case; it gives nothing back by itself.
"""

from collections.abc import Sequence
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.text import clean_email
from cps_portal.core.lib.written_dates import date_format
from cps_portal.core.outbox import actions as outbox
from cps_portal.core.outbox import suppressions
from cps_portal.core.outbox.mail import essential
from cps_portal.site import emails
from members import actions as members
from members.enums import LostAddressState
from members.models import AccountFreeze, EmailChange, LostAddress, LostAddressFile, Member, User
from members.support.actions import Visitor, open_case
from members.support.enums import CaseKind

TAKEN = _("Another account uses this address. If both are of one person, their accounts can be merged instead.")
GONE = _("This request has been decided meanwhile. Look at what happened before you go on.")
SECOND_PERSON = _("You asked for this yourself. A colleague has to look at it and decide.")
OWN = _("This is your own account, so two colleagues have to do it.")


# --- Another address ----------------------------------------------------------------------------------


@transaction.atomic
def request_change(
    *, member: Member, new_email: str, reason: str, attached: Sequence[StoredFile], by: User, at: datetime
) -> LostAddress:
    """Ask a second person to replace the address, with what shows that it is them. The old mailbox is told.

    Raises Refusal: `own`, `staff`, `closed`, `open` (there is a request), `empty` beside `reason`, and beside
    `new_email`: `email_invalid`, `same`, `taken`.
    """
    locked = _locked_member(member, by)
    email = clean_email(new_email)
    _check_new_address(locked.user, email)
    if not reason.strip():
        raise Refusal("empty", _("Say how you know that it is them: a colleague decides by it."), "reason")
    if LostAddress.objects.open().filter(member=locked).exists():
        raise Refusal("open", _("Somebody has asked for another address for this member already."))
    request = LostAddress.objects.create(
        member=locked,
        old_email=locked.user.email,
        new_email=email,
        reason=reason.strip(),
        requested_by=by,
        requested_at=at,
    )
    files.attach(files=attached, at=at)
    LostAddressFile.objects.bulk_create(LostAddressFile(request=request, file=file) for file in attached)
    _mail(emails.ADDRESS_ASKED, request, to=request.old_email, at=at)
    return request


@transaction.atomic
def approve_change(*, request: LostAddress, by: User, at: datetime) -> LostAddress:
    """Replace the address. A new password is needed, and everything that could sign in before is ended.

    All sessions and known devices, passkeys, authenticator apps, recovery codes, and links that undo earlier changes.
    Both addresses are told. A stopped account stays stopped. Raises Refusal: `second_person`, `gone`, `changed` (the
    member has another address by now), `own`, `staff`, `closed`, `taken`.
    """
    member = _locked_member(request.member, by)
    locked = _locked_request(request)
    if locked.requested_by_id == by.pk:
        raise Refusal("second_person", SECOND_PERSON)
    user = User.objects.select_for_update(no_key=True).get(pk=member.user_id)
    if user.email != locked.old_email:
        raise Refusal("changed", _("The member has changed the address meanwhile. Refuse this request."))
    _check_new_address(user, locked.new_email)
    try:
        with transaction.atomic():
            _replace_address(user, locked.new_email)
    except IntegrityError as error:  # somebody else has confirmed the address at this moment
        raise Refusal("taken", TAKEN, "new_email") from error
    Authenticator.objects.filter(user=user).delete()
    EmailChange.objects.filter(user=user, undone_at=None).update(undone_at=at)
    members.end_other_sessions(user=user, session_key="")
    suppressions.lift(address=locked.new_email, at=at)
    suppressions.forget(addresses=[locked.old_email])
    _decide(locked, LostAddressState.APPROVED, by, at)
    _mail(emails.ADDRESS_REPLACED, locked, to=locked.old_email, at=at)
    _mail(emails.ADDRESS_GIVEN, locked, to=locked.new_email, at=at)
    return locked


@transaction.atomic
def refuse_change(*, request: LostAddress, by: User, at: datetime) -> LostAddress:
    """Leave the address as it is. Whoever asked may do that too. Raises Refusal: `gone`."""
    Member.objects.locked().get(pk=request.member_id)
    locked = _locked_request(request)
    _decide(locked, LostAddressState.REFUSED, by, at)
    return locked


# --- The account is stopped ---------------------------------------------------------------------------


@transaction.atomic
def freeze_by_link(*, request: LostAddress, at: datetime) -> AccountFreeze:
    """The old mailbox says that it was not them: nobody signs in any more, and a case opens with that mailbox.

    Once, however often the link is followed. Raises Refusal: `over`, `used`.
    """
    member = Member.objects.locked().select_related("user").get(pk=request.member_id)
    locked = LostAddress.objects.with_link(at).filter(pk=request.pk).first()
    if locked is None or member.erased_at:
        raise Refusal("over", _("This link is too old. Write to us, and we’ll look into it."))
    if standing := AccountFreeze.objects.standing().filter(member=member).first():
        return standing
    if AccountFreeze.objects.filter(lost_address=locked).exists():
        raise Refusal(
            "used", _("This link has been used, and we have looked into it. Write to us if you need us again.")
        )
    freeze = AccountFreeze.objects.create(member=member, lost_address=locked, at=at)
    User.objects.filter(pk=member.user_id).update(is_active=False)
    members.end_other_sessions(user=member.user, session_key="")
    _open_case(locked, member, at)
    for address in dict.fromkeys([locked.old_email, member.user.email]):
        _mail_about_freeze(emails.ACCOUNT_STOPPED, freeze, to=address, at=at)
    return freeze


@transaction.atomic
def ask_to_release(*, freeze: AccountFreeze, reason: str, by: User, at: datetime) -> AccountFreeze:
    """Ask a second person to open the account again. Raises Refusal: `own`, `empty` beside `reason`, `released`,
    `asked` (somebody did)."""
    locked = _locked_freeze(freeze, by)
    if not reason.strip():
        raise Refusal("empty", _("Say what you found out: a colleague decides by it."), "reason")
    if locked.asked_by_id:
        raise Refusal("asked", _("A colleague has asked for it already. Somebody else can release the account now."))
    locked.reason, locked.asked_by, locked.asked_at = reason.strip(), by, at
    locked.save(update_fields=["reason", "asked_by", "asked_at"])
    return locked


@transaction.atomic
def keep_stopped(*, freeze: AccountFreeze, by: User, at: datetime) -> AccountFreeze:
    """Turn the question down, or take it back: the account stays stopped. Raises Refusal: `own`, `released`."""
    locked = _locked_freeze(freeze, by)
    locked.reason, locked.asked_by, locked.asked_at = "", None, None
    locked.save(update_fields=["reason", "asked_by", "asked_at"])
    return locked


@transaction.atomic
def release_account(*, freeze: AccountFreeze, by: User, at: datetime) -> AccountFreeze:
    """Let the address that the account has now sign in again, with a new password: who knows the old one is unsure.

    Raises Refusal: `own`, `released`, `unasked` (nobody has asked for it), `second_person`.
    """
    locked = _locked_freeze(freeze, by)
    if locked.asked_by_id is None:
        raise Refusal("unasked", _("First one of you asks for it and says why, then another one releases it."))
    if locked.asked_by_id == by.pk:
        raise Refusal("second_person", SECOND_PERSON)
    locked.released_by, locked.released_at = by, at
    locked.save(update_fields=["released_by", "released_at"])
    user = User.objects.select_for_update(no_key=True).get(pk=locked.member.user_id)
    user.is_active = True
    user.set_unusable_password()
    user.save(update_fields=["is_active", "password"])
    members.end_other_sessions(user=user, session_key="")
    _mail_about_freeze(emails.ACCOUNT_RELEASED, locked, to=user.email, at=at)
    return locked


# --- Steps --------------------------------------------------------------------------------------------


def _locked_member(member: Member, by: User) -> Member:
    locked = Member.objects.locked().select_related("user").get(pk=member.pk)
    if locked.user_id == by.pk:
        raise Refusal("own", OWN)
    if locked.user.is_staff or locked.user.is_superuser:
        raise Refusal("staff", _("This account is of staff. An administrator has to change its address."))
    if locked.closed_at:
        raise Refusal("closed", _("This account is closed, so its address stays as it is."))
    return locked


def _locked_request(request: LostAddress) -> LostAddress:
    """As it is now. The member's lock, which the caller holds, keeps it so."""
    locked = (
        LostAddress.objects.select_for_update(of=("self",), no_key=True)
        .select_related("member__user")
        .get(pk=request.pk)
    )
    if not locked.is_open:
        raise Refusal("gone", GONE)
    return locked


def _locked_freeze(freeze: AccountFreeze, by: User) -> AccountFreeze:
    member = Member.objects.locked().get(pk=freeze.member_id)
    if member.user_id == by.pk:
        raise Refusal("own", OWN)
    rows = AccountFreeze.objects.select_for_update(of=("self",), no_key=True)
    locked = rows.select_related("member__user", "lost_address").get(pk=freeze.pk)
    if locked.released_at:
        raise Refusal("released", _("This account has been released meanwhile."))
    return locked


def _check_new_address(user: User, email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise Refusal(
            "email_invalid", _("This is not an email address. Check it with the member."), "new_email"
        ) from None
    if email == user.email:
        raise Refusal("same", _("That is the address that the account has now."), "new_email")
    others = User.objects.filter(email__iexact=email).exclude(pk=user.pk)
    confirmed = EmailAddress.objects.filter(email__iexact=email, verified=True).exclude(user=user)
    if others.exists() or confirmed.exists():
        raise Refusal("taken", TAKEN, "new_email")


def _replace_address(user: User, email: str) -> None:
    """Two people answer for the address, so it counts as confirmed: the link for a new password goes there."""
    EmailAddress.objects.filter(user=user).delete()
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    user.email = email
    user.set_unusable_password()
    user.save(update_fields=["email", "password"])


def _decide(locked: LostAddress, state: LostAddressState, by: User, at: datetime) -> None:
    locked.state, locked.decided_by, locked.decided_at = state, by, at
    locked.save(update_fields=["state", "decided_by", "decided_at"])


def _open_case(request: LostAddress, member: Member, at: datetime) -> None:
    """With the old mailbox, which reads it by a link of its own: nobody can sign in to the account."""
    with translation.override(member.language):
        subject = gettext("My account has been stopped")
        text = gettext(
            "Through the link in your mail I have told you that I did not ask for the change of the sign-in address of"
            " account %(number)s on %(day)s. Please look into it."
        ) % {
            "number": member.number_in_groups,
            "day": date_format(timezone.localtime(request.decided_at or request.requested_at), "j F Y"),
        }
    visitor = Visitor(name="", email=request.old_email, language=member.language)
    open_case(kind=CaseKind.CONTACT, subject=subject, text=text, by=None, visitor=visitor, about=request, at=at)


def _mail(renderer: str, request: LostAddress, *, to: str, at: datetime) -> None:
    payload = essential(outbox.rendered_later(renderer, request=request.pk))
    outbox.enqueue(key=f"{renderer}-{request.pk}-{to}", kind="mail", to=to, payload=payload, at=at)


def _mail_about_freeze(renderer: str, freeze: AccountFreeze, *, to: str, at: datetime) -> None:
    payload = essential(outbox.rendered_later(renderer, freeze=freeze.pk))
    outbox.enqueue(key=f"{renderer}-{freeze.pk}-{to}", kind="mail", to=to, payload=payload, at=at)
