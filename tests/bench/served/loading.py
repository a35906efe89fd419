"""One server on one core, one client on the other, several requests in flight at a time."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

LINES = 4
HEAD = b"\r\n\r\n"


@contextmanager
def served(application: str, database: str, core: int, **environment: str) -> Iterator[int]:
    """A gunicorn of one worker with four threads, as production has them, kept to one core. Yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = ["--config", "cps_portal/gunicorn.py"] if application == "cps_portal.wsgi" else []
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        application,
        *own,
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "1",
        "--threads",
        "4",
        "--keep-alive",
        "60",
        "--preload",
        "--no-control-socket",
        "--log-level",
        "error",
    ]
    names = {"BENCH_DATABASE": database, "DJANGO_SETTINGS_MODULE": "tests.bench.served.settings", **environment}
    server = subprocess.Popen(command, env={**os.environ, **names}, stderr=subprocess.DEVNULL)
    with suppress(OSError, AttributeError):
        os.sched_setaffinity(server.pid, {core})
    try:
        _wait(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait(port: int, server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError("the server does not answer")


class Client:
    """Keep-alive connections; each sends its next request when the last is answered."""

    def __init__(self, port: int, token: str) -> None:
        self.lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(LINES)]
        self.head = f"HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n"

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if body:
            more += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"{method} {path} {self.head}{more}\r\n".encode() + body

    def rate(self, make: Callable[[int], bytes], seconds: float) -> float:
        """Requests a second. Raises RuntimeError for an answer other than 2xx and 304."""
        begun, count = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            for line in self.lines:
                line.sendall(make(count))
                count += 1
            for line in self.lines:
                self._read(line)
        return count / (time.perf_counter() - begun)

    @staticmethod
    def _read(line: socket.socket) -> bytes:
        data = b""
        while HEAD not in data:
            data += line.recv(65536)
        head, _cut, body = data.partition(HEAD)
        if head.startswith(b"HTTP/1.1 304"):
            return b""  # never has a body
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(f"{head!r} {body!r}")
        length = next(int(row[15:]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += line.recv(65536)
        return body

    def once(self, data: bytes) -> bytes:
        self.lines[0].sendall(data)
        return self._read(self.lines[0])

    def close(self) -> None:
        for line in self.lines:
            line.close()
