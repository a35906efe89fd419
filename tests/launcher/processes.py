"""Freeze and kill servers with everything that they have started."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


def with_children(pid: int) -> list[int]:
    """A process and all that it has started."""
    pids = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:  # it has ended
                continue
            if parent == pid:
                pids += with_children(int(entry.name))
    return pids


def send_signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """Freeze the processes. They go on acknowledging packets, so that no timeout of the network ends a wait."""
    send_signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        send_signal(pids[::-1], signal.SIGCONT)


def freeze(pid: int, seconds: float) -> None:
    """Stop a process and all that it has started for some seconds."""
    with stopped(with_children(pid)):
        time.sleep(seconds)


def kill(pid: int) -> None:
    """SIGKILL a process and all that it has started: as when the power fails."""
    send_signal(with_children(pid), signal.SIGKILL)
