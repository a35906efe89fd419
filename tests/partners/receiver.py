"""A partner's server on loopback that answers as the test tells it, over plain sockets: also what no HTTP is."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nthanks"
ENDLESS = b"endless"
DRIPPING = b"dripping"
DROP = b""
HOLDS_SECONDS = 60  # at most


def answer(status: int, body: bytes = b"no", extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), extra, body)


@dataclass
class Request:
    headers: dict[str, str]
    body: bytes

    def verify(self, secret: str) -> Any:
        """By the published library, as the partner would."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    port: int
    answer: bytes = OK
    wait: float = 0
    got: list[Request] = field(default_factory=list)
    hold_from: int = 0  # the number of the first request whose answer waits for `go_on`; 0: none
    go_on: threading.Event = field(default_factory=threading.Event)
    busy: int = 0
    most_at_once: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks"


def serve(line: socket.socket, receiver: Receiver, lock: threading.Lock) -> None:
    with line, suppress(OSError):
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := line.recv(65536)):
                return
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        pairs = (row.split(": ", 1) for row in head.decode("latin-1").split("\r\n")[1:])
        headers = {name.lower(): value for name, value in pairs}
        while len(body) < int(headers["content-length"]):
            body += line.recv(65536)
        with lock:
            receiver.got.append(Request(headers, body))
            receiver.busy += 1
            receiver.most_at_once = max(receiver.most_at_once, receiver.busy)
        try:
            time.sleep(receiver.wait)
            if receiver.hold_from and len(receiver.got) >= receiver.hold_from:
                receiver.go_on.wait(HOLDS_SECONDS)
            speak(line, receiver.answer)
        finally:
            with lock:
                receiver.busy -= 1


def speak(line: socket.socket, words: bytes) -> None:
    if words == ENDLESS:
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            line.sendall(b"x" * 65536)
    elif words == DRIPPING:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            line.sendall(b"x-more: y\r\n")
            time.sleep(0.05)
    else:
        line.sendall(words)


@contextmanager
def receiving() -> Iterator[Receiver]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        receiver = Receiver(door.getsockname()[1])
        lock = threading.Lock()

        def work() -> None:
            with suppress(OSError):
                while True:
                    line, _ = door.accept()
                    threading.Thread(target=serve, args=(line, receiver, lock), daemon=True).start()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield receiver
        door.shutdown(socket.SHUT_RDWR)
        thread.join(5)
