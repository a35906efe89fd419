"""Accounts of staff (R54)."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.text import clean_email
from members.models import User


def create_staff(*, email: str, group: str, at: datetime) -> User:
    """Create an account of staff in a group, without a password, or let an existing account in.

    `group` is a name in cps_portal/groups.py, or "" for somebody who may do everything. Whoever calls this answers for
    the address: it counts as confirmed, because a second factor can only be added to a confirmed one.
    Raises Refusal for an address that is none, an unknown group, and an account that is closed or of
    staff already.
    """
    email = clean_email(email)
    try:
        validate_email(email)
    except ValidationError:
        raise Refusal("email_invalid", _("This is not an email address."), "email") from None
    with transaction.atomic():
        user = User.objects.select_for_update().filter(email__iexact=email).first()
        if user and user.is_staff:
            raise Refusal(
                "already_staff", _("This account is of staff already. Change its rights in the admin."), "email"
            )
        if user and not user.is_active:
            raise Refusal("account_closed", _("This account is closed. Use another address."), "email")
        user = user or User.objects.create_user(email, None, date_joined=at)
        user.is_staff, user.is_superuser = True, not group
        user.save(update_fields=["is_staff", "is_superuser"])
        user.groups.set([_find_group(group)] if group else [])
        _confirm(user)
    return user


def switch_desk_keys(*, user: User, on: bool) -> None:
    """Let single keys act on the desk of this person, or not (WCAG 2.1.4)."""
    User.objects.filter(pk=user.pk).update(desk_keys=on)


def _find_group(name: str) -> Group:
    group = Group.objects.filter(name=name).first()
    if group is None:
        names = ", ".join(Group.objects.order_by("name").values_list("name", flat=True))
        message = _("There is no group “%(name)s”. There are: %(names)s.") % {"name": name, "names": names}
        raise Refusal("group_unknown", message, "group")
    return group


def _confirm(user: User) -> None:
    address = EmailAddress.objects.filter(user=user, email__iexact=user.email).first()
    if address is None:
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    elif not address.verified:
        address.verified = True
        address.save(update_fields=["verified"])
