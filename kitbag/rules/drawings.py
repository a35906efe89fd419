"""Which drawing stands for a product, by its category, mount and name alone.

`name` is a file in static/img/kit. Only lenses of the L series have a red ring, only diffractive optics a green one,
and a barrel is white only where the real one is. The white and black exceptions are lists; the rest follows from the
focal lengths and apertures in the names.
"""

import re
from functools import lru_cache
from typing import NamedTuple

REMEMBERED = 4096  # products: a list shows the same ones again and again


class Drawing(NamedTuple):
    """`ring` is "l" (red), "do" (green) or ""; `barrel` is "white" or ""."""

    name: str
    ring: str = ""
    barrel: str = ""


class Optics(NamedTuple):
    """What the name of a lens says: focal lengths in mm, the f-number at the long end, 0 where it says nothing."""

    wide: float
    long: float
    stop: float

    @property
    def is_zoom(self) -> bool:
        return self.long > self.wide

    @property
    def pupil(self) -> float:
        """How wide the front has to be, in mm."""
        return self.long / self.stop if self.stop else 0


UNKNOWN = "acc"
PRO_BODY = re.compile(r"^EOS[ -](R1|R3)\b|^EOS-1D\b")
FLAT_BODY = re.compile(r"^EOS (M\d*|M100|M200|R50 V)( Mark II)?$")
BRIDGE = re.compile(r"PowerShot (SX(?!\d{3})|SX[1-7]0|S\d IS|Pro\d|Pro90|G3 X)")
PANCAKE = re.compile(r"^(EF 40mm f/2\.8|EF-S 24mm f/2\.8|EF-M 22mm f/2|RF 28mm F2\.8) STM")
WHITE_TOO = re.compile(r"^RF 200-800mm|^EF 400mm f/4 DO")
BLACK_TOO = re.compile(r"^EF (200mm f/2\.8L|80-200mm|50-200mm|100-300mm)")
WHITE_FD = re.compile(r"^(New )?FD (200mm f/1\.8|300mm f/2\.8|400mm f/2\.8|500mm f/4\.5|800mm f/5\.6|150-600mm)")
BROADCAST_BOX = re.compile(r"DIGISUPER|^[A-Z]*\d{2}.*SUPER")
CINEMA_ENG = re.compile(r"CN\d+x|IAS|KAS")
BY_KIND_OF_LENS = [
    (re.compile(r"^TS"), "lens-ts"),
    (re.compile(r"[Ff]ish-?[Ee]ye|\bDual\b"), "lens-fisheye"),
    (re.compile(r"^MP-E"), "lens-macro-x"),
]
DO_SERIES = re.compile(r"\bDO\b")
L_SERIES = re.compile(r"(?:[fFT]/?\s?\d+(?:\.\d+)?(?:-\d+(?:\.\d+)?)?|mm|/P1)\s?L\b")
SPECS = re.compile(r"(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?mm(?:\s+[fFT]/?(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?)?")
MANUAL_FOCUS = {"lens-fd", "lens-fl", "lens-r", "lens-ex"}

BY_CATEGORY = {
    "accessory-battery": "battery",
    "accessory-battery-grip": "grip",
    "accessory-charger": "charger",
    "accessory-extension-tube": "tube",
    "accessory-lens-attachment": "attachment",
    "accessory-microphone": "mic",
    "accessory-motor-drive": "motor",
    "accessory-mount-adapter": "adapter",
    "accessory-power-adapter": "power",
    "accessory-remote": "remote",
    "accessory-underwater": "case",
    "accessory-viewfinder": "viewfinder",
    "accessory-wireless-transmitter": "transmitter",
    "binocular": "binocular",
    "camcorder": "camcorder",
    "camera-cine-film": "cine-film",
    "camera-cinema": "cine",
    "camera-compact": "compact",
    "camera-dslr": "dslr",
    "camera-film-compact": "film-compact",
    "camera-film-slr": "slr",
    "camera-mirrorless": "body",
    "camera-multipurpose": "multi",
    "camera-ptz": "ptz",
    "camera-rangefinder": "rangefinder",
    "camera-still-video": "film-compact",
    "extender": "extender",
    "fax": "fax",
    "flash": "flash",
    "printer-compact": "printer-small",
    "printer-inkjet": "printer",
    "printer-large-format": "printer-large",
    "printer-laser": "printer-laser",
    "printer-photo": "printer",
    "projector": "projector",
    "scanner-document": "scanner-doc",
    "scanner-film": "scanner-film",
    "scanner-flatbed": "scanner",
}
# Beginning of the category, pattern in the name, drawing: the first that fits wins over the drawing of the category.
BY_NAME = [
    (category, re.compile(pattern), name)
    for category, pattern, name in [
        ("flash", r"Ring Lite|Twin Lite|Macro (Ring|Twin)", "flash-ring"),
        ("flash", r"Video Light|VL-", "light"),
        ("flash", r"\b(90EX|EL-100|EL-10|160E|200E|220EX|270EX|300EZ|320EX)\b", "flash-s"),
        ("camera-dslr", r"^EOS-1D", "dslr-pro"),
        ("camera-cinema", r"^EOS-1D C", "dslr-pro"),
        ("camera-cinema", r"^EOS R5 C", "body"),
        ("camera-mirrorless", PRO_BODY.pattern, "pro"),
        ("camera-mirrorless", FLAT_BODY.pattern, "body-s"),
        ("camera-compact", BRIDGE.pattern, "bridge"),
        ("camera-still-video", r"RC-7", "slr"),
        ("camcorder", r"^(XL|XF|XH|XM|EX1|EX2|L\d|GL)\b|^(XL|XF|XH)\s?[A-Z]?\d", "camcorder-pro"),
        ("", r"\bGPS\b|GP-E", "gps"),
        ("accessory-cinema", r"Display", "monitor"),
        ("accessory-viewfinder", r"Monitor", "monitor"),
        ("accessory-cinema", r"Remote", "remote"),
        ("accessory-cinema", r"Microphone", "mic"),
        ("accessory-cinema", r"Mount Kit", "adapter"),
        ("accessory-cinema", r"Viewfinder|EVF", "viewfinder"),
        ("accessory-cinema", r"Grip", "grip"),
        ("accessory-flash", r"Battery Pack", "battery"),
        ("accessory-flash", r"Transmitter|ST-E", "transmitter"),
        ("accessory-wireless-transmitter", r"Microphone", "mic"),
        ("accessory-microphone", r"Shoe Cord|Adapter", UNKNOWN),
        ("accessory-motor-drive", r"Back|Chamber", UNKNOWN),
        ("accessory-motor-drive", r"Pack", "battery"),
        ("accessory-extension-tube", r"Bellows", "lens-macro-x"),
        ("accessory-lens-attachment", r"Zoom Adapter", UNKNOWN),
    ]
]


