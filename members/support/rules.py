"""What may become of a case."""

from members.support.enums import State

MOVES = {
    "write": {State.OPEN, State.WAITING, State.ANSWERED, State.CLOSED},
    "answer": {State.OPEN, State.WAITING, State.ANSWERED},
    "close": {State.OPEN, State.WAITING, State.ANSWERED},
    "reopen": {State.CLOSED, State.ANSWERED, State.WAITING},
}
