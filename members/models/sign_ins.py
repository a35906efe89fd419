"""Where accounts are signed in, and changes of their sign-in address."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from members.models.people import User

DEVICE_KEY_LENGTH = 32  # letters and digits
MAX_USER_AGENT_LENGTH = 300
MAX_NAME_LENGTH = 320  # of an address


def _hashes(user: User) -> list[str]:
    """As in sessions: of the password with SECRET_KEY and with its fallbacks."""
    return [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]


class SessionQuerySet(models.QuerySet["Session"]):
    def naming(self, names: Iterable[str]) -> "SessionQuerySet":
        """Those that name any of these accounts (by their keys) or addresses (in lower case), found by the index."""
        return self.filter(names__overlap=list(names))


class Session(AbstractBaseSession):
    """A visit of a browser, signed in or not, as `members.sessions` saves it.

    Its data are encoded. `names` says whom they are about: the key of the account, and every address in them, such as
    one that was typed at sign-in, in lower case.
    """

    names = ArrayField(models.CharField(max_length=MAX_NAME_LENGTH), default=list, editable=False)

    objects = BaseSessionManager.from_queryset(SessionQuerySet)()  # type: ignore[misc]

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        indexes = [GinIndex(fields=["names"], name="session_names")]

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        return import_string(f"{settings.SESSION_ENGINE}.SessionStore")  # type: ignore[no-any-return]


class DeviceQuerySet(models.QuerySet["Device"]):
    def known(self, user: User, keys: list[str]) -> "DeviceQuerySet":
        """Devices of the user among these keys of a cookie, with the password that the account has now."""
        return self.filter(user=user, key__in=keys, auth_hash__in=_hashes(user))

    def outdated(self, user: User) -> "DeviceQuerySet":
        """Devices that know the account with an older password."""
        return self.filter(user=user).exclude(auth_hash__in=_hashes(user))

    def signed_in(self, user: User, at: datetime) -> "DeviceQuerySet":
        """Devices with a session that is open now, the one that was used last first."""
        sessions = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gt=at)
        mine = self.filter(Exists(sessions), user=user, auth_hash__in=_hashes(user))
        return mine.order_by("-last_seen_at", "-pk")


class Device(models.Model):
    """A browser in which an account has signed in, and its session.

    It is known by a key in a signed cookie. `auth_hash` is that of the session: a new password, however it is set,
    makes every device unknown.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="devices", verbose_name=_("user"))
    key = models.CharField(max_length=DEVICE_KEY_LENGTH, unique=True, editable=False)
    session_key = models.CharField(max_length=40, db_index=True, editable=False)
    auth_hash = models.CharField(max_length=128, editable=False)
    user_agent = models.CharField(_("browser"), max_length=MAX_USER_AGENT_LENGTH, blank=True)
    address = models.GenericIPAddressField(_("network address"), null=True, blank=True)
    signed_in_at = models.DateTimeField(_("signed in"))
    last_seen_at = models.DateTimeField(_("last seen"), db_index=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")

    def __str__(self) -> str:
        return f"{self.user_id}: {self.user_agent}"


class EmailChangeQuerySet(models.QuerySet["EmailChange"]):
    def can_be_undone(self, at: datetime) -> "EmailChangeQuerySet":
        return self.filter(undone_at=None, at__gt=at - timedelta(days=settings.EMAIL_UNDO_DAYS))

    def recent(self, at: datetime) -> "EmailChangeQuerySet":
        """Changes whose new address gets no link for a new password yet."""
        return self.filter(undone_at=None, at__gt=at - timedelta(hours=settings.EMAIL_RESET_WAIT_HOURS))


class EmailChange(models.Model):
    """A confirmed sign-in address was replaced by another one. The old one got a link that undoes it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="email_changes", verbose_name=_("user")
    )
    old_email = models.EmailField(_("old address"), max_length=254)
    new_email = models.EmailField(_("new address"), max_length=254)
    at = models.DateTimeField(_("at"))
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    objects = EmailChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of address")
        verbose_name_plural = _("changes of address")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["old_email"], name="email_change_open", condition=Q(undone_at=None))]

    def __str__(self) -> str:
        return f"{self.old_email} → {self.new_email}"

    @property
    def undo_until(self) -> datetime:
        """Until when the link in the old mailbox works."""
        return self.at + timedelta(days=settings.EMAIL_UNDO_DAYS)
