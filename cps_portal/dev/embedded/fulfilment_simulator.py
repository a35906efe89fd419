"""A simulated fulfilment partner for development and tests: it receives requests, counts them by key and reports back.

A process of its own with its own SQLite file. It is the other side of docs/fulfilment.md, and can be told to misbehave
(SIMULATOR_FAULTS) for tests in which everything goes wrong.
"""

import json
import os
import random
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
from standardwebhooks import Webhook, WebhookVerificationError

MAX_BYTES = 64 * 1024
TIMEOUT = 5
# hangs_up: it records the request and closes the connection without an answer.
FAULTS = ("fails", "slow", "garbage", "hangs_up")
STEPS = ("accepted", "packed", "dispatched")

SCHEMA = """
pragma journal_mode = wal;
create table if not exists received (webhook_id text, type text, key text, at real);
create table if not exists parcel (
    key text primary key, reference text, sending int, body text, done int default 0, next_at real,
    cancelled int default 0
);
create table if not exists report (
    id text primary key, key text, reference text, body text, tries int default 0, next_at real, answer int default 0
);
"""


@dataclass(frozen=True)
class Settings:
    portal: str
    secret: str
    file: Path
    port: int
    pause: float = 5.0  # seconds between two steps of a parcel
    max_wait: float = 60.0  # seconds until a report that failed is sent again
    faults: dict[str, float] = field(default_factory=dict)  # a fault and its probability

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read SIMULATOR_PORTAL, _SECRET_FILE, _FILE, _PORT; optional: _PAUSE, _MAX_WAIT, _FAULTS (`slow=0.1`)."""
        pairs = [part.split("=") for part in os.environ.get("SIMULATOR_FAULTS", "").split(",") if part]
        if unknown := {name for name, _probability in pairs} - set(FAULTS):
            sys.exit(f"SIMULATOR_FAULTS: {sorted(unknown)} is none of {FAULTS}")
        return cls(
            portal=os.environ["SIMULATOR_PORTAL"],
            secret=Path(os.environ["SIMULATOR_SECRET_FILE"]).read_text().strip(),
            file=Path(os.environ["SIMULATOR_FILE"]),
            port=int(os.environ["SIMULATOR_PORT"]),
            pause=float(os.environ.get("SIMULATOR_PAUSE", "5")),
            max_wait=float(os.environ.get("SIMULATOR_MAX_WAIT", "60")),
            faults={name: float(probability) for name, probability in pairs},
        )


class ReceivedRequests:
    """The requests received: one connection, one writer at a time, on disk before anything is answered."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None, timeout=10)
        self._connection.executescript(SCHEMA)
        self._connection.execute("pragma synchronous = full")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("begin immediate")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("rollback")
                raise
            self._connection.execute("commit")

    def record(self, webhook_id: str, message: dict[str, object], pause: float) -> None:
        """Record a request. The same key again is the same parcel."""
        data = message["data"]
        assert isinstance(data, dict)  # noqa: S101 (signed by the portal)
        with self.writing() as connection:
            connection.execute(
                "insert into received values (?, ?, ?, ?)",
                (webhook_id, message["type"], data.get("key", ""), time.time()),
            )
            if message["type"] == "welcome_pack.requested":
                connection.execute(
                    "insert or ignore into parcel (key, reference, sending, body, next_at) values (?, ?, ?, ?, ?)",
                    (data["key"], data["reference"], data["sending"], json.dumps(data), time.time() + pause),
                )
            elif message["type"] == "welcome_pack.cancelled":
                connection.execute("update parcel set cancelled = 1 where key = ?", (data["key"],))

    def advance_parcels(self, pause: float) -> None:
        """Move every due parcel to its next step, and write the report about it in the same transaction."""
        now = time.time()
        with self.writing() as connection:
            due = connection.execute(
                "select key, reference, sending, done from parcel where done < ? and next_at <= ? and not cancelled",
                (len(STEPS), now),
            ).fetchall()
            for key, reference, sending, done in due:
                connection.execute("update parcel set done = done + 1, next_at = ? where key = ?", (now + pause, key))
                body = self._report(STEPS[done], sending, key)
                connection.execute(
                    "insert or ignore into report (id, key, reference, body, next_at) values (?, ?, ?, ?, ?)",
                    (f"{key}-{STEPS[done]}", key, reference, body, now),
                )

    def due_reports(self) -> list[tuple[str, str, str, int]]:
        with self._lock:
            rows = self._connection.execute(
                "select id, reference, body, tries from report where answer not between 200 and 299 and next_at <= ?"
                " order by next_at limit 50",
                (time.time(),),
            )
            return list(rows.fetchall())

    def record_answer(self, report: str, tries: int, answer: int, max_wait: float) -> None:
        wait = min(2.0**tries, max_wait)
        with self.writing() as connection:
            connection.execute(
                "update report set tries = ?, answer = ?, next_at = ? where id = ?",
                (tries + 1, answer, time.time() + wait, report),
            )

    @staticmethod
    def _report(step: str, sending: int, key: str) -> str:
        payload = {"kind": step, "sending": sending, "occurred_at": datetime.now(UTC).isoformat()}
        if step == "dispatched":
            payload |= {"carrier": "Sample Post", "tracking": f"SP{key}", "tracking_url": "https://example.org/parcel"}
        return json.dumps(payload)


