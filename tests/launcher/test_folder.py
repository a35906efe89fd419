"""One sentence explains why the portal cannot start; the files of the servers are private."""

import os
import socket
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from cps_portal.dev.embedded import bootstrap, folder, ports
from cps_portal.dev.embedded.errors import CannotStart
from tests.rows import each_row

HOLD = """
import sys, time
from pathlib import Path
from cps_portal.dev.embedded.folder import locked_folder
with locked_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_state_folder_cannot_be_listed_by_others(tmp_path):
    with folder.locked_folder(tmp_path / "state"):
        assert mode(tmp_path / "state") == (0o711 if os.geteuid() == 0 else 0o700)


def test_a_private_file_is_readable_by_its_owner_only_from_the_first_moment(tmp_path):
    folder.write_private(tmp_path / "servers.json", "secret")
    assert mode(tmp_path / "servers.json") == 0o600
    folder.write_private(tmp_path / "servers.json", "another")
    assert (tmp_path / "servers.json").read_text() == "another"
    assert os.listdir(tmp_path) == ["servers.json"]


def test_the_folder_of_another_account_is_refused_and_left_as_it_was(tmp_path):
    other_folder = Path("/usr")
    if os.geteuid() == 0:
        other_folder = tmp_path / "theirs"
        other_folder.mkdir(mode=0o750)
        os.chown(other_folder, 12345, 12345)
    before = mode(other_folder)
    with pytest.raises(CannotStart, match="belongs to .* start the portal as its owner"):
        folder.make_private(other_folder)
    assert mode(other_folder) == before


def test_a_second_start_names_the_first_and_a_killed_first_does_not_block_it(tmp_path):
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, cwd=bootstrap.ROOT)
    assert first.stdout.readline() == b"held\n"
    with (
        pytest.raises(CannotStart, match=f"already running .process {first.pid}, port"),
        folder.locked_folder(tmp_path),
    ):
        pass
    first.kill()
    first.communicate()
    with folder.locked_folder(tmp_path):
        pass


def test_a_full_disk_is_reported_before_anything_is_written(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(2**30, 2**30 - 2**20, 2**20))
    with pytest.raises(CannotStart, match="is full: 1 MB are free"):
        folder.check_space(tmp_path)
    with pytest.raises(SystemExit, match="is full: 1 MB are free, installing needs"):
        bootstrap.check_space()


def test_removing_the_state_folder_follows_its_links(tmp_path):
    outside = tmp_path / "outside"
    (outside / "data").mkdir(parents=True)
    state = tmp_path / "state"
    state.mkdir()
    (state / "postgres").symlink_to(outside)
    folder.remove(state)
    assert not state.exists()
    assert not outside.exists()


def test_a_taken_port_is_named_and_another_suggested():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"port {port} is taken .* make run PORT={port + 1}"):
            ports.check_free(port)
    ports.check_free(port)


@each_row("text", ["", "http", "0", "65536", "-1"])
def test_an_invalid_port_is_refused(text, monkeypatch):
    monkeypatch.setenv("PORT", text)
    with pytest.raises(CannotStart, match="must be a number from 1 to 65535"):
        ports.chosen_port()


def test_an_old_python_is_refused_with_the_version_needed(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit, match="Python 3.11 or newer is needed, but .* is 3.9.2"):
        bootstrap.check_machine()
