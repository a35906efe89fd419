"""One long-running child process: started, watched, stopped, and found again after a killed launcher."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cps_portal.dev.embedded.accounts import Account
from cps_portal.dev.embedded.errors import CannotStart

PR_SET_PDEATHSIG = 1
LARGEST_LOG = 5 * 2**20


@dataclass
class Service:
    """A child that leads its own process group, logs to a file and holds a lock while any of it lives.

    The lock outlives a launcher killed with -9, so the next one knows whether something is left over, and
    that the noted process number still means what it meant.
    """

    name: str
    command: Sequence[str | Path]
    folder: Path
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    environment: Mapping[str, str] | None = None
    workplace: Path = Path("/")
    patience: float = 15
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        lock = self._take_lock()
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.old"))
        try:
            with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as log:
                self.process = subprocess.Popen(  # noqa: S603 (our own command)
                    [str(part) for part in self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.workplace,
                    env=self.environment,
                    user=self.account.uid if self.account else None,
                    group=self.account.gid if self.account else None,
                    extra_groups=[] if self.account else None,
                    umask=0o077,
                    start_new_session=True,  # Ctrl-C reaches the launcher only, which stops things in order
                    pass_fds=[lock],
                    preexec_fn=end_with_parent(self.stop_signal),  # noqa: PLW1509 (one thread)
                )
            os.pwrite(lock, f"{self.process.pid:<20}".encode(), 0)  # at once: never a moment without a number
        finally:
            os.close(lock)  # from now on only the child and its children hold it

    def ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def ask_to_stop(self) -> None:
        if self.process and not self.ended():
            self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Stop in its own way, then by force; returns when the whole process group has gone."""
        if self.process is None:
            return
        self.ask_to_stop()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(self.patience)
        signal_group(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def how_it_ended(self) -> str:
        code = self.process.returncode if self.process else None
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def last_words(self) -> str:
        """The line of the log that most likely says why, and where the rest is."""
        with suppress(OSError):
            lines = self.log.read_text(errors="replace").splitlines()[-40:]
            telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "rror" in line]
            if lines:
                return f"{(telling or lines)[-1].strip()} (all of it: {self.log})"
        return f"see {self.log}"

    def end_leftovers(self) -> None:
        """End what a killed launcher left running of this service; returns when it has gone."""
        os.close(self._take_lock())

    def _take_lock(self) -> int:
        lock = os.open(self.folder / f"{self.name}.pid", os.O_RDWR | os.O_CREAT, 0o600)
        if wait_for_lock(lock, 0):
            return lock
        pid = int(os.pread(lock, 20, 0) or b"0")
        if not signal_leader(pid, self.stop_signal):
            signal_group(pid, signal.SIGKILL)  # the leader was killed; its children have nothing to wait for
        if wait_for_lock(lock, self.patience):
            return lock
        signal_group(pid, signal.SIGKILL)
        if wait_for_lock(lock, 5):
            return lock
        os.close(lock)
        raise CannotStart(f"a {self.name} process of an earlier start does not end: process {pid}.")


def wait_for_lock(lock: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def signal_leader(pid: int, number: signal.Signals) -> bool:
    """Signal the process if it still leads its group; say whether it does."""
    try:
        if pid <= 1 or os.getpgid(pid) != pid:
            return False
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def signal_group(pid: int, number: signal.Signals) -> None:
    if pid > 1:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)


def end_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Linux: the child gets the signal when the launcher dies, even by kill -9. Elsewhere the lock has to do.

    It must run after the change of account, which clears it; subprocess does so.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask
