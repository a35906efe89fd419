"""Everything that writes for members. Actions take who (`by`) and when (`at`), lock, check, write and post."""

from members.actions.accounts import Profile, accept_terms, change_profile, join, move_country
from members.actions.erasing import erase_person, forget_told
from members.actions.levels import Settled, mend_level_history, settle_level, tell_levels
from members.actions.notices import read_notice, tell, tell_many
from members.actions.thresholds import (
    announce_thresholds_step,
    apply_thresholds_step,
    begin_due_thresholds,
    begin_thresholds,
    cancel_thresholds,
    draft_thresholds,
    movers,
    plan_thresholds,
    thresholds_to_tell,
)

__all__ = [
    "Profile",
    "Settled",
    "accept_terms",
    "announce_thresholds_step",
    "apply_thresholds_step",
    "begin_due_thresholds",
    "begin_thresholds",
    "cancel_thresholds",
    "change_profile",
    "draft_thresholds",
    "erase_person",
    "forget_told",
    "join",
    "mend_level_history",
    "move_country",
    "movers",
    "plan_thresholds",
    "read_notice",
    "settle_level",
    "tell",
    "tell_levels",
    "tell_many",
    "thresholds_to_tell",
]
