"""Storage of uploads, configured by the environment: a folder, or a bucket of an S3-compatible service."""

from typing import Any


def files_storage(env: Any) -> dict[str, Any]:
    """The entry of STORAGES: S3 if FILES_S3_BUCKET is set, else the folder FILES_ROOT, which must not be served."""
    if bucket := env.str("FILES_S3_BUCKET", default=""):
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": bucket,
                "endpoint_url": env.str("FILES_S3_ENDPOINT", default=None),
                "region_name": env.str("FILES_S3_REGION", default=None),
                "access_key": env.str("FILES_S3_ACCESS_KEY", default=None),
                "secret_key": env.str("FILES_S3_SECRET_KEY", default=None),
                "default_acl": None,
                "file_overwrite": False,
                "querystring_auth": True,
            },
        }
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": env.str("FILES_ROOT"),
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }
