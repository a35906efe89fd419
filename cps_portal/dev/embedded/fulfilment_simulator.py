"""A small fulfilment house, for development and tests: it takes requests, counts them by key, and reports back.

Its own process with its own SQLite file. It keeps docs/fulfilment.md from the other side, and can be told to behave
badly (HOUSE_MISCHIEF) for runs in which everything goes wrong.
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
MISCHIEF = ("fails", "slow", "garbage", "hangs_up")  # hangs_up: it has recorded, and nobody hears of it
STEPS = ("accepted", "packed", "dispatched")

SCHEMA = """
pragma journal_mode = wal;
create table if not exists heard (webhook_id text, type text, key text, at real);
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
    pause: float = 5.0  # between two steps
    mischief: dict[str, float] = field(default_factory=dict)  # what, and how often: 0.1 is every tenth time

    @classmethod
    def from_environment(cls) -> "Settings":
        """From HOUSE_PORTAL, _SECRET_FILE, _FILE, _PORT, and if wanted _PAUSE and _MISCHIEF (`slow=0.1,fails=0.2`)."""
        pairs = [part.split("=") for part in os.environ.get("HOUSE_MISCHIEF", "").split(",") if part]
        if unknown := {name for name, _often in pairs} - set(MISCHIEF):
            sys.exit(f"HOUSE_MISCHIEF: {sorted(unknown)} is none of {MISCHIEF}")
        return cls(
            portal=os.environ["HOUSE_PORTAL"],
            secret=Path(os.environ["HOUSE_SECRET_FILE"]).read_text().strip(),
            file=Path(os.environ["HOUSE_FILE"]),
            port=int(os.environ["HOUSE_PORT"]),
            pause=float(os.environ.get("HOUSE_PAUSE", "5")),
            mischief={name: float(often) for name, often in pairs},
        )


class Ledger:
    """What the house knows: one connection, one writer at a time, on disk before anything is answered."""

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

    def hear(self, webhook_id: str, message: dict[str, object], pause: float) -> None:
        """Write a request down. The same key again is the same parcel."""
        data = message["data"]
        assert isinstance(data, dict)  # noqa: S101 (signed by the portal)
        with self.writing() as connection:
            connection.execute(
                "insert into heard values (?, ?, ?, ?)", (webhook_id, message["type"], data.get("key", ""), time.time())
            )
            if message["type"] == "welcome_pack.requested":
                connection.execute(
                    "insert or ignore into parcel (key, reference, sending, body, next_at) values (?, ?, ?, ?, ?)",
                    (data["key"], data["reference"], data["sending"], json.dumps(data), time.time() + pause),
                )
            elif message["type"] == "welcome_pack.cancelled":
                connection.execute("update parcel set cancelled = 1 where key = ?", (data["key"],))

    def move_on(self, pause: float) -> None:
        """Every parcel whose time has come takes its next step; what is to be said of it is written with it."""
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

    def to_tell(self) -> list[tuple[str, str, str, int]]:
        with self._lock:
            found = self._connection.execute(
                "select id, reference, body, tries from report where answer not between 200 and 299 and next_at <= ?"
                " order by next_at limit 50",
                (time.time(),),
            )
            return list(found.fetchall())

    def told(self, report: str, tries: int, answer: int) -> None:
        wait = min(2.0**tries, 60)
        with self.writing() as connection:
            connection.execute(
                "update report set tries = ?, answer = ?, next_at = ? where id = ?",
                (tries + 1, answer, time.time() + wait, report),
            )

    @staticmethod
    def _report(step: str, sending: int, key: str) -> str:
        said = {"kind": step, "sending": sending, "occurred_at": datetime.now(UTC).isoformat()}
        if step == "dispatched":
            said |= {"carrier": "Sample Post", "tracking": f"SP{key}", "tracking_url": "https://example.org/parcel"}
        return json.dumps(said)


class Door(BaseHTTPRequestHandler):
    """POST anything: a signed webhook. GET: what the house has, for people who look."""

    ledger: Ledger
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
        if self._plays("fails"):
            self._answer(500, "out of order")
            return
        if self._plays("slow"):
            time.sleep(3)
        self.ledger.hear(self.headers["webhook-id"], message, self.settings.pause)
        if self._plays("hangs_up"):
            self.connection.shutdown(socket.SHUT_RDWR)
        elif self._plays("garbage"):
            self.wfile.write(b"\x00\xff no HTTP at all")
            self.close_connection = True
        else:
            self._answer(200, "received")

    def do_GET(self) -> None:
        with self.ledger.writing() as connection:
            asked = "select key, done, cancelled from parcel order by rowid desc limit 200"
            rows = connection.execute(asked).fetchall()
        shown = [f"{key}: {'cancelled' if gone else ('received', *STEPS)[done]}" for key, done, gone in rows]
        self._answer(200, "\n".join(shown) or "Nothing has been asked for yet.")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: addresses of members are nobody's business."""

    def _plays(self, trick: str) -> bool:
        return random.random() < self.settings.mischief.get(trick, 0)  # noqa: S311

    def _answer(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def report_back(ledger: Ledger, settings: Settings) -> None:
    """Work through the parcels and tell the portal, again and again until it has heard."""
    with requests.Session() as session:
        while True:
            ledger.move_on(settings.pause)
            for report, reference, body, tries in ledger.to_tell():
                ledger.told(report, tries, _tell(session, settings, report, reference, body))
            time.sleep(min(settings.pause, 1) / 2)


def _tell(session: requests.Session, settings: Settings, report: str, reference: str, body: str) -> int:
    """Send one report, signed; returns the status, 0 if nobody answered."""
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
    Door.settings, Door.ledger = settings, Ledger(settings.file)
    threading.Thread(target=report_back, args=(Door.ledger, settings), daemon=True).start()
    server = ThreadingHTTPServer(("127.0.0.1", settings.port), Door)
    server.serve_forever()


if __name__ == "__main__":
    main()
