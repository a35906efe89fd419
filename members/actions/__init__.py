"""Everything that writes for members. Actions take who (`by`) and when (`at`), lock, check, write and post."""

from members.actions.accounts import Profile, accept_terms, change_profile, join, move_country
from members.actions.erasing import delete_notices, erase_person
from members.actions.levels import LedgerChanges, notify_level_changes, repair_level_history, update_levels
from members.actions.notices import notify_member, notify_members, read_notice
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
    "update_levels",
]
