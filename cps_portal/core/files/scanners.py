"""Virus scanners. settings.FILES_SCANNER names the function to use; without it nothing is scanned."""

import socket
import struct
from collections.abc import Callable
from typing import IO

from django.conf import settings
from django.utils.module_loading import import_string

CHUNK_BYTES = 64 * 1024
TIMEOUT_SECONDS = 20


class Infected(Exception):
    """The scanner found something."""


class Unreachable(Exception):
    """The scanner does not answer. No file is accepted unscanned."""


def scan(upload: IO[bytes]) -> None:
    """Raises Infected or Unreachable. Does nothing if no scanner is configured."""
    if settings.FILES_SCANNER:
        scanner: Callable[[IO[bytes]], None] = import_string(settings.FILES_SCANNER)
        upload.seek(0)
        scanner(upload)


def clamd(upload: IO[bytes]) -> None:
    """ClamAV's daemon at settings.FILES_CLAMD ("host:port"), by its INSTREAM command."""
    host, _, port = settings.FILES_CLAMD.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS) as daemon:
            daemon.sendall(b"zINSTREAM\0")
            while chunk := upload.read(CHUNK_BYTES):
                daemon.sendall(struct.pack("!I", len(chunk)) + chunk)
            daemon.sendall(struct.pack("!I", 0))
            answer = b""
            while not answer.endswith(b"\0") and (part := daemon.recv(1024)):
                answer += part
    except (OSError, ValueError) as error:
        raise Unreachable from error
    if answer.rstrip(b"\0").endswith(b"FOUND"):
        raise Infected
    if not answer.rstrip(b"\0").endswith(b"OK"):
        raise Unreachable
