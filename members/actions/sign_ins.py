"""Devices that accounts have signed in on: recorded at sign-in, ended by their owner."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import HASH_SESSION_KEY
from django.db import transaction
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from members.models import Device, Session, User
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
    if known is None:
        return Device.objects.create(user=user, key=get_random_string(DEVICE_KEY_LENGTH), **values)
    device, _created = Device.objects.update_or_create(user=user, key=known.key, defaults=values)
    return device


def renew_hash(*, user: User, password: str) -> None:
    """Hash the right password once more, if its hash would be another one today: in another form or slower.

    Where the account is signed in with the password, it stays so.
    """
    if user.has_current_hash(password):
        return
    with transaction.atomic():
        before = user.get_session_auth_hash()
        user.set_password(password)
        user.save(update_fields=["password"])
        after = user.get_session_auth_hash()
        devices = Device.objects.filter(user=user, auth_hash=before)
        for session in Session.objects.filter(session_key__in=devices.values("session_key")):
            kept = session.get_decoded()
            if kept.get(HASH_SESSION_KEY) == before:
                session.session_data = Session.objects.encode({**kept, HASH_SESSION_KEY: after})
                session.save(update_fields=["session_data"])
        devices.update(auth_hash=after)


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
