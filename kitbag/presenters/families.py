"""Families of products to look around in, for who does not know a name to type (R16)."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Family:
    """A family and the search that lists it. The words are English in every language: all of them are known."""

    name: str | Promise
    query: str
    drawing: str  # of static/img/kit
    hint: str = ""  # names as they stand on the products


FAMILIES = [
    Family(_("Mirrorless cameras"), "mirrorless", "body", "EOS R, EOS M"),
    Family(_("SLR cameras"), "dslr", "dslr", "EOS-1D, 5D, 90D"),
    Family(_("Lenses for EOS R"), "rf lens", "lens-zoom", "RF, RF-S"),
    Family(_("Lenses for EOS"), "ef lens", "lens-prime", "EF, EF-S"),
    Family(_("Cinema"), "cine", "cine", "Cinema EOS, CN-E"),
    Family(_("Camcorders"), "camcorder", "camcorder-pro", "XA, XF"),
    Family(_("Flashes"), "flash", "flash", "Speedlite"),
    Family(_("Compact cameras"), "compact camera", "compact", "PowerShot, IXUS"),
    Family(_("Film cameras"), "film camera", "slr", "EOS, A-1, AE-1"),
    Family(_("Battery grips"), "battery grip", "grip", "BG"),
    Family(_("Printers"), "printer", "printer-large", "PIXMA, imagePROGRAF"),
    Family(_("Binoculars"), "binoculars", "binocular"),
]
