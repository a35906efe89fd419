"""A lost database comes back as it was a second before."""

from pathlib import Path
from tempfile import mkdtemp

import pytest

from cps_portal.dev.embedded.folder import remove
from tests.backup.rehearsal import COUNTED, Rehearsal

pytestmark = [pytest.mark.launcher]


def test_a_database_is_restored_to_a_moment_from_full_and_incremental_backups_and_the_log() -> None:
    folder = Path(mkdtemp(prefix="portal-backup-"))  # not tmp_path, which the account of PostgreSQL cannot enter
    folder.chmod(0o711)
    try:
        rehearsal = Rehearsal(folder, members=200)
        before, after = rehearsal.run()
        assert before == after and set(before) == set(COUNTED)
        assert before["members_member"] == 300
        assert rehearsal.is_finished(), (rehearsal.facts, rehearsal.mails)
    finally:
        remove(folder)
