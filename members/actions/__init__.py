"""Everything that writes for members. Actions take who (`by`) and when (`at`), lock, check, write and post."""

from members.actions.accounts import Profile, accept_terms, change_profile, join, move_country
from members.actions.levels import settle_level, tell_levels
from members.actions.notices import read_notice, tell, tell_many
from members.actions.thresholds import apply_thresholds

__all__ = [
    "Profile",
    "accept_terms",
    "apply_thresholds",
    "change_profile",
    "join",
    "move_country",
    "read_notice",
    "settle_level",
    "tell",
    "tell_levels",
    "tell_many",
]
