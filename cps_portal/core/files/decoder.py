"""The program that opens uploads: `python -m cps_portal.core.files.decoder MEGABYTES SECONDS`.

It knows no settings, no database and no secrets. Its standard input is a socket, over which `decoding` sends a socket
for each file. For each it forks a process with limits of memory and time, which reads the file, answers and ends. What
a hostile file does to that process, it does to nothing else, and no later file.
"""

import json
import os
import resource
import signal
import socket
import sys
from dataclasses import asdict
from io import BytesIO
from typing import Any

from PIL import Image

from cps_portal.core.files.bar_codes import read_bar_codes
from cps_portal.core.files.exif import read_body_serial, read_equipment
from cps_portal.core.files.images import UnusableFile
from cps_portal.core.files.inspecting import make_clean, make_photo
from cps_portal.core.files.pieces import NotHere, cut

# What can be asked for; EQUIPMENT with a layout of pieces.
CLEAN, PHOTO, SERIAL, EQUIPMENT = "clean", "photo", "serial", "equipment"
MEGABYTE = 1024 * 1024
MORE_MEGABYTES = 400  # for the second try of a file that seems to be broken
MAX_OPEN_FILES = 64
CAN_LIMIT_MEMORY = sys.platform != "darwin"  # macOS refuses to
HEAVY: dict[str, Any] = {"error": "heavy", "values": {}}


def serve(control: socket.socket, *, megabytes: int, seconds: int) -> None:
    """Fork for each socket that arrives, until the web process closes its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # then no dead child waits to be noticed
    while True:
        _byte, sockets, _flags, _address = socket.recv_fds(control, 1, 1)
        if not sockets:
            return
        if os.fork() == 0:
            control.close()
            _work(sockets[0], megabytes=megabytes, seconds=seconds)
        os.close(sockets[0])


def _work(number: int, *, megabytes: int, seconds: int) -> None:
    """The whole life of a forked process. It leaves by os._exit, so that nothing of its parent's runs in it."""
    try:
        _limit(megabytes=megabytes, seconds=seconds)
        with socket.socket(fileno=number) as job, job.makefile("rb") as reading:
            work = reading.readline().decode().strip()
            upload = BytesIO(reading.read())
            answer, content = _answer(work, upload)
            if answer.get("error") == "broken" and _allow_more_memory():
                # The libraries call a picture broken, in many words, when they get no memory for it.
                again, _content = _answer(work, upload)
                if again.get("error") != "broken":
                    answer = HEAVY
            job.sendall(json.dumps(answer).encode() + b"\n" + content)
    finally:
        os._exit(0)


def _limit(*, megabytes: int, seconds: int) -> None:
    """Limit memory, processor time and real time; no files may be written, and no memory is dumped."""
    signal.setitimer(signal.ITIMER_REAL, seconds)  # ends the process, also inside a library
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
    }
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))
    if CAN_LIMIT_MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * MEGABYTE, (megabytes + MORE_MEGABYTES) * MEGABYTE))


def _allow_more_memory() -> bool:
    """False where memory is not limited."""
    if not CAN_LIMIT_MEMORY:
        return False
    _now, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    return True


def _answer(work: str, upload: BytesIO) -> tuple[dict[str, Any], bytes]:
    try:
        if work == SERIAL:
            return _read_marks(upload), b""
        if work.startswith(EQUIPMENT):
            return _read_equipment(upload.getvalue(), work.removeprefix(EQUIPMENT).strip()), b""
        if work == PHOTO:
            photo, thumbnail = make_photo(upload)
            return {"photo_bytes": len(photo)}, photo + thumbnail
        clean = make_clean(upload)
    except UnusableFile as error:
        return {"error": error.code, "values": error.values}, b""
    except MemoryError:
        return HEAVY, b""
    return {"kind": clean.kind}, clean.content


def _read_marks(photo: BytesIO) -> dict[str, Any]:
    """A photo whose metadata name the camera need not be one that can be looked at. Raises UnusableFile otherwise."""
    body = read_body_serial(photo)
    try:
        codes = read_bar_codes(photo)
    except UnusableFile:
        if body is None:
            raise
        codes = []
    return {"body": asdict(body) if body else None, "codes": [asdict(code) for code in codes]}


def _read_equipment(content: bytes, layout: str) -> dict[str, Any]:
    try:
        found = read_equipment(*cut(content, layout))
    except NotHere as missing:
        return {"missing": missing.offset}
    return {"equipment": asdict(found) if found else None}


if __name__ == "__main__":
    Image.init()  # loads all plugins now, once: a forked process would load them for each file
    with socket.socket(fileno=sys.stdin.fileno()) as own:
        serve(own, megabytes=int(sys.argv[1]), seconds=int(sys.argv[2]))
