"""Compare the camera named in a photo with a product (R25)."""

import re
from collections.abc import Iterable

from kitbag.rules.search import name_tokens


def is_same_model(model: str, names: Iterable[str]) -> bool:
    """Whether the model in a photo is one of the product's names. "EOS R5m2" in a photo means "EOS R5 Mark II"."""
    tokens = name_tokens(re.sub(r"(?<=\d)m(?=\d\b)", " mark ", model))
    return any(tokens == name_tokens(name) for name in names)
