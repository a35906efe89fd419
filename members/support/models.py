"""Support cases, their messages and attachments, and canned answers (R19, R58)."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

import pghistory
from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.indexes import BrinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib import reference as references
from cps_portal.core.lib.name_search import FoundByName, NameWordsField, words_index
from members.models import Member
from members.support.enums import CaseKind, CaseRating, CaseState, MessageAuthor

MAX_TEXT_LENGTH = 5000
VARIABLE = re.compile(r"\{([^{}\n]*)\}")  # all at once: a value may contain another name
CASE_VARIABLES = ("name", "number", "level", "reference", "job")
CENTRE_VARIABLES = ("name", "reference", "product", "centre")
THEIR_TURN = (CaseState.WAITING, CaseState.ANSWERED)
NO_VISITOR = Q(visitor_name="", visitor_email="", access_token=None)


class CaseQuerySet(models.QuerySet["Case"]):
    def of(self, member: Member) -> Self:
        """Those of a member, and of accounts that became one with theirs (R69)."""
        return self.filter(member__in=member.accounts)

    def queue(self) -> Self:
        """Cases that wait for support, the ones due soonest first (R58)."""
        return self.filter(state=CaseState.OPEN).order_by("due_at", "pk")

    def overdue(self, at: datetime) -> Self:
        return self.filter(due_at__lt=at)

    def quiet_since(self, before: datetime) -> Self:
        """Cases whose customer has not written since support answered before this moment."""
        return self.filter(quiet_since__lte=before)

    def locked(self, pk: int) -> "Case":
        return self.select_for_update(of=("self",), no_key=True).select_related("member__user").get(pk=pk)


# Who assigned, closed, reopened or unlinked a case is in this history. The rest stays out of it: the texts are erased
# in one place only (R14), and the access token must not be copied anywhere.
@pghistory.track(
    fields=[
        "state",
        "assigned_to",
        "assigned_at",
        "closed_at",
        "link_revoked_at",
        "merged_into",
        "snoozed_at",
        "snoozed_until",
    ],
    model_name="CaseEvent",
    obj_field=pghistory.ObjForeignKey(related_name="events"),
)
class Case(FoundByName):
    """A conversation of support with a member or a visitor (R58): a question, a claim, an appeal.

    `due_at` is when support has to answer by; it is set exactly while it is support's turn. `first_answer_due_at` is
    the first of these targets, and is kept. `quiet_since` is when the customer's turn began, exactly while it is
    theirs. `unread_since` is when the oldest message came that nobody of staff has read.
    A snoozed case has `snoozed_at`. It sleeps until `snoozed_until`, until the job with the reference `snoozed_job`
    moves on, or, with neither, until the customer writes, which always wakes it.
    """

    reference = models.CharField(_("reference"), max_length=references.LENGTH, unique=True, editable=False)
    kind = models.CharField(_("topic"), max_length=12, choices=CaseKind)
    subject = models.CharField(_("subject"), max_length=120, blank=True)
    member = models.ForeignKey(
        Member, models.PROTECT, related_name="cases", verbose_name=_("member"), null=True, blank=True
    )
    visitor_name = models.CharField(_("name"), max_length=80, blank=True)
    visitor_words = NameWordsField(sources=("visitor_name",))
    visitor_email = models.EmailField(_("email"), max_length=254, blank=True)
    visitor_language = models.CharField(_("language"), max_length=10, blank=True)
    access_token = models.CharField(max_length=43, unique=True, null=True, blank=True, editable=False)
    link_revoked_at = models.DateTimeField(_("link revoked"), null=True, blank=True, editable=False)
    about_type = models.ForeignKey(ContentType, models.PROTECT, null=True, blank=True, editable=False)
    about_id = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    about = GenericForeignKey("about_type", "about_id")
    state = models.CharField(_("state"), max_length=8, choices=CaseState, default=CaseState.OPEN, editable=False)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        related_name="+",
        verbose_name=_("assigned to"),
        null=True,
        blank=True,
    )
    assigned_at = models.DateTimeField(_("assigned"), null=True, blank=True, editable=False)
    opened_at = models.DateTimeField(_("opened"))
    due_at = models.DateTimeField(_("answer due"), null=True, blank=True)
    first_answer_due_at = models.DateTimeField(_("first answer due"), null=True, blank=True)
    first_answered_at = models.DateTimeField(_("first answered"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    unread_since = models.DateTimeField(_("unread since"), null=True, blank=True, editable=False)
    quiet_since = models.DateTimeField(_("customer’s turn since"), null=True, blank=True, editable=False)
    snoozed_at = models.DateTimeField(_("snoozed"), null=True, blank=True, editable=False)
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True, editable=False)
    snoozed_job = models.CharField(
        _("snoozed until this job moves on"),
        max_length=references.LENGTH,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    merged_into = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="merged",
        verbose_name=_("merged into"),
        null=True,
        blank=True,
        editable=False,
    )
    follows = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="follow_ups",
        verbose_name=_("follows"),
        null=True,
        blank=True,
        editable=False,
    )
    rating = models.CharField(
        _("rating"), max_length=4, choices=CaseRating, blank=True, default="", db_default="", editable=False
    )
    rated_at = models.DateTimeField(_("rated"), null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        permissions = [("answer_case", "Can answer cases")]
        ordering = [F("due_at").asc(nulls_last=True), "-pk"]
        indexes = [
            models.Index(fields=["due_at", "id"], name="case_queue", condition=Q(state=CaseState.OPEN)),
            models.Index(fields=["quiet_since", "id"], name="case_quiet", condition=Q(quiet_since__isnull=False)),
            models.Index(fields=["snoozed_at"], name="case_snoozed", condition=Q(snoozed_at__isnull=False)),
            models.Index(fields=["-closed_at", "-id"], name="case_closed", condition=Q(state=CaseState.CLOSED)),
            models.Index(fields=["rated_at"], name="case_rated", condition=Q(rated_at__isnull=False)),
            models.Index(fields=["first_answered_at"], name="case_first_answered"),
            BrinIndex(
                fields=["opened_at"], name="case_opened", opclasses=["timestamptz_minmax_multi_ops"]
            ),  # cases move when they change, so few blocks are in order
            models.Index(Lower("visitor_email"), name="case_visitor_email", condition=Q(member=None)),
            models.Index(fields=["about_type", "about_id"], name="case_about"),
            words_index("case_visitor_words", "visitor_words"),
        ]
        constraints = [
            models.CheckConstraint(name="case_reference_form", condition=Q(reference__regex=r"^[0-9A-Z]{8}$")),
            models.CheckConstraint(name="case_kind_known", condition=Q(kind__in=CaseKind.values)),
            models.CheckConstraint(name="case_state_known", condition=Q(state__in=CaseState.values)),
            models.CheckConstraint(
                name="case_member_or_visitor",
                condition=(Q(member__isnull=False) & NO_VISITOR)
                | (Q(member=None) & (~Q(visitor_email="") | Q(erased_at__isnull=False))),
                violation_error_message=_("A case belongs to a member or to a visitor."),
            ),
            models.CheckConstraint(
                name="case_about_is_whole",
                condition=Q(about_type=None, about_id=None) | Q(about_type__isnull=False, about_id__isnull=False),
            ),
            models.CheckConstraint(
                name="case_due_on_supports_turn",
                condition=Q(state=CaseState.OPEN, due_at__isnull=False) | (~Q(state=CaseState.OPEN) & Q(due_at=None)),
            ),
            models.CheckConstraint(
                name="case_answered_has_an_answer",
                condition=~Q(state=CaseState.ANSWERED) | Q(first_answered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="case_closed_has_a_date",
                condition=Q(state=CaseState.CLOSED, closed_at__isnull=False)
                | (~Q(state=CaseState.CLOSED) & Q(closed_at=None)),
            ),
            models.CheckConstraint(
                name="case_quiet_on_customers_turn",
                condition=Q(state__in=THEIR_TURN, quiet_since__isnull=False)
                | (~Q(state__in=THEIR_TURN) & Q(quiet_since=None)),
            ),
            models.CheckConstraint(
                name="case_snooze_is_whole",
                condition=Q(snoozed_at__isnull=False) & (Q(snoozed_until=None) | Q(snoozed_job=""))
                | Q(snoozed_at=None, snoozed_until=None, snoozed_job=""),
            ),
            models.CheckConstraint(
                name="case_rated_has_a_date",
                condition=Q(rating="", rated_at=None) | Q(rating__in=CaseRating.values, rated_at__isnull=False),
            ),
            models.CheckConstraint(
                name="case_merged_is_closed",
                condition=Q(merged_into=None) | (Q(state=CaseState.CLOSED) & ~Q(merged_into=F("pk"))),
            ),
            models.CheckConstraint(name="case_follows_another", condition=~Q(follows=F("pk"))),
            models.CheckConstraint(
                name="case_erased_is_empty",
                condition=Q(erased_at=None) | (Q(subject="") & NO_VISITOR),
            ),
        ]

    def __str__(self) -> str:
        return self.reference_in_groups

    def get_absolute_url(self) -> str:
        """The page of the conversation, for its member or visitor; "" if the visitor's link was revoked."""
        if self.member_id:
            return reverse("cases:case", args=[self.reference])
        return reverse("cases:visitor", args=[self.access_token]) if self.access_token else ""

    @property
    def reference_in_groups(self) -> str:
        return references.format_reference(self.reference)

    @property
    def person(self) -> str:
        """Name and address as shown to staff."""
        return str(self.member) if self.member else f"{self.visitor_name} <{self.visitor_email}>"

    @property
    def email(self) -> str:
        return self.member.account_in_use.user.email if self.member else self.visitor_email

    @property
    def first_name(self) -> str:
        return self.member.account_in_use.first_name if self.member else self.visitor_name

    @property
    def language(self) -> str:
        return self.member.account_in_use.language if self.member else self.visitor_language or settings.LANGUAGE_CODE

    @property
    def is_closed(self) -> bool:
        return self.state == CaseState.CLOSED

    @property
    def reopens_until(self) -> datetime | None:
        """Until when a new message reopens a closed case; None unless it is closed."""
        return self.closed_at + timedelta(days=settings.CASES_REOPEN_DAYS) if self.closed_at else None

    @property
    def is_merged(self) -> bool:
        return self.merged_into_id is not None

    @property
    def admin_url(self) -> str:
        return reverse("admin:cases_case_change", args=[self.pk])

    def is_late(self, at: datetime) -> bool:
        return self.due_at is not None and self.due_at < at


