"""Users, members, the terms they accepted, and their notices."""

import re
from datetime import datetime, timedelta
from typing import Any

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core import signing
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Lower, NullIf
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from cps_portal.core.lib.directions import in_order
from cps_portal.core.lib.hashers import FORMER_BEGINNING, hash_as_before, is_outdated
from cps_portal.core.lib.name_search import FoundByName, NameWordsField, words_index
from cps_portal.core.lib.text import clean_code, clean_email, clean_password
from cps_portal.core.lib.translations import Translated, TranslationsField
from cps_portal.core.lib.written_names import full_name, in_written_order
from members.enums import Level, NoticeCode, Specialty, Theme

NUMBER_BEGINNING = re.compile(r"[0-9]{4,12}")
MAIL_PREFERENCES = ("wants_news", "wants_counted", "wants_reminders")  # mails that a member can switch off (R56)
UNSUBSCRIBE_SALT = "unsubscribe"
SORTED_BY_NAME = Coalesce(NullIf("last_name", models.Value("")), "first_name")  # many people have only one name


def append_only(table: str) -> list[pgtrigger.Trigger]:
    """Triggers that make the database refuse UPDATE, DELETE and TRUNCATE on a log."""
    return [
        pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        pgtrigger.Trigger(
            name="no_truncate",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=f"RAISE EXCEPTION '{table} is append-only';",
        ),
    ]


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=clean_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)


class User(AbstractBaseUser, PermissionsMixin):
    """A sign-in account: of a member, of staff, or both. The e-mail address is the user name."""

    email = models.EmailField(_("email"), max_length=254)
    is_staff = models.BooleanField(_("can use the admin"), default=False)
    is_active = models.BooleanField(_("can sign in"), default=True)
    date_joined = models.DateTimeField(_("since"), default=timezone.now)
    desk_keys = models.BooleanField(_("keys of the desk"), default=True, db_default=True)
    passkey_offer = models.BooleanField(
        _("is offered a passkey"), default=True, db_default=True, help_text=_("until they have one, or don’t want one")
    )

    objects = UserManager()
    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message=_("Another account already uses this address."),
            ),
        ]
        indexes = [
            models.Index(fields=["email"], name="user_email_prefix", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["id"], name="user_former_hash", condition=Q(password__startswith=FORMER_BEGINNING)),
        ]

    def __str__(self) -> str:
        return self.email

    def set_password(self, raw_password: str | None) -> None:
        """Hash it in one form for every keyboard.

        Sign-in calls this, without an e-mail address, for one that has no account, to take as long as with one. So it
        hashes as often as `check_password` does for a wrong password: once more if it was typed in another form.
        """
        composed = None if raw_password is None else clean_password(raw_password)
        if composed != raw_password:
            make_password(raw_password)
        super().set_password(composed)
        if raw_password is not None and not self.email:
            self._take_as_long(_forms(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is the password, in one form for every keyboard; else as typed, for hashes from before that.

        A wrong one is hashed with the parameters of today and, while anybody has a hash of before, with those too.
        """
        forms = _forms(raw_password or "")
        if any(check_password(form, self.password) for form in forms):
            return True
        if not self.password.startswith(FORMER_BEGINNING):
            self._take_as_long(forms)
        return False

    def has_current_hash(self, raw_password: str) -> bool:
        """Whether the right password would be hashed the same today: in the one form, with the same parameters."""
        forms = _forms(raw_password)
        return not is_outdated(self.password) and (len(forms) == 1 or check_password(forms[0], self.password))

    @staticmethod
    def _take_as_long(forms: list[str]) -> None:
        if User.objects.filter(password__startswith=FORMER_BEGINNING).exists():
            for form in forms:
                hash_as_before(form)


def _forms(raw_password: str) -> list[str]:
    """The password in one form for every keyboard, and as it was typed if that is another one."""
    composed = clean_password(raw_password)
    return [composed] if composed == raw_password else [composed, raw_password]


class MemberQuerySet(models.QuerySet["Member"]):
    def open(self) -> "MemberQuerySet":
        return self.filter(closed_at=None)

    def search(self, typed: str) -> "MemberQuerySet":
        """Whom staff mean: a name in any order and script, a number or its beginning, or an e-mail address (R54).

        Each is looked up by its own index. Combined by OR in one query, every member would be compared.
        """
        number = re.sub(r"[\s-]", "", clean_code(typed))
        matches = [Q(number__startswith=number)] if NUMBER_BEGINNING.fullmatch(number) else []
        email = clean_email(typed.replace("\0", ""))
        if email and ("@" in email or len(typed.split()) == 1):
            matches.append(Q(user__in=User.objects.filter(email__startswith=email)))
        if "@" not in email:
            matches.append(Q(name_words__named=typed))
        keys = [Member.objects.filter(match).values("pk") for match in matches]
        return self.filter(pk__in=keys[0].union(*keys[1:]))

    def to_erase(self, at: datetime) -> "MemberQuerySet":
        """Closed accounts that can no longer be reopened (R14). Not those of staff, who still work with the user."""
        since = at - timedelta(days=settings.CLOSING_DAYS)
        due = self.filter(closed_at__lt=since, erased_at=None, user__is_staff=False)
        # What an account has that went into another one is read there: it is erased after that one (R69).
        return due.exclude(merged_into__isnull=False, merged_into__erased_at=None)

    def locked(self) -> "MemberQuerySet":
        """Lock the rows in key order: every action that writes for members takes this lock first."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)


# The ledger and LevelChange keep the first two, AccountMerge the last two.
@pghistory.track(exclude=["points", "level", "theme", "name_words", "merged_into", "absorbed"])
class Member(FoundByName):
    """A member of the programme (R8). `points` and `level` are copies; only `update_levels` writes them (R11)."""

    user = models.OneToOneField(User, models.PROTECT, related_name="member", verbose_name=_("user"))
    number = models.CharField(_("member number"), max_length=12, unique=True, editable=False)
    first_name = models.CharField(_("first name"), max_length=80)
    last_name = models.CharField(_("last name"), max_length=80, blank=True)
    name_words = NameWordsField(sources=("first_name", "last_name"))
    country = CountryField(verbose_name=_("country"))
    specialty = models.CharField(_("mostly shoots"), max_length=20, choices=Specialty, blank=True)
    language = models.CharField(_("language"), max_length=10, default="en")
    theme = models.CharField(_("appearance"), max_length=5, choices=Theme, default=Theme.AUTO)
    wants_news = models.BooleanField(_("wants e-mails about events and offers"), default=False)
    wants_counted = models.BooleanField(_("wants an e-mail when a product counts"), default=False, db_default=False)
    wants_reminders = models.BooleanField(_("wants reminders of unfinished products"), default=True, db_default=True)
    points = models.PositiveIntegerField(_("points"), default=0, editable=False)
    level = models.CharField(_("level"), max_length=10, choices=Level, default=Level.RED, editable=False)
    joined_at = models.DateTimeField(_("joined"))
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("merged into"),
        db_index=False,
    )
    # The other side of `merged_into`, so that pages that read both accounts need no query more (R69).
    absorbed = ArrayField(models.BigIntegerField(), default=list, db_default=[], blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        permissions = [("close_member", "Can close the account of a member")]
        indexes = [
            words_index("member_name_words"),
            models.Index(fields=["level"], name="member_level"),
            models.Index(
                fields=["closed_at"], name="member_closing", condition=Q(closed_at__isnull=False, erased_at=None)
            ),
        ]
        constraints = [
            models.CheckConstraint(name="member_number_form", condition=Q(number__regex=r"^\d{12}$")),
            models.CheckConstraint(name="member_level_known", condition=Q(level__in=Level.values)),
            models.CheckConstraint(
                name="member_erased_is_nobody",
                condition=Q(erased_at=None) | Q(closed_at__isnull=False, first_name="", last_name="", specialty=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.full_name} ({self.number_in_groups})"

    @property
    def full_name(self) -> str:
        """In the order in which the member’s country writes it."""
        return full_name(self.first_name, self.last_name, self.country.code)

    @property
    def accounts(self) -> list[int]:
        """The keys of this account and of those that went into it: pages that read both filter by them (R69)."""
        return [self.pk, *self.absorbed]

    @property
    def account_in_use(self) -> "Member":
        """The account that the person signs in to: this one, or the one that it went into (R69)."""
        return self.merged_into.account_in_use if self.merged_into else self

    @property
    def reopens_until(self) -> datetime | None:
        """Until when a closed account can be reopened (R14)."""
        return self.closed_at + timedelta(days=settings.CLOSING_DAYS) if self.closed_at else None

    def unsubscribe_url(self, preference: str) -> str:
        """A link for a mail that switches such mails off; it works without signing in, and for ever (RFC 8058)."""
        token = signing.dumps([self.pk, preference], salt=UNSUBSCRIBE_SALT)
        return f"{settings.SITE_URL}{reverse('unsubscribe', args=[token])}"

    @property
    def initials(self) -> str:
        names = in_written_order(self.first_name, self.last_name, self.country.code)
        return "".join(name[:1] for name in names).upper()

    @property
    def number_in_groups(self) -> str:
        return in_order(" ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4)))


class TermsVersion(Translated, models.Model):
    """A version of the Terms of Use, in force from a moment on (R9), in all countries or in one that has its own.

    The English text is the binding one; translations are working translations, and pages say so.
    """

    version = models.CharField(_("version"), max_length=20, unique=True)
    country = CountryField(
        verbose_name=_("only in"),
        blank=True,
        default="",
        db_default="",
        help_text=_("Leave it empty for the terms of all countries without their own."),
    )
    valid_from = models.DateTimeField(_("in force from"))
    text = models.TextField(
        _("text"),
        max_length=50_000,
        blank=True,
        default="",
        db_default="",
        help_text=_("The binding one, in English. Without it the page shows the sample text."),
    )
    translations = TranslationsField(of=("text",))

    class Meta:
        verbose_name = _("version of the terms")
        verbose_name_plural = _("versions of the terms")
        ordering = ["-valid_from"]
        get_latest_by = "valid_from"

    def __str__(self) -> str:
        return self.version


class TermsAcceptance(models.Model):
    """A member accepted a version of the Terms of Use (R9). Append-only."""

    member = models.ForeignKey(Member, models.PROTECT, related_name="terms_accepted", verbose_name=_("member"))
    terms = models.ForeignKey(TermsVersion, models.PROTECT, verbose_name=_("version"))
    language = models.CharField(_("read in"), max_length=10, blank=True, default="", db_default="")
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("acceptance of the terms")
        verbose_name_plural = _("acceptances of the terms")
        constraints = [models.UniqueConstraint(fields=["member", "terms"], name="terms_accepted_once")]
        triggers = append_only("members_termsacceptance")

    def __str__(self) -> str:
        return f"{self.terms}: {self.member_id}"


class Notice(models.Model):
    """A line on the member's dashboard (R56). The unique key makes it safe to repeat the action that wrote it.

    `params` holds the keys of the rows that it is worded from when it is shown (R70).
    """

    key = models.CharField(max_length=200, unique=True)
    member = models.ForeignKey(Member, models.PROTECT, related_name="notices", verbose_name=_("member"))
    code = models.CharField(_("what"), max_length=40, choices=NoticeCode)
    params = models.JSONField(_("details"), default=dict)
    path = models.CharField(_("leads to"), max_length=200, blank=True)
    at = models.DateTimeField(_("at"))
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["member", "-at"], name="notice_unread", condition=Q(read_at=None))]

    def __str__(self) -> str:
        return f"{self.get_code_display()} ({self.member_id})"
