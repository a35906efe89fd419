"""Recognise that a disk is full: ours, the database's, or that of an object store."""

import errno

from psycopg2 import errorcodes

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
HTTP_INSUFFICIENT_STORAGE = 507


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, says that there is no room left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            return True
        if getattr(error, "pgcode", None) == errorcodes.DISK_FULL:
            return True
        if _status_of_object_store(error) == HTTP_INSUFFICIENT_STORAGE:
            return True
        error = error.__cause__ or error.__context__
    return False


def _status_of_object_store(error: BaseException) -> object:
    """The HTTP status in an error of an S3-compatible service, which botocore keeps as a dictionary."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata") if isinstance(response, dict) else None
    return metadata.get("HTTPStatusCode") if isinstance(metadata, dict) else None
