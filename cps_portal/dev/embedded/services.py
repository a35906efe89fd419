"""A long-running child process: started, stopped, and found again after the launcher was killed."""

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
MAX_LOG_BYTES = 5 * 2**20


@dataclass
class Service:
    """A child process that leads a process group of its own, logs to a file, and holds a lock while any of it runs.

    The child inherits the lock, so it outlives a launcher killed with -9: the next launcher knows that something is
    still running, and that the process id in the lock file is not somebody else's by now.
    """

    name: str
    command: Sequence[str | Path]
    folder: Path
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    environment: Mapping[str, str] | None = None
    working_directory: Path = Path("/")
    stop_timeout: float = 15
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        lock = self._take_lock()
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.old"))
        try:
            with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as log:
                self.process = subprocess.Popen(  # noqa: S603 (our own command)
                    [str(part) for part in self.command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.working_directory,
                    env=None if self.environment is None else {**os.environ, **self.environment},
                    user=self.account.uid if self.account else None,
                    group=self.account.gid if self.account else None,
                    extra_groups=[] if self.account else None,
                    umask=0o077,
                    start_new_session=True,  # Ctrl-C reaches the launcher only, which stops things in order
                    pass_fds=[lock],
                    preexec_fn=stop_with_parent(self.stop_signal),  # noqa: PLW1509 (one thread)
                )
            os.pwrite(
                lock, f"{self.process.pid:<20}".encode(), 0
            )  # immediately: a launcher killed here must leave the process id
        finally:
            os.close(lock)  # the child and its children still hold it

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def ask_to_stop(self) -> None:
        if self.process and not self.has_ended():
            self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask it to stop, then kill what is left; returns when the whole process group has ended."""
        if self.process is None:
            return
        self.ask_to_stop()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(self.stop_timeout)
        signal_group(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def exit_reason(self) -> str:
        code = self.process.returncode if self.process else None
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def log_summary(self) -> str:
        """The log line that most likely says why it ended, and where the log is."""
        with suppress(OSError):
            lines = self.log.read_text(errors="replace").splitlines()[-40:]
            errors = [line for line in lines if "FATAL" in line or "PANIC" in line or "rror" in line]
            if lines:
                return f"{(errors or lines)[-1].strip()} (full log: {self.log})"
        return f"see {self.log}"

    def stop_leftovers(self) -> None:
        """Stop what a killed launcher left running; returns when it has ended."""
        os.close(self._take_lock())

    def _take_lock(self) -> int:
        lock = os.open(self.folder / f"{self.name}.pid", os.O_RDWR | os.O_CREAT, 0o600)
        if wait_for_lock(lock, 0):
            return lock
        pid = int(os.pread(lock, 20, 0) or b"0")
        if not signal_leader(pid, self.stop_signal):
            signal_group(pid, signal.SIGKILL)  # the leader is dead and its children are not
        if wait_for_lock(lock, self.stop_timeout):
            return lock
        signal_group(pid, signal.SIGKILL)
        if wait_for_lock(lock, 5):
            return lock
        os.close(lock)
        raise CannotStart(f"a {self.name} process of an earlier start does not stop: process {pid}.")


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
    """Signal the process if it still leads its group; returns whether it does."""
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


def stop_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """On Linux the child gets the signal when the launcher dies, even by kill -9; elsewhere only the lock remains.

    prctl has to run after the change of user, which resets it; subprocess calls preexec_fn then.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def set_death_signal() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return set_death_signal
