"""Keeps a huge upload from filling memory or disk; the form then says in words that it is too large."""

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler


class Bounded(FileUploadHandler):
    """Passes on what is allowed and swallows the rest: the handlers after it keep no more, and count on."""

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)  # type: ignore[arg-type]
        self.left = settings.FILES_MAX_MEGABYTES * 1024 * 1024 + 1

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        self.left -= len(raw_data)
        return raw_data if self.left > -len(raw_data) else None

    def file_complete(self, file_size: int) -> None:
        return None
