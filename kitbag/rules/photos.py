"""Compare the camera and the lens named in a photo with products (R25)."""

import re
from collections.abc import Iterable

from kitbag.rules.search import name_tokens

FILM_CATEGORIES = ("camera-film", "camera-cine-film", "camera-rangefinder")


def is_same_model(model: str, names: Iterable[str]) -> bool:
    """Whether the model in a photo is one of the product's names."""
    return model_words(model) in {tuple(name_tokens(name)) for name in names}


def model_words(model: str) -> tuple[str, ...]:
    """The words of a product's name that the model in a photo stands for, as `name_tokens` gives them.

    "EOS R5m2" means "EOS R5 Mark II"; "+1.4x" behind a lens is an extender, which is a product of its own.
    """
    return tuple(name_tokens(re.sub(r"(?<=\d)m(?=\d\b)", " mark ", model.partition("+")[0])))
