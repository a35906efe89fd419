"""Read the words that people type for kinds of products, and other spellings, in six languages and more (R16)."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kitbag import rules

SEARCH_WORDS = Path(__file__).parent / "search_words.csv"


@dataclass(frozen=True)
class SearchWord:
    """What a word or phrase of a search stands for.

    `means` is searched for instead of it. `categories` are patterns of SQL's `like`: the kinds of product that it
    names. A word with neither is left out: "only", "used". `is_general`: a more special kind beside it prevails.
    """

    means: str
    categories: tuple[str, ...]
    is_general: bool


@cache
def search_words() -> dict[str, SearchWord]:
    """By phrase, as `rules.phrase` writes it."""
    with SEARCH_WORDS.open(encoding="utf-8", newline="") as file:
        return {
            rules.phrase(phrase): SearchWord(
                means=row["means"],
                categories=tuple(category.replace("*", "%") for category in row["categories"].split("; ") if category),
                is_general=row["general"] == "yes",
            )
            for row in csv.DictReader(file)
            for phrase in row["words"].split("; ")
        }
