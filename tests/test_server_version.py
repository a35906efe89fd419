"""The portal needs PostgreSQL 17 or newer, and says so in a sentence (docs/configuration.md)."""

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from django.core.checks import Tags, run_checks
from django.db import connection
from psycopg2.extensions import parse_dsn

from cps_portal.core.lib.server_version import (
    WHAT_TO_DO,
    find_fault,
    read_server_version,
    require_new_server,
    server_is_new_enough,
)
from cps_portal.dev.embedded.errors import CannotStart
from cps_portal.dev.embedded.servers import require_new_database


def test_servers_from_17_on_are_new_enough() -> None:
    rows = {
        90_624: "PostgreSQL 9.6.24",
        100_023: "PostgreSQL 10.23",
        120_000: "PostgreSQL 12.0",
        130_014: "PostgreSQL 13.14",
        140_011: "PostgreSQL 14.11",
        150_006: "PostgreSQL 15.6",
        160_000: "PostgreSQL 16.0",
        169_999: "PostgreSQL 16.9999",
        170_000: "",
        170_004: "",
        180_001: "",
        200_000: "",
    }
    faults = {version: find_fault(version) for version in rows}
    assert [version for version, words in rows.items() if bool(faults[version]) is not bool(words)] == []
    assert all(words in faults[version] for version, words in rows.items())
    assert "The portal needs PostgreSQL 17 or newer" in faults[160_000] and "pg_upgrade" in WHAT_TO_DO


def test_the_version_is_read_without_settings_that_an_old_server_does_not_know(db: None) -> None:
    parameters = {**connection.get_connection_params(), "options": "-c no_such_setting=1"}
    version = read_server_version(parameters)
    assert version and version == connection.pg_version
    assert find_fault(version, minimum=version // 10_000 + 1), "the same server, were a newer one needed"


def test_a_server_that_does_not_answer_is_not_called_too_old() -> None:
    assert read_server_version(parse_dsn("postgres://portal@127.0.0.1:1/portal")) is None
    require_new_database("postgres://portal@127.0.0.1:1/portal")


def test_the_check_is_made_with_the_database_and_not_without_it(db: None) -> None:
    assert server_is_new_enough(None) == []
    assert "portal.E001" not in [message.id for message in run_checks(tags=[Tags.database], databases=["default"])]
    require_new_server()


@pytest.fixture
def old_server() -> Iterator[int]:
    """The port of a server that says on connecting that it is PostgreSQL 16.4."""
    statuses = {"server_version": "16.4", "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "integer_datetimes": "on"}
    greeting = b"R" + struct.pack("!II", 8, 0)
    for name, value in statuses.items():
        body = f"{name}\0{value}\0".encode()
        greeting += b"S" + struct.pack("!I", len(body) + 4) + body
    greeting += b"K" + struct.pack("!III", 12, 1, 1) + b"Z" + struct.pack("!I", 5) + b"I"
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:  # closed
                return
            with client:
                while (request := client.recv(4096)) and not request.startswith(b"X"):  # it closes: not to be answered
                    is_about_encryption = len(request) == 8
                    client.sendall(b"N" if is_about_encryption else greeting)

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_start_on_an_old_server_ends_with_what_to_do(
    db: None, old_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", old_server)
    with pytest.raises(SystemExit) as ended:
        require_new_server()
    assert "This is PostgreSQL 16.4" in str(ended.value) and "pg_upgrade" in str(ended.value)
    (error,) = server_is_new_enough(None, databases=["default"])
    assert (error.id, error.hint) == ("portal.E001", WHAT_TO_DO)
    with pytest.raises(CannotStart, match="needs PostgreSQL 17 or newer"):
        require_new_database(f"postgres://portal@127.0.0.1:{old_server}/portal")
