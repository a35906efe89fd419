"""Actions on members: accounts, levels, notices and thresholds."""

from members.actions.accounts import Profile, accept_terms, change_profile, erase_person, join, move_country
from members.actions.levels import LedgerChanges, notify_level_changes, repair_level_history, update_levels
from members.actions.notices import delete_notices, notify_member, notify_members, read_notice
from members.actions.second_factors import reseal_second_factors
from members.actions.thresholds import (
    announce_thresholds_step,
    apply_thresholds_step,
    begin_due_thresholds,
    begin_thresholds,
    cancel_thresholds,
    draft_thresholds,
    members_changing_level,
    plan_thresholds,
    plans_to_announce,
)

__all__ = [
    "LedgerChanges",
    "Profile",
    "accept_terms",
    "announce_thresholds_step",
    "apply_thresholds_step",
    "begin_due_thresholds",
    "begin_thresholds",
    "cancel_thresholds",
    "change_profile",
    "delete_notices",
    "draft_thresholds",
    "erase_person",
    "join",
    "members_changing_level",
    "move_country",
    "notify_level_changes",
    "notify_member",
    "notify_members",
    "plan_thresholds",
    "plans_to_announce",
    "read_notice",
    "repair_level_history",
    "reseal_second_factors",
    "update_levels",
]
