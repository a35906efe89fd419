"""Bring the database up to date, in one process: tables, catalogue, demonstration world."""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import django
import redis
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils.module_loading import import_string

from cps_portal.dev.embedded.schema import bring_up_to_date
from cps_portal.dev.embedded.valkey import ONE_TRY

STEPS: list[tuple[str, Callable[[], object]]] = [
    ("making the tables", bring_up_to_date),
    ("loading the catalogue", partial(call_command, "load_catalogue")),
    ("making the demonstration world", partial(call_command, "make_demo")),
]


def main() -> None:
    django.setup()
    check_servers()
    for title, step in STEPS:
        sys.stdout.write(f"  {title} ...\n")
        sys.stdout.flush()
        began = time.monotonic()
        step()
        sys.stdout.write(f"  {title}: {time.monotonic() - began:.1f} s\n")
        sys.stdout.flush()
    if "SIMULATOR_URL" in os.environ:
        # It needs the models, which cannot be imported before Django is set up.
        register = import_string("cps_portal.dev.embedded.simulator_partner.register_simulator")
        register(os.environ["SIMULATOR_URL"], Path(os.environ["SIMULATOR_SECRET_FILE"]))


def check_servers() -> None:
    """Exit with a sentence if a server named in the environment does not answer; never shows its password."""
    try:
        connection.ensure_connection()
    except OperationalError as problem:
        sys.exit(f"The database of DATABASE_URL does not answer: {str(problem).splitlines()[0]}")
    url = os.environ["REDIS_URL"]
    try:
        with redis.Redis.from_url(url, retry=ONE_TRY) as client:
            client.ping()
    except redis.RedisError as problem:
        where = urlsplit(url)
        sys.exit(f"The broker of REDIS_URL ({where.hostname}:{where.port}) does not answer: {problem}")


if __name__ == "__main__":
    main()
