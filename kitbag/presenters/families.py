"""Families of products to look around in, for who does not know a name to type (R16)."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Family:
    """A family and the search that lists it. The words are English in every language: all of them are known."""

    name: str | Promise
    query: str
    categories: tuple[str, ...]  # of the catalogue, or how they begin
    drawing: str  # of static/img/kit
    hint: str = ""  # names as they stand on the products

    def count(self, by_category: Mapping[str, int]) -> int:
        return sum(number for category, number in by_category.items() if category.startswith(self.categories))


FAMILIES = [
    Family(_("Mirrorless cameras"), "mirrorless", ("camera-mirrorless",), "body", "EOS R, EOS M"),
    Family(_("SLR cameras"), "dslr", ("camera-dslr", "camera-film-slr"), "dslr", "EOS-1D, 5D, 90D"),
    Family(_("Lenses for EOS R"), "rf lens", ("lens-rf",), "lens-zoom", "RF, RF-S"),
    Family(_("Lenses for EOS"), "ef lens", ("lens-ef",), "lens-prime", "EF, EF-S"),
    Family(_("Cinema"), "cine", ("camera-cinema", "lens-cinema", "accessory-cinema"), "cine", "Cinema EOS, CN-E"),
    Family(_("Camcorders"), "camcorder", ("camcorder",), "camcorder-pro", "XA, XF"),
    Family(_("Flashes"), "flash", ("flash",), "flash", "Speedlite"),
    Family(_("Compact cameras"), "compact camera", ("camera-compact",), "compact", "PowerShot, IXUS"),
    Family(_("Film cameras"), "film camera", ("camera-film-", "camera-rangefinder"), "slr", "EOS, A-1, AE-1"),
    Family(_("Battery grips"), "battery grip", ("accessory-battery-grip",), "grip", "BG"),
    Family(_("Printers"), "printer", ("printer-",), "printer-large", "PIXMA, imagePROGRAF"),
    Family(_("Binoculars"), "binoculars", ("binocular",), "binocular"),
]
