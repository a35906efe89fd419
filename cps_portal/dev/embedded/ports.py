"""TCP ports on the loopback addresses of this machine."""

import os
import socket
from contextlib import suppress

from cps_portal.dev.embedded.errors import CannotStart

LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chosen_port() -> int:
    """The port of the portal, from PORT."""
    text = os.environ.get("PORT", "8000")
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CannotStart(f"PORT is {text!r}: it must be a number from 1 to 65535.")
    return int(text)


def bind_addresses(port: int) -> list[str]:
    """The addresses that localhost can mean on this machine; browsers try ::1 first."""
    return [
        f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for family, host in LOOPBACK if can_bind(family, host)
    ]


def can_bind(family: socket.AddressFamily, host: str) -> bool:
    with suppress(OSError), socket.socket(family) as probe:
        probe.bind((host, 0))
        return True
    return False


def check_free(port: int) -> None:
    for family, host in LOOPBACK:
        if not can_bind(family, host):
            continue
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except PermissionError:
                raise CannotStart(f"port {port} needs more rights: choose one above 1023.") from None
            except OSError:
                raise CannotStart(
                    f"port {port} is taken by another program: stop that, or choose another port: "
                    f"make run PORT={port + 1}"
                ) from None
