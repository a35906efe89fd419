"""Bar codes as drawings of a page, with the same bars as on our papers."""

from dataclasses import dataclass
from itertools import accumulate

from reportlab.graphics.barcode.code128 import Code128

QUIET = 10  # units of white before and after, without which scanners cannot read a code


@dataclass(frozen=True)
class BarCode:
    """A Code 128. `bars` are pairs of where a bar begins and how wide it is; `width` is that of everything."""

    text: str
    width: int
    bars: tuple[tuple[int, int], ...]


def bar_code(text: str) -> BarCode:
    """The bar code of a reference. Raises ValueError if it has signs that a bar code cannot hold."""
    code = Code128(text, barWidth=1, quiet=0)
    code.validate()
    if not code.valid:
        raise ValueError(f"no bar code for {text!r}")
    code.encode()
    code.decompose()
    # Upper-case letters are bars, lower-case letters gaps; "a" and "A" are one unit wide.
    widths = [ord(sign.lower()) - ord("a") + 1 for sign in code.decomposed]
    starts = [QUIET, *(QUIET + end for end in accumulate(widths))]
    signs = zip(code.decomposed, starts, widths, strict=False)
    bars = tuple((start, width) for sign, start, width in signs if sign.isupper())
    return BarCode(text, starts[-1] + QUIET, bars)
