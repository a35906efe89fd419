"""python -m cps_portal.dev.embedded run | test [pytest arguments] | with-servers -- COMMAND | clean"""

import errno
import signal
import sys
from contextlib import suppress
from types import FrameType

from cps_portal.dev.embedded import folder, testing
from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.run import run
from cps_portal.dev.embedded.urls import STATE


def main() -> int:
    stop_on_signals()
    match sys.argv[1:]:
        case ["run"]:
            with suppress(KeyboardInterrupt):  # Ctrl-C; everything has been stopped
                run()
        case ["test", *arguments]:
            return testing.test(arguments)
        case ["with-servers", *command]:
            return testing.with_servers(command)
        case ["clean"]:
            clean()
        case _:
            sys.exit(__doc__)
    return 0


def clean() -> None:
    if STATE.exists():
        with folder.locked_folder(STATE):
            folder.remove(STATE)


def stop_on_signals() -> None:
    """Ctrl-C, kill and a closed terminal all mean: stop everything in order, once."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)  # SIGINT too: it is ignored in a background job of a shell


def stop(_number: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a second one must not break off the stopping, which ends by itself
    raise KeyboardInterrupt


def one_sentence(problem: OSError) -> str:
    if problem.errno == errno.ENOSPC:
        return f"the disk is full ({problem.filename or STATE})."
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{problem.filename or STATE} cannot be used: {problem.strerror}."
    return str(problem)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotStart as problem:
        sys.exit(f"Cannot start: {problem}")
    except OSError as problem:
        sys.exit(f"Cannot start: {one_sentence(problem)}")
    except KeyboardInterrupt:
        sys.exit(130)
