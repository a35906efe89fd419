"""Which tables the download of everything held about a member contains (R14)."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models
from django.db.models import Case as If
from django.db.models import QuerySet, TextField, Value, When
from django.db.models.fields.json import KT

from cps_portal.core.files.models import StoredFile
from cps_portal.core.outbox.models import Message
from cps_portal.site.presenters.my_data_service_tables import SERVICE_TABLES
from cps_portal.site.presenters.my_data_table import Table
from cps_portal.site.queries.mails import mails_to
from kitbag.models import (
    Adjustment,
    Announcement,
    Appeal,
    Claim,
    Handover,
    KitGroup,
    OwnerDetails,
    PointsEntry,
    Registration,
    SerialChange,
    Sighting,
    StolenReport,
)
from members.models import (
    AccountFreeze,
    AccountMerge,
    Device,
    EmailChange,
    LevelChange,
    LostAddress,
    Member,
    MemberView,
    Notice,
    PushSubscription,
    StaffAccess,
    TermsAcceptance,
    ThresholdAnnouncement,
)
from members.offers.models import Card, CardRequest, PackEvent, SignUp, WelcomePack
from members.support.models import Case, CaseMessage

KIT = ("registration__product__name", "registration")


def _mails(member: Member) -> QuerySet[Message]:
    """Their mails, without the text of those that carry a sign-in link."""
    return mails_to(member).annotate(
        subject=KT("payload__subject"),
        text=If(
            When(key__startswith="account-", then=Value("")), default=KT("payload__text"), output_field=TextField()
        ),
        facts=KT("payload__context"),
    )


def _claims(member: Member) -> QuerySet[Claim]:
    """Claims where the member is on either side. The other side stays unnamed (R32)."""
    return Claim.objects.filter(claimant__member=member) | Claim.objects.filter(holder__member=member)


def _history(app: str, name: str) -> type[models.Model]:
    return apps.get_model(app, name)


PROFILE = (
    "first_name",
    "last_name",
    "country",
    "specialty",
    "language",
    "wants_news",
    "wants_counted",
    "wants_reminders",
    "closed_at",
)
REGISTRATION = (
    "product__name",
    "state",
    "serial",
    "no_serial",
    "serial_insisted",
    "date_insisted",
    "country",
    "purchased_on",
    "store",
    "review_reason",
    "refusal_reason",
    "removal_reason",
    "asked_for",
    "submitted_at",
    "decided_at",
    "ended_at",
)
TABLES = [
    Table(
        "profile",
        Member,
        "pk",
        (
            "number",
            "user__email",
            "user__date_joined",
            "user__last_login",
            *PROFILE,
            "theme",
            "points",
            "level",
            "joined_at",
        ),
    ),
    Table("profile_history", _history("members", "MemberEvent"), "pgh_obj", ("pgh_created_at", *PROFILE)),
    Table(
        "addresses",
        EmailAddress,
        lambda m: EmailAddress.objects.filter(user=m.user_id),
        (
            "email",
            "verified",
            "primary",
        ),
    ),
    Table(
        "sign_in_keys",
        Authenticator,
        lambda m: Authenticator.objects.filter(user=m.user_id),
        (
            "type",
            "created_at",
            "last_used_at",
        ),
    ),
    Table("lost_addresses", LostAddress, "member", ("old_email", "new_email", "state", "requested_at", "decided_at")),
    Table(
        "merges",
        AccountMerge,
        lambda m: AccountMerge.objects.filter(models.Q(survivor=m) | models.Q(ended=m) & ~models.Q(state="done")),
        ("survivor__number", "ended__number", "state", "requested_at", "decided_at", "undone_at"),
    ),
    Table("stopped", AccountFreeze, "member", ("at", "released_at")),
    Table("terms_accepted", TermsAcceptance, "member", ("terms__version", "language", "at")),
    Table("notices", Notice, "member", ("code", "params", "path", "at", "read_at")),
    Table("level_changes", LevelChange, "member", ("from_level", "to_level", "points", "cause", "about", "at")),
    Table("kit", Registration, "member", ("id", *REGISTRATION, "added_at")),
    Table(
        "kit_history",
        _history("kitbag", "RegistrationEvent"),
        "member",
        (
            "pgh_created_at",
            "pgh_obj_id",
            *REGISTRATION,
        ),
    ),
    Table("kit_groups", KitGroup, "member", ("name",)),
    Table(
        "kit_own_details",
        OwnerDetails,
        "registration__member",
        (*KIT, "photo", "thumbnail", "price", "currency", "group__name"),
    ),
    Table(
        "points",
        PointsEntry,
        "member",
        (
            "amount",
            "cause",
            "stage",
            *KIT,
            "adjustment",
            "stage_change",
            "at",
        ),
    ),
    Table("adjustments", Adjustment, "member", ("id", "points", "reason", "expires_on", "made_at", "ended_at")),
    Table(
        "announcements",
        Announcement,
        "member",
        (
            "change__product__name",
            "change__to_stage",
            "change__effective_on",
            "at",
            "withdrawn_at",
        ),
    ),
    Table("level_announcements", ThresholdAnnouncement, "member", ("plan__effective_on", "at", "withdrawn_at")),
    Table(
        "appeals",
        Appeal,
        "registration__member",
        (
            *KIT,
            "text",
            "refusal_reason",
            "made_at",
            "granted",
            "decided_at",
            "case__reference",
        ),
    ),
    Table("claims", Claim, _claims, ("claimant__product__name", "opened_at", "respond_by", "outcome", "decided_at")),
    Table("handovers", Handover, "registration__member", (*KIT, "made_at", "expires_at", "revoked_at", "redeemed_at")),
    Table("new_serials", SerialChange, "registration__member", (*KIT, "serial", "new_serial", "state", "at")),
    Table(
        "stolen_reports",
        StolenReport,
        "member",
        (
            "product__name",
            "serial_key",
            "registration",
            "police_reference",
            "stolen_on",
            "note",
            "reported_at",
            "lifted_at",
            "lifted_because",
        ),
    ),
    Table("stolen_seen", Sighting, "report__member", ("report", "where", "at")),
    Table(
        "cases",
        Case,
        "member",
        (
            "reference",
            "kind",
            "subject",
            "state",
            "opened_at",
            "first_answered_at",
            "closed_at",
            "merged_into__reference",
            "rating",
        ),
    ),
    Table(
        "case_messages",
        CaseMessage,
        lambda m: CaseMessage.objects.public().filter(case__member=m),
        (
            "case__reference",
            "author",
            "text",
            "at",
        ),
    ),
    Table(
        "welcome_pack",
        WelcomePack,
        "member",
        (
            "reference",
            "state",
            "level_when_asked",
            "contents",
            "name",
            "street",
            "city",
            "city_area",
            "country_area",
            "postal_code",
            "sorting_code",
            "country",
            "phone",
            "asked_at",
            "dispatched_at",
            "carrier",
            "tracking",
        ),
    ),
    Table("welcome_pack_steps", PackEvent, "pack__member", ("step", "sending", "occurred_at", "received_at", "data")),
    Table("cards", Card, "member", ("number", "issued_at", "revoked_at", "end")),
    Table(
        "card_requests",
        CardRequest,
        "member",
        (
            "reference",
            "state",
            "card__number",
            "name",
            "street",
            "city",
            "city_area",
            "country_area",
            "postal_code",
            "sorting_code",
            "country",
            "phone",
            "reported_at",
            "asked_at",
            "dispatched_at",
            "carrier",
            "tracking",
        ),
    ),
    Table("sign_ups", SignUp, "member", ("offer__title", "state", "since", "ended_at")),
    *SERVICE_TABLES,
    Table("mails", Message, _mails, ("to", "subject", "text", "facts", "state", "created_at", "sent_at")),
    Table(
        "devices",
        Device,
        lambda m: Device.objects.filter(user=m.user_id),
        ("user_agent", "address", "signed_in_at", "last_seen_at"),
    ),
    Table(
        "push_messages",
        PushSubscription,
        lambda m: PushSubscription.objects.filter(device__user=m.user_id),
        ("kinds", "created_at", "sent_at"),
    ),
    Table("opened_by_staff", StaffAccess, "member", ("kind", "page", "model", "key", "at")),
    Table("viewed_by_staff", MemberView, "member", ("reason", "at", "until", "ended_at")),
    Table(
        "email_changes",
        EmailChange,
        lambda m: EmailChange.objects.filter(user=m.user_id),
        ("old_email", "new_email", "at", "undone_at"),
    ),
    Table(
        "files",
        StoredFile,
        lambda m: StoredFile.objects.filter(owner=m.user_id),
        (
            "id",
            "purpose",
            "kind",
            "size",
            "original_name",
            "created_at",
            "erased_at",
        ),
    ),
]

STAFF = "names the staff member who did it, not the member it is about"
# Models with a path to a person that are not in the download, and why; a test compares both lists with all models.
LEFT_OUT: dict[str, str] = {
    "cases.CaseReader": "what staff have not sent, and who of them looked at a case",
    "kitbag.MergedAdjustment": "which rows of adjustments count instead of which, after a merge",
    "kitbag.MergedRegistration": "which rows of kit count instead of which, after a merge",
    "members.AccountMergeEvent": "the same facts as account_merges",
    "members.LostAddressEvent": "the same facts as lost_addresses",
    "members.LostAddressFile": "staff kept it to decide by; somebody else may have sent it in the member's name",
    "submissions.KeptForm": "deleted within a day",
    "submissions.Submission": "deleted within a day",
    "admin.LogEntry": STAFF,
    "offers.CardEvent": "the same facts as cards",
    "offers.WelcomePackEvent": "the same facts as welcome_pack_steps",
    "servicing.CentreStaff": STAFF,
    "servicing.EstimatedHoliday": STAFF,
    "members.MemberNote": "internal notes of support, as those in a case are",
    "servicing.EstimateDraft": "what a centre has not sent; what it sends is in estimates",
    "servicing.PackedTicket": "until its box leaves; then it is in service_shipments",
    "servicing.TicketNote": "internal notes of a centre, as those of support are",
    "servicing.Shipment_tickets": "which jobs are in a box: service_shipments",
    "servicing.ServiceReportHistoryEvent": "when the rows of service_reports were written",
    "servicing.VisitingMember": "a member of another region, seen by a centre: not one of our members",
    "servicing.EstimateHistoryEvent": "the same facts as service_steps",
    "servicing.LoanHistoryEvent": "the same facts as service_steps",
    "servicing.TicketHistoryEvent": "the same facts as service_steps",
    "kitbag.Sale": "a retailer's record of a serial number, which kit has; it names nobody",
    "partners.Credential": STAFF,
    **dict.fromkeys(
        [f"oauth2_provider.{name}" for name in ("AccessToken", "DeviceGrant", "Grant", "IDToken", "RefreshToken")],
        "tokens of partners' systems: no person has one",
    ),
    "kitbag.HeldDecision": "decisions of the last days: kit and its history have what was decided",
    "kitbag.Hold": "says only that a product is in service, which services has",
    "kitbag.RegistrationInReview": "the same rows as kit",
    "members.Session": "a visit that has not ended; the profile has last_login",
}
