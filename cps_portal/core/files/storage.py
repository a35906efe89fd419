"""Storage of uploads, configured by the environment: a folder, or a bucket of an S3-compatible service."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def erasures_storage(env: Callable[[str], Any]) -> dict[str, Any]:
    """The entry of STORAGES for the list of erased people, which a restored database does not know (R14)."""
    storage = files_storage(env)
    if folder := env("ERASURES_ROOT"):
        return _folder(folder)
    if "bucket_name" in storage["OPTIONS"]:
        return {**storage, "OPTIONS": {**storage["OPTIONS"], "location": "erasures"}}
    return _folder(f"{storage['OPTIONS']['location']}/erasures")


def files_storage(env: Callable[[str], Any]) -> dict[str, Any]:
    """The entry of STORAGES: S3 if FILES_S3_BUCKET is set, else the folder FILES_ROOT, which must not be served."""
    if bucket := env("FILES_S3_BUCKET"):
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": bucket,
                "endpoint_url": env("FILES_S3_ENDPOINT") or None,
                "region_name": env("FILES_S3_REGION") or None,
                "access_key": env("FILES_S3_ACCESS_KEY") or None,
                "secret_key": env("FILES_S3_SECRET_KEY") or None,
                "default_acl": None,
                "file_overwrite": False,
                "querystring_auth": True,
            },
        }
    if not env("FILES_ROOT"):
        raise ImproperlyConfigured(
            "Set FILES_ROOT or FILES_S3_BUCKET: uploads need a place. See docs/configuration.md."
        )
    return _folder(env("FILES_ROOT"))


def _folder(location: str) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": location, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    }
