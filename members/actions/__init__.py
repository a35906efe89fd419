"""Actions on members: accounts, levels, notices and thresholds."""

from members.actions.accounts import Profile, accept_terms, change_profile, erase_person, join, move_country
from members.actions.country_plans import (
    announce_country_step,
    apply_country_step,
    begin_country_plan,
    begin_due_country_plans,
    draft_country_plan,
    members_of_country,
    plan_country,
)
from members.actions.email_changes import (
    hold_reset,
    record_email_change,
    send_undo_link_again,
    undo_email_change,
)
from members.actions.levels import LedgerChanges, notify_level_changes, repair_level_history, update_levels
from members.actions.mail_trouble import ask_to_confirm_again, record_mail_event, set_mail_preference
from members.actions.notes import delete_notes, edit_note, write_note
from members.actions.notices import delete_notices, notify_member, notify_members
from members.actions.plans import cancel_plan, plans_to_announce
from members.actions.push import forget_subscription, push_notices, record_pushed, subscribe, unsubscribe
from members.actions.second_factors import reseal_second_factors, stop_offering_passkey
from members.actions.sign_ins import (
    Browser,
    end_other_sessions,
    end_session,
    record_new_session_key,
    record_seen,
    record_sign_in,
    renew_hash,
)
from members.actions.staff_access import end_view, erase_view_reasons, record_access, start_view
from members.actions.thresholds import (
    announce_thresholds_step,
    apply_thresholds_step,
    begin_due_thresholds,
    begin_thresholds,
    draft_thresholds,
    members_changing_level,
    plan_thresholds,
)

__all__ = [
    "Browser",
    "LedgerChanges",
    "Profile",
    "accept_terms",
    "announce_country_step",
    "announce_thresholds_step",
    "apply_country_step",
    "apply_thresholds_step",
    "ask_to_confirm_again",
    "begin_country_plan",
    "begin_due_country_plans",
    "begin_due_thresholds",
    "begin_thresholds",
    "cancel_plan",
    "change_profile",
    "delete_notes",
    "delete_notices",
    "draft_country_plan",
    "draft_thresholds",
    "edit_note",
    "end_other_sessions",
    "end_session",
    "end_view",
    "erase_person",
    "erase_view_reasons",
    "forget_subscription",
    "hold_reset",
    "join",
    "members_changing_level",
    "members_of_country",
    "move_country",
    "notify_level_changes",
    "notify_member",
    "notify_members",
    "plan_country",
    "plan_thresholds",
    "plans_to_announce",
    "push_notices",
    "record_access",
    "record_email_change",
    "record_mail_event",
    "record_new_session_key",
    "record_pushed",
    "record_seen",
    "record_sign_in",
    "renew_hash",
    "repair_level_history",
    "reseal_second_factors",
    "send_undo_link_again",
    "set_mail_preference",
    "start_view",
    "stop_offering_passkey",
    "subscribe",
    "undo_email_change",
    "unsubscribe",
    "update_levels",
    "write_note",
]
