"""Whether the camera that a photo names is the product that it is shown for (R25)."""

import re
from collections.abc import Iterable

from kitbag.rules.search import name_tokens


def same_model(said: str, names: Iterable[str]) -> bool:
    """By the product's names and aliases. A camera says "EOS R5m2" of itself where its name is "EOS R5 Mark II"."""
    tokens = name_tokens(re.sub(r"(?<=\d)m(?=\d\b)", " mark ", said))
    return any(tokens == name_tokens(name) for name in names)
