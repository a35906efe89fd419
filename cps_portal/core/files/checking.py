"""Compare stored files with their rows, such as after a restore."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from posixpath import join

from django.core.files.storage import Storage, storages

from cps_portal.core.files.models import StoredFile

FOLDER_NAME_LENGTH = 2  # files are in folders named by the first two digits of their names; see `store`
BATCH = 500
CHUNK_BYTES = 256 * 1024
THREADS = 8  # reading waits for the disk or the network, and hashing lets other threads run
Row = tuple[str, str]  # the name in the storage, and the SHA-256


@dataclass
class Report:
    """Names in the storage. Orphans have no row: they do no harm, and no one can open them."""

    rows: int = 0
    missing: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)


def check_files(*, with_digests: bool = True) -> Report:
    """Look for the content of each kept row, compare its SHA-256, and list content without a row.

    The storage is listed before the rows are read, because content is written before its row. What was stored or
    erased while this ran is looked at once more.
    """
    storage, report = storages["files"], Report()
    unclaimed = set(_names(storage))
    rows = StoredFile.objects.kept().order_by("pk").values_list("stored_as", "digest").iterator(chunk_size=BATCH)
    with ThreadPoolExecutor(THREADS) as threads:
        while batch := list(islice(rows, BATCH)):
            report.rows += len(batch)
            report.missing += [name for name, _digest in batch if name not in unclaimed]
            if with_digests:
                there = [row for row in batch if row[0] in unclaimed]
                equal = threads.map(lambda row: _is_equal(storage, *row), there)
                report.differing += [name for (name, _digest), same in zip(there, equal, strict=True) if not same]
            unclaimed.difference_update(name for name, _digest in batch)
    kept = set(StoredFile.objects.kept().values_list("stored_as", flat=True).iterator(chunk_size=BATCH))
    report.missing = [name for name in report.missing if name in kept and not storage.exists(name)]
    report.differing = [name for name in report.differing if name in kept]
    report.orphans = sorted(name for name in unclaimed - kept if storage.exists(name))
    return report


def _names(storage: Storage) -> Iterator[str]:
    try:
        folders, _files = storage.listdir("")
    except FileNotFoundError:  # nothing has ever been stored
        return
    for folder in folders:
        if len(folder) == FOLDER_NAME_LENGTH:
            yield from (join(folder, name) for name in storage.listdir(folder)[1])


def _is_equal(storage: Storage, name: str, digest: str) -> bool:
    content = hashlib.sha256()
    try:
        with storage.open(name) as file:
            while chunk := file.read(CHUNK_BYTES):
                content.update(chunk)
    except OSError:
        return False
    return content.hexdigest() == digest
