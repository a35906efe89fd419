"""Who the members are, what their country offers and what their level gives."""

from members.models.levels import (
    LevelChange,
    LevelThreshold,
    LevelThresholdQuerySet,
    PendingLevelNotice,
    ThresholdAnnouncement,
    ThresholdPlan,
    ThresholdPlanQuerySet,
    level_by,
    threshold_rows,
)
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
from members.models.programme import CountryProgramme, CountryProgrammeQuerySet, LevelBenefit, LevelBenefitQuerySet

__all__ = [
    "CountryProgramme",
    "CountryProgrammeQuerySet",
    "LevelBenefit",
    "LevelBenefitQuerySet",
    "LevelChange",
    "LevelThreshold",
    "LevelThresholdQuerySet",
    "Member",
    "MemberQuerySet",
    "Notice",
    "PendingLevelNotice",
    "TermsAcceptance",
    "TermsVersion",
    "ThresholdAnnouncement",
    "ThresholdPlan",
    "ThresholdPlanQuerySet",
    "User",
    "UserManager",
    "append_only",
    "level_by",
    "threshold_rows",
]
