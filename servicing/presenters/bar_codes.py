"""Bar codes of references, as drawings of a page and on our papers (R52)."""

from dataclasses import dataclass
from itertools import groupby

from barcode.codex import Code128
from barcode.errors import BarcodeError

from cps_portal.core.lib.pdf import svg

QUIET = 10  # units of white before and after, without which scanners cannot read a code
HEIGHT = 40  # units of the drawing, which is stretched


@dataclass(frozen=True)
class BarCode:
    """A Code 128. `bars` are pairs of where a bar begins and how wide it is; `width` is that of everything."""

    text: str
    width: int
    bars: tuple[tuple[int, int], ...]

    @property
    def svg(self) -> str:
        bars = "".join(f"M{start} 0h{width}v{HEIGHT}H{start}z" for start, width in self.bars)
        return svg(f'<path d="{bars}"/>', width=self.width, height=HEIGHT)


def bar_code(text: str) -> BarCode:
    """The bar code of a reference. Raises ValueError if it is empty or has signs that a bar code cannot hold."""
    if not text:
        raise ValueError("no bar code for nothing")
    try:
        units = Code128(text).build()[0]  # "1" is black
    except BarcodeError as error:
        raise ValueError(f"no bar code for {text!r}") from error
    at, bars = QUIET, []
    for unit, run in groupby(units):
        width = sum(1 for _unit in run)
        if unit == "1":
            bars.append((at, width))
        at += width
    return BarCode(text, at + QUIET, tuple(bars))
