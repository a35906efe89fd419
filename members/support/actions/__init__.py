"""Actions on support cases (R19, R58)."""

from members.support.actions.attention import MAX_SNOOZE, mark_read, note_reader, save_draft, snooze, wake
from members.support.actions.cases import (
    Visitor,
    add_note,
    answer,
    assign,
    close,
    conclude,
    erase,
    open_case,
    reopen,
    revoke_link,
    take,
    write_message,
)
from members.support.actions.common import answer_due, answer_hours
from members.support.actions.ending import close_quiet_cases, rate
from members.support.actions.merging import merge

__all__ = [
    "MAX_SNOOZE",
    "Visitor",
    "add_note",
    "answer",
    "answer_due",
    "answer_hours",
    "assign",
    "close",
    "close_quiet_cases",
    "conclude",
    "erase",
    "mark_read",
    "merge",
    "note_reader",
    "open_case",
    "rate",
    "reopen",
    "revoke_link",
    "save_draft",
    "snooze",
    "take",
    "wake",
    "write_message",
]