class CaseMessageQuerySet(models.QuerySet["CaseMessage"]):
    def public(self) -> Self:
        """Messages that the member or visitor can read."""
        return self.filter(internal=False)

    def of_case(self, case: Case) -> Self:
        """Those of the case and of the cases merged into it, oldest first."""
        return self.filter(Q(case=case) | Q(case__merged_into=case)).order_by("at", "pk")


class CaseMessage(models.Model):
    """A message in a case. Internal notes are for staff only."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="messages", verbose_name=_("case"))
    author = models.CharField(_("author"), max_length=8, choices=MessageAuthor)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"), null=True, blank=True
    )
    text = models.TextField(_("text"), max_length=MAX_TEXT_LENGTH, blank=True)
    internal = models.BooleanField(_("internal note"), default=False)
    at = models.DateTimeField(_("at"))
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True)

    objects = CaseMessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("case message")
        verbose_name_plural = _("case messages")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(name="case_message_author_known", condition=Q(author__in=MessageAuthor.values)),
            models.CheckConstraint(
                name="case_message_notes_are_of_staff", condition=Q(internal=False) | Q(author=MessageAuthor.STAFF)
            ),
            models.CheckConstraint(
                name="case_message_says_something",
                condition=(Q(erased_at=None) & ~Q(text="")) | Q(erased_at__isnull=False, text=""),
            ),
            models.CheckConstraint(
                name="case_message_has_its_writer",
                condition=Q(author__in=[MessageAuthor.MEMBER, MessageAuthor.STAFF], by__isnull=False)
                | Q(author__in=[MessageAuthor.VISITOR, MessageAuthor.PORTAL], by=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.text[:60]}"


class CaseAttachmentQuerySet(models.QuerySet["CaseAttachment"]):
    def public(self) -> Self:
        """Attachments that the member can open."""
        return self.filter(message__internal=False)


class CaseAttachment(models.Model):
    """A file attached to a message (R58)."""

    message = models.ForeignKey(CaseMessage, models.PROTECT, related_name="attachments", verbose_name=_("case message"))
    file = models.OneToOneField(StoredFile, models.PROTECT, related_name="case_attachment", verbose_name=_("file"))

    objects = CaseAttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("case attachment")
        verbose_name_plural = _("case attachments")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.file}"


class CaseReader(models.Model):
    """A member of staff at a case: when they last had it open, when they last typed, and what they have not sent.

    `seen_at` and `typing_at` say for a short time who else is there. The draft is kept until it is sent.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="readers", verbose_name=_("case"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    seen_at = models.DateTimeField(_("last seen"))
    typing_at = models.DateTimeField(_("last typed"), null=True, blank=True)
    draft = models.TextField(_("draft"), max_length=MAX_TEXT_LENGTH, blank=True, default="", db_default="")
    draft_is_note = models.BooleanField(_("draft of a note"), default=False, db_default=False)

    class Meta:
        verbose_name = _("reader of a case")
        verbose_name_plural = _("readers of cases")
        ordering = ["-seen_at"]
        indexes = [models.Index(fields=["seen_at"], name="case_reader_seen")]
        constraints = [models.UniqueConstraint(fields=["case", "user"], name="case_reader_once")]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.user_id}"


