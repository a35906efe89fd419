"""The serial number that was announced, compared with the one that is on the product (R49)."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

Step = tuple[str, int, int, int, int]  # kind, and where it is in the first and in the second number


@dataclass(frozen=True)
class Run:
    """A part of a number, and whether it differs from the other number."""

    text: str
    differs: bool


@dataclass(frozen=True)
class Comparison:
    """Both numbers in runs. `wrong` is how many characters differ, counting the longer side of each difference."""

    announced: tuple[Run, ...]
    scanned: tuple[Run, ...]
    wrong: int

    @property
    def is_same(self) -> bool:
        return self.wrong == 0


def compare_serials(announced: str, scanned: str) -> Comparison:
    """Compare two numbers that are cleaned already. What is only in one of them is marked there."""
    if len(announced) == len(scanned):  # digits that were swapped or misread keep their places
        steps: list[Step] = list(_by_place(announced, scanned))
    else:
        steps = list(SequenceMatcher(None, announced, scanned, autojunk=False).get_opcodes())
    wrong = sum(max(end - start, other_end - other) for tag, start, end, other, other_end in steps if tag != "equal")
    return Comparison(
        tuple(Run(announced[start:end], tag != "equal") for tag, start, end, _o, _e in steps if end > start),
        tuple(Run(scanned[other:end], tag != "equal") for tag, _s, _e, other, end in steps if end > other),
        wrong,
    )


def _by_place(first: str, second: str) -> Iterator[Step]:
    """Runs of equal and of different characters at the same place."""
    start = 0
    for end in range(1, len(first) + 1):
        is_equal = first[start] == second[start]
        if end == len(first) or (first[end] == second[end]) != is_equal:
            yield ("equal" if is_equal else "replace", start, end, start, end)
            start = end
