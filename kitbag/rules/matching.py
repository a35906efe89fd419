"""Match a pasted list of serial numbers with products (R17, R30)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CELL_ENDS = re.compile(r"[\t;,|]+")


@dataclass(frozen=True)
class Match:
    """The number of each row, by the key of the row; the lines that fit none; the rows that had a choice."""

    numbers: dict[int, str]
    left: list[str]
    guessed: set[int]


def split_line(line: str) -> list[str]:
    """The cells of a line of a list or a spreadsheet."""
    return [cell.strip() for cell in CELL_ENDS.split(line) if cell.strip()]


def match_lines(lines: Sequence[str], names: Mapping[int, str], fitting: Mapping[str, set[int]]) -> Match:
    """Give each line to one row, and each row one number at most.

    `names` are the product names of the rows, in their order. `fitting` are the rows that a cell could be the number
    of. A line that names products is for these alone. What fits one row only is given first; what fits several then
    goes to the first of them that has none.
    """
    candidates = [_candidates(split_line(line), names, fitting) for line in lines]
    numbers: dict[int, str] = {}
    guessed: set[int] = set()
    open_lines = [index for index, possible in enumerate(candidates) if possible]
    while open_lines:
        free = {
            index: {row: number for row, number in candidates[index].items() if row not in numbers}
            for index in open_lines
        }
        open_lines = [index for index in open_lines if free[index]]
        if not open_lines:
            break
        index = next((each for each in open_lines if len(free[each]) == 1), open_lines[0])
        row = next(each for each in names if each in free[index])
        numbers[row] = free[index][row]
        if len({names[each] for each in free[index]}) > 1:
            guessed.add(row)
        candidates[index] = {}
        open_lines.remove(index)
        lines = [line if each != index else "" for each, line in enumerate(lines)]
    return Match(numbers, [line for line in lines if line.strip()], guessed)


def _candidates(cells: Sequence[str], names: Mapping[int, str], fitting: Mapping[str, set[int]]) -> dict[int, str]:
    """The rows that the line may be for, each with the number."""
    words = {" ".join(cell.casefold().split()) for cell in cells}
    named = {row for row, name in names.items() if " ".join(name.casefold().split()) in words}
    possible: dict[int, str] = {}
    for cell in cells:
        for row in fitting.get(cell, ()):
            if row in (named or names):
                possible.setdefault(row, cell)
    return possible