class CannedAnswer(models.Model):
    """A prepared answer in one language, for cases or for the messages of service centres. Variables are filled in."""

    title = models.CharField(_("title"), max_length=80)
    language = models.CharField(_("language"), max_length=10, default="en")
    text = models.TextField(
        _("text"),
        max_length=MAX_TEXT_LENGTH,
        help_text=_(
            "Filled in for you: {name} is the first name, {reference} the reference, {number} the member number, "
            "{level} the level, and {job} the reference of the open job. For service centres: {name}, {reference}, "
            "{product} and {centre}."
        ),
    )
    for_centres = models.BooleanField(
        _("for service centres"),
        default=False,
        db_default=False,
        help_text=_("Offered in messages about jobs instead of cases."),
    )

    class Meta:
        verbose_name = _("canned answer")
        verbose_name_plural = _("canned answers")
        ordering = ["title", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["title", "language"],
                name="canned_answer_once",
                violation_error_message=_("There already is an answer with this title in this language."),
            )
        ]

    def __str__(self) -> str:
        return self.title

    def filled_in(self, **values: str) -> str:
        """The text with the value of each variable, by its name."""
        return VARIABLE.sub(lambda match: values.get(match[1], match[0]), self.text)

    @property
    def variables(self) -> tuple[str, ...]:
        return CENTRE_VARIABLES if self.for_centres else CASE_VARIABLES

    def clean(self) -> None:
        """Raises ValidationError beside `text` for a variable that nothing is put in for."""
        unknown = [name for name in VARIABLE.findall(self.text) if name not in self.variables]
        if unknown:
            message = _("Nothing can be put in for %(unknown)s. You can use %(known)s.")
            names = {"unknown": _in_braces(unknown), "known": _in_braces(self.variables)}
            raise ValidationError({"text": ValidationError(message, code="variable", params=names)})


def _in_braces(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
