"""Reading a serial number from an original photo (R25). The photo is read and forgotten."""

from dataclasses import dataclass
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.exif import read_body_serial
from cps_portal.core.lib.errors import Refusal
from kitbag.models import Product
from kitbag.rules.photos import same_model

FILM = ("camera-film", "camera-cine-film", "camera-rangefinder")
FIELD = "photo"


@dataclass(frozen=True)
class Reading:
    """What a photo says of the camera that took it."""

    serial: str
    camera: str
    same_model: bool


def has_readable_serial(product: Product) -> bool:
    """Bodies write their own number into a photo; a lens's number there often is not the engraved one."""
    return product.category.startswith("camera-") and not product.category.startswith(FILM)


def read_serial(*, product: Product, photo: BinaryIO | None) -> Reading:
    """Raises Refusal beside `photo`: `body`, `none`, `nothing`."""
    if not has_readable_serial(product):
        raise Refusal(
            "body",
            _("Only a camera’s own number can be read from a photo. Type the number that is engraved on the product."),
            FIELD,
        )
    if photo is None:
        raise Refusal("none", _("Choose a photo that this camera took, as it came from the card."), FIELD)
    found = read_body_serial(photo)
    if found is None:
        raise Refusal(
            "nothing",
            _(
                "There is no serial number in this photo. Choose a JPEG as it came from the card: apps and messengers "
                "remove the number. Or type it."
            ),
            FIELD,
        )
    names = [product.name, *product.names.values_list("name", flat=True)]
    return Reading(found.serial, found.model or found.make, not found.model or same_model(found.model, names))