class RequestHandler(BaseHTTPRequestHandler):
    """POST: a signed webhook. GET: the parcels and their steps, for people."""

    requests: ReceivedRequests
    settings: Settings
    timeout = 20

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BYTES:
            self._answer(413, "too large")
            return
        body = self.rfile.read(length)
        try:
            message = Webhook(self.settings.secret).verify(body, {k.lower(): v for k, v in self.headers.items()})
        except WebhookVerificationError:
            self._answer(401, "not signed by the portal")
            return
        if self._injects("fails"):
            self._answer(500, "out of order")
            return
        if self._injects("slow"):
            time.sleep(3)
        self.requests.record(self.headers["webhook-id"], message, self.settings.pause)
        if self._injects("hangs_up"):
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self._injects("garbage"):
            self.wfile.write(b"\x00\xff no HTTP at all")
            self.close_connection = True
        else:
            self._answer(200, "received")

    def do_GET(self) -> None:
        with self.requests.writing() as connection:
            asked = "select key, done, cancelled from parcel order by rowid desc limit 200"
            rows = connection.execute(asked).fetchall()
        lines = [f"{key}: {'cancelled' if gone else ('received', *STEPS)[done]}" for key, done, gone in rows]
        self._answer(200, "\n".join(lines) or "Nothing has been asked for yet.")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: requests contain members' addresses."""

    def _injects(self, fault: str) -> bool:
        return random.random() < self.settings.faults.get(fault, 0)  # noqa: S311

    def _answer(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def report_back(received: ReceivedRequests, settings: Settings) -> None:
    """Advance the parcels and report each step to the portal until it answers 2xx."""
    with requests.Session() as session:
        while True:
            received.advance_parcels(settings.pause)
            for report, reference, body, tries in received.due_reports():
                answer = _send_report(session, settings, report, reference, body)
                received.record_answer(report, tries, answer, settings.max_wait)
            time.sleep(min(settings.pause, 1) / 2)


def _send_report(session: requests.Session, settings: Settings, report: str, reference: str, body: str) -> int:
    """Send one signed report; returns the HTTP status, 0 without an answer."""
    now = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": report,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(settings.secret).sign(report, now, body),
    }
    url = f"{settings.portal}/api/v1/fulfilment/requests/{reference}/events"
    try:
        return session.post(url, data=body.encode(), headers=headers, timeout=TIMEOUT).status_code
    except requests.RequestException:
        return 0


def main() -> None:
    settings = Settings.from_environment()
    RequestHandler.settings, RequestHandler.requests = settings, ReceivedRequests(settings.file)
    threading.Thread(target=report_back, args=(RequestHandler.requests, settings), daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", settings.port), RequestHandler)
    server.serve_forever()


if __name__ == "__main__":
    main()
