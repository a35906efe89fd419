"""Who the members are, what their country offers and what their level gives."""

from members.models.addresses import BLANK_ADDRESS, IS_BLANK, IS_E164_OR_BLANK, PostalAddress
from members.models.country_plans import CountryPlan
from members.models.levels import (
    LevelChange,
    LevelThreshold,
    LevelThresholdManager,
    PendingLevelNotice,
    ThresholdAnnouncement,
    ThresholdPlan,
    level_by,
    threshold_rows,
)
from members.models.lost_addresses import (
    AccountFreeze,
    AccountFreezeQuerySet,
    LostAddress,
    LostAddressFile,
    LostAddressQuerySet,
)
from members.models.merges import AccountMerge, AccountMergeQuerySet
from members.models.notes import MemberNote
from members.models.people import (
    Member,
    MemberQuerySet,
    Notice,
    TermsAcceptance,
    TermsVersion,
    User,
    UserManager,
    append_only,
)
from members.models.plans import AnnouncedPlan
from members.models.programme import (
    CountryProgramme,
    CountryProgrammeQuerySet,
    LevelBenefit,
    LevelBenefitManager,
    programme_in,
)
from members.models.push import PushSubscription, PushSubscriptionQuerySet
from members.models.sign_ins import Device, DeviceQuerySet, EmailChange, EmailChangeQuerySet, Session
from members.models.staff_access import MemberView, MemberViewQuerySet, StaffAccess

__all__ = [
    "BLANK_ADDRESS",
    "IS_BLANK",
    "IS_E164_OR_BLANK",
    "AccountFreeze",
    "AccountFreezeQuerySet",
    "AccountMerge",
    "AccountMergeQuerySet",
    "AnnouncedPlan",
    "CountryPlan",
    "CountryProgramme",
    "CountryProgrammeQuerySet",
    "Device",
    "DeviceQuerySet",
    "EmailChange",
    "EmailChangeQuerySet",
    "LevelBenefit",
    "LevelBenefitManager",
    "LevelChange",
    "LevelThreshold",
    "LevelThresholdManager",
    "LostAddress",
    "LostAddressFile",
    "LostAddressQuerySet",
    "Member",
    "MemberNote",
    "MemberQuerySet",
    "MemberView",
    "MemberViewQuerySet",
    "Notice",
    "PendingLevelNotice",
    "PostalAddress",
    "PushSubscription",
    "PushSubscriptionQuerySet",
    "Session",
    "StaffAccess",
    "TermsAcceptance",
    "TermsVersion",
    "ThresholdAnnouncement",
    "ThresholdPlan",
    "User",
    "UserManager",
    "append_only",
    "level_by",
    "programme_in",
    "threshold_rows",
]
