"""How long the rows of every table are kept (R14, R70): the one declaration.

The task `portal.delete_expired` deletes what it says, the privacy notice and docs/retention.md repeat it, and
`tests/site/test_retention.py` looks for a table that it forgets. Periods are settings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models import CharField, Exists, ExpressionWrapper, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.actions import ORPHAN_AGE
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.history import expiring_trail
from members.offers.enums import PackState
from members.offers.models import Offer, WelcomePack
from servicing.actions.erasure import VISITORS_KEPT_FOR

DEFAULT_BATCH = 5_000  # rows deleted in one transaction
AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Deleted:
    """Rows are deleted `after` the moment in their column `since`, if they also match `condition` at that time.

    `hourly`: every hour instead of every night, because they hold what somebody typed. `for_members` names them in
    the privacy notice. Where `since` has no index, `order` is the key, which follows time as well.
    """

    since: str
    after: timedelta
    why: str
    condition: Callable[[datetime], Q] = lambda _at: Q()
    batch: int = DEFAULT_BATCH
    hourly: bool = False
    order: str = ""  # the oldest rows first, if not by `since`
    for_members: str | Promise = ""


@dataclass(frozen=True)
class Kept:
    """Rows are never deleted, although the table grows."""

    why: str


@dataclass(frozen=True)
class Bounded:
    """The table does not grow with members or time."""

    why: str


@dataclass(frozen=True)
class Cleared:
    """The row stays, and what is personal in it is removed `after` that time, by a task of its own."""

    model: str
    what: str
    after: timedelta
    task: str
    for_members: str | Promise = ""


Rule = Deleted | Kept | Bounded


def _is_unused(_at: datetime) -> Q:
    """Nothing refers to the file: evidence and attachments of erased members keep their (empty) file."""
    fields = StoredFile._meta.get_fields(include_hidden=True)
    relations = [field for field in fields if isinstance(field, models.ManyToOneRel)]
    referring = [
        Exists(relation.related_model._default_manager.filter(**{relation.field.name: OuterRef("pk")}))
        for relation in relations
        if isinstance(relation.related_model, type)
    ]
    return Q(*(~exists for exists in referring), erased_at__isnull=False)


def _is_over(at: datetime) -> Q:
    """The message is finished, its content is gone, and no action looks for its key any more.

    News of an offer and requests of packs are sent once because their key exists (`send_news`,
    `send_pending_requests`): without the row they would be sent again.
    """
    key = ExpressionWrapper(OuterRef("key"), CharField())
    news = Concat(Value("offer-"), Cast("pk", CharField()), Value("-news-"))
    requests = Concat(Value("pack-"), "reference", Value("-"))
    offers = Offer.objects.current(at).alias(of_message=key, prefix=news).filter(of_message__startswith=F("prefix"))
    packs = WelcomePack.objects.filter(state=PackState.REQUESTED).alias(of_message=key, prefix=requests)
    return Q(~Exists(offers), ~Exists(packs.filter(of_message__startswith=F("prefix"))), blanked_at__isnull=False)


def _has_no_history(_at: datetime) -> Q:
    """No row of any history names this context any more."""
    events = [model._default_manager.filter(pgh_context=OuterRef("pk")) for model in history_models()]
    return Q(*(~Exists(event) for event in events))


def history_models() -> list[type[models.Model]]:
    """The tables in which pghistory keeps earlier states of tracked rows."""
    return [model for model in apps.get_models() if hasattr(model, "pgh_tracked_model")]


HISTORY = Deleted(
    "pgh_created_at", settings.HISTORY_KEPT, "who changed what (R54); no rule needs it for longer", order="pk"
)
STAFF_DATA = Bounded("entered by staff")
REFERENCE = Bounded("reference data")
OF_THE_KIT = "part of a registration’s story, which survives removals and moves (R6, R21, R32, R35)"
OF_A_JOB = "jobs and what they cost are kept by law (R14); persons in them are erased"
OF_A_CASE = "the member’s conversation with support (R58); texts are erased with the account"
ONE_A_MEMBER = "at most a few a member"
TOLD = "proof of who was told of a change, and when (R22)"

RULES: dict[str, Rule] = {
    "account.EmailAddress": Kept("the member’s addresses, deleted with the account"),
    "account.EmailConfirmation": Bounded("empty: links are signed instead"),
    "admin.LogEntry": Deleted(
        "action_time",
        settings.ADMIN_LOG_KEPT,
        "audit trail of staff (R54)",
        order="pk",
        for_members=_("What staff did with your account"),
    ),
    "auth.Group": REFERENCE,
    "auth.Group_permissions": REFERENCE,
    "auth.Permission": REFERENCE,
    "cases.CannedAnswer": STAFF_DATA,
    "cases.Case": Kept(OF_A_CASE),
    "cases.CaseAttachment": Kept(OF_A_CASE),
    "cases.CaseMessage": Kept(OF_A_CASE),
    "cases.CaseReader": Deleted("seen_at", settings.CASE_DRAFTS_KEPT, "who of staff was at a case, and their drafts"),
    "contenttypes.ContentType": REFERENCE,
    "files.StoredFile": Deleted(
        "erased_at", settings.ERASED_FILES_KEPT, "longer than any backup, which may still know the file", _is_unused
    ),
    "kitbag.Adjustment": Kept("explains entries of the ledger (R21)"),
    "kitbag.Announcement": Kept(TOLD),
    "kitbag.Appeal": Kept(OF_THE_KIT),
    "kitbag.AuthorisedPeriod": STAFF_DATA,
    "kitbag.CatalogueProposal": Deleted("closed_at", settings.HISTORY_KEPT, "the product has what was decided"),
    "kitbag.Claim": Kept(OF_THE_KIT),
    "kitbag.Evidence": Kept(OF_THE_KIT),
    "kitbag.Handover": Kept(OF_THE_KIT),
    "kitbag.HeldDecision": Deleted(
        "ended_at",
        settings.HELD_DECISIONS_KEPT,
        "applied, taken back or dropped; histories have what was decided (R54)",
    ),
    "kitbag.Hold": Bounded("only while a product is in service or on loan"),
    "kitbag.LedgerCheck": Deleted("started_at", settings.LEDGER_CHECKS_KEPT, "one a night; old results say nothing"),
    "kitbag.MergedAdjustment": Kept("which points count instead of which (R21, R69)"),
    "kitbag.MergedRegistration": Kept(OF_THE_KIT),
    "kitbag.MissedSearch": Deleted(
        "counted_at", settings.MISSED_SEARCHES_KEPT, "what nobody found long ago says little; names nobody", order="pk"
    ),
    "kitbag.KitGroup": Kept(f"{ONE_A_MEMBER}; deleted with the account"),
    "kitbag.OwnerDetails": Kept("what the member keeps about a product; deleted with it and with the account"),
    "kitbag.PointsEntry": Kept("the ledger: entries sum to the points (R21)"),
    "kitbag.Product": REFERENCE,
    "kitbag.ProductEvent": Kept("partners read all changes of the catalogue from it (R55); grows with the catalogue"),
    "kitbag.ProductName": REFERENCE,
    "kitbag.Registration": Kept(OF_THE_KIT),
    "kitbag.RegistrationInReview": Bounded("a view of kitbag.Registration"),
    "kitbag.Retailer": STAFF_DATA,
    "kitbag.Sale": Kept("a confirmed sale is a proof of purchase, also years later (R25, R55)"),
    "kitbag.SerialChange": Kept("an old serial number stays known (R64)"),
    "kitbag.SerialShape": REFERENCE,
    "kitbag.Sighting": Kept("what became of stolen kit (R33)"),
    "kitbag.StageChange": STAFF_DATA,
    "kitbag.StolenReport": Kept("a serial number stays reported until staff lift it (R33)"),
    "limits.Counter": Deleted("expires_at", AT_ONCE, "counts attempts until it expires", hourly=True),
    "members.AccountFreeze": Kept("who stopped and who released an account (R69); texts are erased with it"),
    "members.AccountMerge": Kept("which accounts are of one person, and who decided it (R69)"),
    "members.CountryPlan": STAFF_DATA,
    "members.CountryProgramme": STAFF_DATA,
    "members.Device": Deleted(
        "last_seen_at",
        timedelta(seconds=settings.DEVICE_COOKIE_AGE),
        "its cookie has ended: the browser is no longer known",
        for_members=_("Where you signed in, after the last time"),
    ),
    "members.EmailChange": Deleted(
        "at",
        timedelta(days=2 * settings.EMAIL_UNDO_DAYS),
        "the link that undoes it has ended",
        for_members=_("Your old email address after you’ve changed it"),
    ),
    "members.LevelBenefit": STAFF_DATA,
    "members.LevelChange": Kept("append-only: explains every level (R11)"),
    "members.LevelThreshold": STAFF_DATA,
    "members.LostAddress": Kept("who asked for another address and who agreed (R69); erased with the account"),
    "members.LostAddressFile": Kept("what it was decided by (R69); the files are erased with the account"),
    "members.Member": Kept("erased members keep their number, nothing else (R14)"),
    "members.MemberNote": Kept("what support noted about a member (R54); deleted with the account"),
    "members.MemberView": Deleted(
        "at",
        settings.HISTORY_KEPT,
        "who looked at the portal as the member, and why (R68)",
        order="pk",
        for_members=_("That staff looked at your pages as you see them"),
    ),
    "members.Notice": Kept("what the member was told (R56, R70); deleted with the account"),
    "members.PendingLevelNotice": Bounded("only until the member is told"),
    "members.PushSubscription": Kept("goes with its device: at signing out, and with the account (R56)"),
    "members.Session": Deleted(
        "expire_date", AT_ONCE, "has ended; holds the address that was typed", hourly=True, batch=1_000
    ),
    "members.StaffAccess": Deleted(
        "at",
        settings.HISTORY_KEPT,
        "what staff opened about members (R54)",
        order="pk",
        for_members=_("What staff opened about you"),
    ),
    "members.TermsAcceptance": Kept("append-only: which terms were accepted (R9)"),
    "members.TermsVersion": STAFF_DATA,
    "members.ThresholdAnnouncement": Kept(TOLD),
    "members.ThresholdPlan": STAFF_DATA,
    "members.User": Kept("one a member"),
    "members.User_groups": Bounded("staff only"),
    "members.User_user_permissions": Bounded("staff only"),
    "mfa.Authenticator": Kept(f"{ONE_A_MEMBER}; deleted with the account"),
    "oauth2_provider.AccessToken": Deleted("expires", AT_ONCE, "expired: nobody can use it", hourly=True),
    "oauth2_provider.DeviceGrant": Bounded("empty: partners sign in with their own credentials only"),
    "oauth2_provider.Grant": Bounded("empty: partners sign in with their own credentials only"),
    "oauth2_provider.IDToken": Bounded("empty: partners sign in with their own credentials only"),
    "oauth2_provider.RefreshToken": Bounded("empty: partners sign in with their own credentials only"),
    "offers.Card": Kept("a replaced card has to be known as such (R41)"),
    "offers.CardRequest": Kept("where a new card went is cleared, that it went is kept (R40)"),
    "offers.Offer": STAFF_DATA,
    "offers.PackEvent": Kept("append-only: the way of a pack, one a member, ever (R37)"),
    "offers.PackItem": STAFF_DATA,
    "offers.SignUp": Kept("which events a member came to (R59)"),
    "offers.WelcomePack": Kept("one a member, ever (R37)"),
    "outbox.Message": Deleted(
        "created_at",
        settings.MESSAGES_KEPT,
        "that and when something was sent; never one that is due",
        _is_over,
        order="pk",
        for_members=_("That we sent you an email, and when"),
    ),
    "outbox.Suppression": Kept("addresses that mails come back from (R56); deleted with the account"),
    "partners.ApiCall": Deleted("at", settings.CALLS_KEPT, "who read or changed what (R55)"),
    "partners.Attempt": Deleted(
        "at", timedelta(days=settings.WEBHOOK_ATTEMPTS_DAYS), "answers of webhook endpoints may repeat personal data"
    ),
    "partners.Credential": STAFF_DATA,
    "partners.EndpointSecret": STAFF_DATA,
    "partners.IdempotencyRecord": Deleted("at", settings.ANSWERS_KEPT, "for a request that is repeated", hourly=True),
    "partners.Partner": STAFF_DATA,
    "partners.WebhookEndpoint": STAFF_DATA,
    "pghistory.Context": Deleted("created_at", settings.HISTORY_KEPT, "who was behind a change", _has_no_history),
    "pghistory.Events": Bounded("a view of all histories"),
    "pghistory.MiddlewareEvents": Bounded("a view of all histories"),
    "servicing.Carrier": STAFF_DATA,
    "servicing.CentreStaff": STAFF_DATA,
    "servicing.CalendarException": STAFF_DATA,
    "servicing.CalendarSnapshot": STAFF_DATA,
    "servicing.EstimatedHoliday": STAFF_DATA,
    "servicing.Estimate": Kept(OF_A_JOB),
    "servicing.EstimateDraft": Deleted("saved_at", settings.ESTIMATE_DRAFTS_KEPT, "was not sent", order="pk"),
    "servicing.EstimateLine": Kept(OF_A_JOB),
    "servicing.Loan": Kept(OF_A_JOB),
    "servicing.LoanUnit": STAFF_DATA,
    "servicing.PackedTicket": Deleted(
        "at", settings.PACKED_KEPT, "its box has left in another way, or is packed anew", order="pk"
    ),
    "servicing.Parcel": Kept(OF_A_JOB),
    "servicing.Part": Kept(OF_A_JOB),
    "servicing.ReadySet": STAFF_DATA,
    "servicing.ReadySetLine": STAFF_DATA,
    "servicing.ServiceCentre": STAFF_DATA,
    "servicing.ServiceReport": Kept("stays with the serial number, for the next owner (R35, R64)"),
    "servicing.Shipment": Kept(OF_A_JOB),
    "servicing.Shipment_tickets": Kept(OF_A_JOB),
    "servicing.Ticket": Kept(OF_A_JOB),
    "servicing.TicketEvent": Kept(f"append-only: {OF_A_JOB}"),
    "servicing.TicketFile": Kept(OF_A_JOB),
    "servicing.TicketMessage": Kept(OF_A_JOB),
    "servicing.TicketNote": Kept(OF_A_JOB),
    "servicing.WarrantyPeriod": STAFF_DATA,
    "servicing.CardRule": STAFF_DATA,
    "servicing.VisitingMember": Kept("counts visits; the person is cleared (R5)"),
    "submissions.KeptForm": Deleted(
        "at",
        settings.KEPT_FORM_FOR,
        "for the person to sign in again (R71)",
        hourly=True,
        for_members=_("What you typed into a form when your session had ended"),
    ),
    "system.Tick": Bounded("one a queue"),
    "submissions.Submission": Deleted("at", settings.SUBMISSION_KEPT_FOR, "for a second press (R71)", hourly=True),
}

CLEARED = (
    Cleared(
        "members.Member",
        "everything personal of a closed account",
        timedelta(days=settings.CLOSING_DAYS),
        "portal.erase_closed",
        _("Your account after you’ve closed it"),
    ),
    Cleared(
        "outbox.Message",
        "address and content",
        timedelta(days=settings.OUTBOX_RETENTION_DAYS),
        "outbox.blank_old",
        _("The text of emails we sent you"),
    ),
    Cleared(
        "offers.WelcomePack",
        "the postal address",
        settings.PACK_ADDRESS_KEPT,
        "offers.delete_old_addresses",
        _("The address of your Welcome Pack, after its last step"),
    ),
    Cleared(
        "offers.CardRequest",
        "the postal address",
        settings.PACK_ADDRESS_KEPT,
        "offers.delete_old_addresses",
        _("The address for a new card, after its last step"),
    ),
    Cleared(
        "kitbag.OwnerDetails",
        "what a member kept about a product that has left the Kitbag",
        timedelta(days=settings.REMOVAL_UNDO_DAYS),
        "kitbag.forget_owner_details",
        _("Your own photo, and the price you paid, of a product that you have removed"),
    ),
    Cleared(
        "servicing.VisitingMember",
        "the person and the photo of the card, after the last job",
        VISITORS_KEPT_FOR,
        "servicing.forget_visitors",
        _("Details of visiting members from another region, after their last repair"),
    ),
    Cleared(
        "files.StoredFile",
        "uploads that were never attached",
        ORPHAN_AGE,
        "files.sweep_orphans",
        _("Files you uploaded but never sent"),
    ),
)


@cache
def rules_of_tables() -> dict[str, Rule]:
    """The rule of each model by its label, history tables included."""
    history = {model._meta.label: HISTORY for model in history_models()}
    return {**history, **RULES}


def expiring_tables(*, hourly: bool) -> list[str]:
    """The labels of the models whose rows are deleted every hour, or every night."""
    rules = rules_of_tables()
    return [label for label, rule in rules.items() if isinstance(rule, Deleted) and rule.hourly == hourly]


@transaction.atomic
def delete_batch(*, label: str, at: datetime) -> int:
    """Delete the oldest rows of a table whose time is over, a batch at most. Returns how many.

    Rows that are locked are left for the next run; locked here, no row can change before it is gone. Raises KeyError
    if rows of this table are not deleted.
    """
    rule = rules_of_tables()[label]
    if not isinstance(rule, Deleted):
        raise KeyError(label)
    rows = apps.get_model(label)._default_manager.all()
    old = rows.filter(rule.condition(at), **{f"{rule.since}__lte": at - rule.after}).order_by(rule.order or rule.since)
    keys = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[: rule.batch])
    with expiring_trail():
        rows.filter(pk__in=keys).delete()
    return len(keys)


def delete_all(*, label: str, at: datetime) -> int:
    """Delete every row of a table whose time is over, each batch in its own transaction. Returns how many."""
    total = 0
    while deleted := delete_batch(label=label, at=at):
        total += deleted
    return total
