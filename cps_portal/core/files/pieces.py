"""A file of which only some pieces are here: the metadata of a photo, without its 40 MB of picture."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_PIECES = 3
LAYOUT = re.compile(r"\d{1,12}:\d{1,8}(?:,\d{1,12}:\d{1,8}){0,2}/\d{1,12}", re.ASCII)


class NotHere(Exception):
    """A piece of the file is needed that was not sent."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


@dataclass(frozen=True)
class Piece:
    offset: int
    content: bytes


def cut(content: bytes, layout: str) -> tuple[list[Piece], int]:
    """The pieces that follow each other in `content`, and the size of the whole file.

    `layout`: "offset:length" of each piece, separated by commas, and "/size". Empty, if the content is the whole file.
    Raises ValueError if the layout is no such text or does not fit the content.
    """
    if not layout:
        return [Piece(0, content)], len(content)
    if not LAYOUT.fullmatch(layout):
        raise ValueError(layout)
    places, _slash, size = layout.partition("/")
    pieces, start = [], 0
    for place in places.split(","):
        offset, _colon, length = place.partition(":")
        pieces.append(Piece(int(offset), content[start : start + int(length)]))
        start += int(length)
    if start != len(content):
        raise ValueError(layout)
    return pieces, int(size)


class PartialFile(io.RawIOBase):
    """Reads like the whole file. Raises NotHere where a piece is missing; after the end it reads nothing."""

    def __init__(self, pieces: Sequence[Piece], size: int) -> None:
        super().__init__()
        self._pieces = pieces
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes: fewer at the end of a piece, as at the end of a file."""
        if self._at >= self._size or size == 0:
            return b""
        for piece in self._pieces:
            if 0 <= (start := self._at - piece.offset) < len(piece.content):
                found = piece.content[start : None if size < 0 else start + size]
                self._at += len(found)
                return found
        raise NotHere(self._at)
