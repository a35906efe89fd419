"""Measure in pairs, one after the other, so that a busy machine slows both: compare ratios, not seconds."""

import os
import time
from collections.abc import Callable, Iterator
from statistics import median, quantiles
from typing import Any

import pytest

ROUNDS = int(os.environ.get("BENCH_PAIRS", "40"))


class Table:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def compare(self, name: str, ours: Callable[[int], Any], plain: Callable[[int], Any], rounds: int = ROUNDS) -> None:
        """Call both with the number of the round, alternating which goes first; report the median of the ratios.

        `rounds` is how many pairs at most; BENCH_PAIRS (at least 2) may say fewer.
        """
        ours(0), plain(0)
        pairs = []
        for n in range(min(rounds, ROUNDS)):
            if n % 2:
                second, first = seconds(plain, n), seconds(ours, n)
            else:
                first, second = seconds(ours, n), seconds(plain, n)
            pairs.append((first, second))
        our_ms = [pair[0] * 1000 for pair in pairs]
        plain_ms = [pair[1] * 1000 for pair in pairs]
        slow_ms = quantiles(our_ms, n=20)[-1]
        ratio = median(first / second for first, second in pairs)
        self.lines.append(f"{name:<52}{ratio:>8.2f}{median(our_ms):>10.1f}{slow_ms:>10.1f}{median(plain_ms):>10.1f}")


def seconds(job: Callable[[int], Any], n: int) -> float:
    started = time.perf_counter()
    job(n)
    return time.perf_counter() - started


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    results = Table()
    yield results
    print(f"\n\n{'':<52}{'ratio':>8}{'ms':>10}{'95 %':>10}{'plain ms':>10}", *results.lines, sep="\n")  # noqa: T201


@pytest.fixture(scope="session")
def report() -> Iterator[list[str]]:
    """Lines that are printed after everything."""
    lines: list[str] = []
    yield lines
    print("\n", *lines, sep="\n")  # noqa: T201
