"""Open uploads in processes of their own (`decoder`), a few at once, and one of each person at a time (R25).

A file that takes too much memory or time, or kills the library that reads it, harms nobody but itself.
"""

import atexit
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

from django.conf import settings

from cps_portal.core.files.bar_codes import BarCode
from cps_portal.core.files.decoder import CLEAN, EQUIPMENT, PHOTO, SERIAL
from cps_portal.core.files.exif import BodySerial, Equipment
from cps_portal.core.files.images import UnusableFile
from cps_portal.core.files.inspecting import CleanFile
from cps_portal.core.lib.fair_share import Gate, TooManyAtOnce

CHUNK_BYTES = 256 * 1024
MAX_ANSWER_BYTES = 64 * 1024 * 1024
GRACE_SECONDS = 2  # the decoder ends itself; this is for one that cannot


class Decoder:
    """The program `decoder` beside this process, started again if it should have died."""

    def __init__(self, *, megabytes: int, seconds: int) -> None:
        self.seconds = seconds
        self._command = [sys.executable, "-m", "cps_portal.core.files.decoder", str(megabytes), str(seconds)]
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it now, so that the first file need not wait for that."""
        with self._lock:
            self._started()

    def stop(self) -> None:
        with self._lock:
            if self._control and self._process:
                self._control.close()
                self._process.wait(self.seconds)
                self._control = self._process = None

    def ask(self, work: str, upload: IO[bytes]) -> tuple[dict[str, Any], bytes]:
        """What the decoder answers about a file. Raises UnusableFile "heavy" if it died of it."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._hand_over(theirs)
            ours.settimeout(self.seconds + GRACE_SECONDS)
            try:
                _send(ours, work, upload)
                head, _newline, content = _receive(ours).partition(b"\n")
                answer = json.loads(head)
            except (OSError, ValueError) as error:
                raise UnusableFile("heavy") from error
        if code := answer.get("error"):
            raise UnusableFile(str(code), **answer["values"])
        return answer, content

    def _hand_over(self, job: socket.socket) -> None:
        with self._lock:
            try:
                socket.send_fds(self._started(), [b"1"], [job.fileno()])
            except OSError:  # it is gone
                if self._control and self._process:
                    self._control.close()
                    self._process.kill()
                    self._process.wait()
                self._control = None
                socket.send_fds(self._started(), [b"1"], [job.fileno()])

    def _started(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 (our own program)
                    self._command,
                    stdin=theirs.fileno(),
                    cwd=settings.BASE_DIR,
                    env={"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "2"},  # no secrets; fewer heaps, which count as memory
                    start_new_session=True,  # Ctrl-C is for the web process: this one ends with it
                )
        return self._control


def make_clean(upload: IO[bytes], *, owner: str) -> CleanFile:
    """As `inspecting.make_clean`. Raises UnusableFile, also "heavy", and "busy" if `owner` sends too many at once."""
    with _turn(owner):
        answer, content = decoder().ask(CLEAN, upload)
    return CleanFile(str(answer["kind"]), content)


def make_photo(upload: IO[bytes], *, owner: str) -> tuple[bytes, bytes]:
    """As `inspecting.make_photo`. Raises UnusableFile, also "heavy" and "busy"."""
    with _turn(owner):
        answer, content = decoder().ask(PHOTO, upload)
    return content[: answer["photo_bytes"]], content[answer["photo_bytes"] :]


@dataclass(frozen=True)
class PhotoMarks:
    """What in a photo may tell a serial number: the camera that took it, and the bar codes in the picture."""

    body: BodySerial | None
    codes: list[BarCode]


def read_marks(photo: IO[bytes], *, owner: str) -> PhotoMarks:
    """As `exif.read_body_serial` and `bar_codes.read_bar_codes`. Raises UnusableFile, also "heavy" and "busy"."""
    with _turn(owner):
        answer, _content = decoder().ask(SERIAL, photo)
    body = BodySerial(**answer["body"]) if answer["body"] else None
    return PhotoMarks(body, [BarCode(**code) for code in answer["codes"]])


def read_equipment(photos: Sequence[tuple[IO[bytes], str]], *, owner: str) -> list[Equipment | int | None]:
    """For each photo, with its layout of pieces: as `exif.read_equipment`, or where the piece begins that is missing.

    What makes the decoder give up is None. Raises UnusableFile "busy".
    """
    answers: list[Equipment | int | None] = []
    with _turn(owner):
        for photo, layout in photos:
            try:
                answer, _content = decoder().ask(f"{EQUIPMENT} {layout}".strip(), photo)
            except UnusableFile:
                answers.append(None)
                continue
            found = answer.get("equipment")
            answers.append(Equipment(**found) if found else answer.get("missing"))
    return answers


@cache
def decoder() -> Decoder:
    """The decoder of this process. Ask for it after forking."""
    new = Decoder(megabytes=settings.FILES_DECODER_MEGABYTES, seconds=settings.FILES_DECODER_SECONDS)
    atexit.register(new.stop)
    return new


@cache
def _gate() -> Gate:
    return Gate(slots=settings.FILES_DECODERS, max_present=2 * settings.FILES_DECODERS)


@contextmanager
def _turn(owner: str) -> Iterator[None]:
    try:
        with _gate().turn(owner, seconds=settings.FILES_DECODER_WAIT_SECONDS):
            yield
    except TooManyAtOnce as error:
        raise UnusableFile("busy") from error


def _send(job: socket.socket, work: str, upload: IO[bytes]) -> None:
    job.sendall(f"{work}\n".encode())
    upload.seek(0)
    while chunk := upload.read(CHUNK_BYTES):
        job.sendall(chunk)
    job.shutdown(socket.SHUT_WR)


def _receive(job: socket.socket) -> bytes:
    """All until the other end closes. Raises ValueError if that is more than a clean file can be."""
    parts, size = [], 0
    while part := job.recv(CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise ValueError
    return b"".join(parts)
