"""Upload handler that limits memory and disk. The form then reports that the file is too large."""

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler


class BoundedUploadHandler(FileUploadHandler):
    """Passes on a little more than the allowed size and drops the rest, so that the size is still counted."""

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]
        self.left = settings.FILES_MAX_MEGABYTES * 1024 * 1024 + 1

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.left -= len(raw_data)
        return raw_data if self.left > -len(raw_data) else None

    def file_complete(self, file_size: int) -> None:
        return None
