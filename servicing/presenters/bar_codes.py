"""Bar codes of references, as drawings of a page and on our papers (R52)."""

from dataclasses import dataclass
from itertools import groupby

from barcode.charsets import code128

from cps_portal.core.lib.pdf import svg

QUIET = 10  # units of white before and after, without which scanners cannot read a code
START = code128.START_CODES["B"]
END_BAR = "11"
HEIGHT = 40  # units of the drawing, which is stretched


@dataclass(frozen=True)
class BarCode:
    """A Code 128. `bars` are pairs of where a bar begins and how wide it is; `width` is that of everything."""

    text: str
    width: int
    bars: tuple[tuple[int, int], ...]

    @property
    def path(self) -> str:
        """The black bars as the path of a drawing that is `width` by 40."""
        return "".join(f"M{start} 0h{width}v{HEIGHT}H{start}z" for start, width in self.bars)

    @property
    def svg(self) -> str:
        return svg(f'<path d="{self.path}"/>', width=self.width, height=HEIGHT)


def bar_code(text: str) -> BarCode:
    """The bar code of a reference. Raises ValueError if it is empty or has signs that a bar code cannot hold."""
    if not text:
        raise ValueError("no bar code for nothing")
    try:
        signs = [code128.B[sign] for sign in text]
    except KeyError as error:
        raise ValueError(f"no bar code for {text!r}") from error
    # The library's own Code128 loses the digits of a text that begins with 99.
    check = (START + sum(place * sign for place, sign in enumerate(signs, start=1))) % 103
    units = "".join(code128.CODES[sign] for sign in (START, *signs, check)) + code128.STOP + END_BAR  # "1" is black
    at, bars = QUIET, []
    for unit, run in groupby(units):
        width = sum(1 for _unit in run)
        if unit == "1":
            bars.append((at, width))
        at += width
    return BarCode(text, at + QUIET, tuple(bars))
