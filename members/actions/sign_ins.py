"""Devices that accounts have signed in on: recorded at sign-in, ended by their owner."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import Device, User
from members.models.sign_ins import DEVICE_KEY_LENGTH, MAX_USER_AGENT_LENGTH


@dataclass(frozen=True)
class Browser:
    """What a request tells about the browser; `address` is None if it is not known."""

    user_agent: str
    address: str | None


@transaction.atomic
def record_sign_in(*, user: User, session_key: str, keys: list[str], browser: Browser, at: datetime) -> Device:
    """Remember the device whose cookie has `keys`, or a new one, with the session that it has now.

    Devices that know the account with an older password are forgotten, this one too: it gets a new key.
    """
    known = Device.objects.known(user, keys).first()
    Device.objects.outdated(user).delete()
    values = {
        "session_key": session_key,
        "auth_hash": user.get_session_auth_hash(),
        "user_agent": browser.user_agent[:MAX_USER_AGENT_LENGTH],
        "address": browser.address,
        "signed_in_at": at,
        "last_seen_at": at,
    }
    key = known.key if known else get_random_string(DEVICE_KEY_LENGTH)
    device, _created = Device.objects.update_or_create(user=user, key=key, defaults=values)
    return device


def record_seen(*, session_key: str, browser: Browser, at: datetime) -> None:
    """Note that the session is in use, and from where."""
    Device.objects.filter(session_key=session_key).update(
        last_seen_at=at, address=browser.address, user_agent=browser.user_agent[:MAX_USER_AGENT_LENGTH]
    )


def record_new_session_key(*, old: str, new: str) -> None:
    """The session of a device goes on under another key."""
    Device.objects.filter(session_key=old).update(session_key=new)


@transaction.atomic
def end_session(*, user: User, device: int) -> None:
    """Sign the device out at once and forget it. Raises Refusal `gone` if the user has no such device."""
    row = Device.objects.select_for_update().filter(user=user, pk=device).first()
    if row is None:
        raise Refusal("gone", _("That device is signed out already."))
    _end([row])


@transaction.atomic
def end_other_sessions(*, user: User, session_key: str) -> int:
    """Sign all devices out but the one with this session, and forget them. Returns how many had been remembered."""
    rows = list(Device.objects.select_for_update().filter(user=user).exclude(session_key=session_key))
    _end(rows)
    return len(rows)


def _end(rows: list[Device]) -> None:
    Session.objects.filter(session_key__in=[row.session_key for row in rows]).delete()
    Device.objects.filter(pk__in=[row.pk for row in rows]).delete()