@lru_cache(REMEMBERED)
def choose_drawing(*, category: str, mount: str, name: str) -> Drawing:
    """The drawing for a product; the plain accessory for what the rule does not know."""
    name = name.replace("‑", "-").replace("\N{NO-BREAK SPACE}", " ")
    for where, pattern, drawing in BY_NAME:
        if category.startswith(where) and pattern.search(name):
            return Drawing(drawing)
    if category == "extender":
        return Drawing("extender", barrel="white" if mount in {"EF", "RF"} else "")
    if category.startswith("lens"):
        return _lens(category, mount, name)
    return Drawing(BY_CATEGORY.get(category, UNKNOWN))


def _lens(category: str, mount: str, name: str) -> Drawing:
    ring = "do" if DO_SERIES.search(name) else "l" if L_SERIES.search(name) else ""
    optics = read_optics(name)
    if category == "lens-broadcast":
        return Drawing("lens-box" if BROADCAST_BOX.search(name) else "lens-eng")
    if special := _special(category, name, optics):
        return Drawing(special, ring)
    if category in MANUAL_FOCUS:
        return _manual_focus(name, ring, optics)
    white = WHITE_TOO.search(name) or (ring == "l" and optics.long >= 200 and not BLACK_TOO.search(name))
    barrel = "white" if white else ""
    if optics.is_zoom:
        return Drawing(_zoom(mount, name, ring, optics, is_white=bool(white)), ring, barrel)
    return _prime(name, ring, optics, barrel)


def read_optics(name: str) -> Optics:
    found = SPECS.search(name)
    if not found:
        return Optics(0, 0, 0)
    wide, long, stop_wide, stop_long = found.groups()
    return Optics(float(wide), float(long or wide), float(stop_long or stop_wide or 0))


def _special(category: str, name: str, optics: Optics) -> str:
    """The drawing that follows from the kind of lens, whatever its focal length; "" if there is none."""
    if category == "lens-cinema":
        return "lens-eng" if CINEMA_ENG.search(name) else "lens-cine-zoom" if optics.is_zoom else "lens-cine"
    if category == "lens-xl":
        return "lens-zoom"
    for pattern, drawing in BY_KIND_OF_LENS:
        if pattern.search(name):
            return drawing
    if category == "lens-s":
        return "lens-rangefinder" if optics.long < 135 else "lens-vintage-long"
    return ""


def _manual_focus(name: str, ring: str, optics: Optics) -> Drawing:
    if WHITE_FD.search(name) and (ring == "l" or "Fluorite" in name):
        return Drawing("lens-super", ring, "white")
    if "Macro" in name:
        return Drawing("lens-macro", ring)
    return Drawing("lens-vintage-long" if optics.is_zoom or optics.long >= 135 else "lens-vintage", ring)


def _prime(name: str, ring: str, optics: Optics, barrel: str) -> Drawing:
    if PANCAKE.search(name):
        return Drawing("lens-pancake", ring)
    if "Macro" in name and optics.wide >= 50:
        return Drawing("lens-macro", ring)
    if optics.pupil >= 95:
        return Drawing("lens-super", ring, barrel)
    if optics.long >= 200:
        return Drawing("lens-long" if optics.long >= 500 else "lens-tele-s", ring, barrel)
    if optics.long >= 100:
        return Drawing("lens-prime-tele", ring, barrel)
    is_large = ring == "l" or (0 < optics.stop <= 1.4 and optics.long >= 50)
    return Drawing("lens-prime" if is_large else "lens-prime-s", ring)


def _zoom(mount: str, name: str, ring: str, optics: Optics, *, is_white: bool) -> str:
    if is_white:
        is_super = optics.pupil >= 95 and optics.wide >= 100 and optics.stop <= 4
        return "lens-super" if is_super else "lens-tele"
    if optics.long >= 200 and optics.wide >= 50:
        return "lens-zoom-long"
    if optics.long <= 40:
        return "lens-wide" if ring == "l" or (optics.wide < 12 and mount != "EF-M") else "lens-zoom-s"
    is_for_small_sensors = mount in {"EF-S", "EF-M"} or name.startswith("RF-S")
    is_slow = ring != "l" and optics.stop >= 5 and optics.long < 120
    return "lens-zoom-s" if is_for_small_sensors or is_slow else "lens-zoom"
