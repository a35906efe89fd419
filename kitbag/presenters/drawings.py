"""The drawing of a product as a picture of its own, where neither `use` nor CSS works: on paper."""

import re
from functools import lru_cache

from django.conf import settings

from kitbag.models import Product
from kitbag.rules.drawings import Drawing, choose_drawing

FOLDER = settings.BASE_DIR / "static" / "img" / "kit"
ART = re.compile(r'<symbol id="art" viewBox="([^"]+)">(.*)</symbol>', re.DOTALL)
INNERMOST_VARIABLE = re.compile(r"var\((--[\w-]+),([^()]*)\)")
RINGS = {"l": "#c8102e", "do": "#1f8a4c"}
WHITE_BARREL = {"--k-bar": "#fbfaf6", "--k-bar-2": "#dfdcd3", "--k-bar-edge": "#bdb9ae"}


def drawing_svg(product: Product) -> str:
    """The drawing of this product in the colours of white paper."""
    return _flattened(choose_drawing(category=product.category, mount=product.mount, name=product.name))


@lru_cache(maxsize=128)
def _flattened(drawing: Drawing) -> str:
    found = ART.search((FOLDER / f"{drawing.name}.svg").read_text())
    if found is None:
        raise ValueError(f"no drawing in {drawing.name}.svg")
    view_box, art = found.groups()
    values = {"--k-lens-ring": RINGS.get(drawing.ring, "none")} | (WHITE_BARREL if drawing.barrel == "white" else {})
    while "var(" in art:  # a fallback may be a variable itself
        art = INNERMOST_VARIABLE.sub(lambda found: values.get(found[1], found[2]), art)
    art = art.replace('"transparent"', '"none"')
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view_box}">{art}</svg>'
