"""Which actions are allowed in which state of a case."""

from members.support.enums import CaseState

ALLOWED_STATES = {
    "write": {CaseState.OPEN, CaseState.WAITING, CaseState.ANSWERED, CaseState.CLOSED},
    "answer": {CaseState.OPEN, CaseState.WAITING, CaseState.ANSWERED},
    "close": {CaseState.OPEN, CaseState.WAITING, CaseState.ANSWERED},
    "reopen": {CaseState.CLOSED, CaseState.ANSWERED, CaseState.WAITING},
}
