"""PgBouncer in transaction mode, with the settings of deploy/, in front of the PostgreSQL of the tests."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from cps_portal.dev.embedded.ports import free_port
from cps_portal.dev.embedded.urls import ROOT

ACCOUNT = "nobody"  # PgBouncer refuses to run as root


def find_pgbouncer() -> str:
    """Its path. Skips the test on a machine without it, and fails it in the gate, which has installed it."""
    program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        assert "CI" not in os.environ, "pgbouncer is missing"
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    return program


@contextmanager
def running_pool(*, size: int) -> Iterator[str]:
    """Start a pool of `size` connections to each database. Yields the address of DATABASE_URL through it."""
    program, url, port = find_pgbouncer(), urlsplit(os.environ["DATABASE_URL"]), free_port()
    with tempfile.TemporaryDirectory(prefix="portal-pool-") as name:  # not tmp_path, which the account cannot enter
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "users.txt").write_text(f'"{unquote(url.username or "")}" "{unquote(url.password or "")}"\n')
        text = (ROOT / "deploy/pgbouncer/pgbouncer.ini").read_text()
        for default, value in {
            "host=database port=5432": f"host={url.hostname} port={url.port}",
            "listen_addr = 0.0.0.0": "listen_addr = 127.0.0.1\nunix_socket_dir =",
            "listen_port = 6432": f"listen_port = {port}",
            "/etc/pgbouncer/users.txt": str(folder / "users.txt"),
            "default_pool_size = 20": f"default_pool_size = {size}",
        }.items():
            assert default in text
            text = text.replace(default, value)
        (folder / "pgbouncer.ini").write_text(text)
        with (folder / "log.txt").open("wb") as log:
            account = {"user": ACCOUNT} if os.geteuid() == 0 else {}
            process = subprocess.Popen([program, str(folder / "pgbouncer.ini")], stdout=log, stderr=log, **account)
        try:
            _wait_for(port, process, folder / "log.txt")
            yield url._replace(netloc=url.netloc.rsplit(":", 1)[0] + f":{port}").geturl()
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 10
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
