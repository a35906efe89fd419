"""Find the serial number among the texts of the bar codes on a label (R25)."""

import re
from collections.abc import Iterable

SERIAL_OF_GS1 = re.compile(r"\(21\)([^()\s]{4,20})")  # the application identifier of serial numbers
NAMED = re.compile(r"(?:S/?N|SERIAL(?:\s?(?:NO|NUMBER))?\.?)\s*[:=#]?\s*([A-Z0-9-]{4,20})", re.IGNORECASE)
PIECE = re.compile(r"[A-Za-z0-9-]{6,20}")
WHOLE = re.compile(r"[A-Za-z0-9 -]{4,20}")


def serial_candidates(texts: Iterable[str]) -> list[str]:
    """What may be a serial number in these texts, the likeliest first: named as one, a whole code, a piece of one."""
    named, whole, pieces = [], [], []
    for text in texts:
        named += SERIAL_OF_GS1.findall(text) + NAMED.findall(text)
        if WHOLE.fullmatch(text):
            whole.append(text.strip())
        else:
            pieces += PIECE.findall(text)
    found = [text for text in [*named, *whole, *pieces] if any(sign.isdigit() for sign in text)]
    return list(dict.fromkeys(found))
