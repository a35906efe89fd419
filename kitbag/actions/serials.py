"""What there is to say about the serial number of a registration (R29 to R31, R33)."""

from dataclasses import dataclass, replace
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.exif import read_body_serial
from cps_portal.core.lib.errors import Refusal
from kitbag import rules
from kitbag.enums import RegistrationState, ShapeUse
from kitbag.models import Product, ProductName, Registration, SerialShape
from kitbag.rules import SerialFinding
from kitbag.rules.photos import same_model

FILM_CATEGORIES = ("camera-film", "camera-cine-film", "camera-rangefinder")
PHOTO_FIELD = "photo"
SUBMITTED_STATES = (RegistrationState.SUBMITTED, RegistrationState.VALIDATED)


def check_serial(row: Registration, serial: str) -> SerialFinding:
    """The known mistakes, the shapes of its kind, and the numbers of what else the member has."""
    product = row.product
    names = [product.name, *ProductName.objects.filter(product=product).values_list("name", flat=True)]
    shapes = [
        rules.Shape(shape.pattern, shape.year_from, shape.year_to, shape.example)
        for shape in SerialShape.objects.order_by("pk")
        if shape.covers(product.category)
    ]
    finding = rules.check_serial(serial, shapes, product.released_year, names)
    return finding if finding.blocks else _of_another(row, finding, rules.serial_key(serial))


def may_lack_serial(product: Product) -> bool:
    """Whether "there is no serial on this item" may be said of it (R33)."""
    if product.serial_optional:
        return True
    return any(shape.covers(product.category) for shape in SerialShape.objects.filter(use=ShapeUse.OPTIONAL))


def _of_another(row: Registration, finding: SerialFinding, key: str) -> SerialFinding:
    """The same number on another registration of this member; serials of different models may be alike (R31)."""
    others = Registration.objects.of(row.member).filter(serial_key=key, state__in=SUBMITTED_STATES).exclude(pk=row.pk)
    products = dict(others.values_list("product_id", "product__name"))
    if row.product_id in products:
        return SerialFinding("own_duplicate", blocks=True)
    if finding.code or not products:
        return finding
    return replace(finding, code="own_other", other=min(products.values()))


# --- From a photo (R25) ---


@dataclass(frozen=True)
class SerialFromPhoto:
    """What a photo says of the camera that took it."""

    serial: str
    camera: str
    same_model: bool


def has_readable_serial(product: Product) -> bool:
    """Bodies write their own number into a photo; a lens's number there often is not the engraved one."""
    return product.category.startswith("camera-") and not product.category.startswith(FILM_CATEGORIES)


def read_serial(*, product: Product, photo: BinaryIO | None) -> SerialFromPhoto:
    """Raises Refusal beside `photo`: `body`, `none`, `nothing`."""
    if not has_readable_serial(product):
        raise Refusal(
            "body",
            _("Only a camera’s own number can be read from a photo. Type the number that is engraved on the product."),
            PHOTO_FIELD,
        )
    if photo is None:
        raise Refusal("none", _("Choose a photo that this camera took, as it came from the card."), PHOTO_FIELD)
    found = read_body_serial(photo)
    if found is None:
        raise Refusal(
            "nothing",
            _(
                "There is no serial number in this photo. Choose a JPEG as it came from the card: apps and messengers "
                "remove the number. Or type it."
            ),
            PHOTO_FIELD,
        )
    names = [product.name, *product.names.values_list("name", flat=True)]
    return SerialFromPhoto(found.serial, found.model or found.make, not found.model or same_model(found.model, names))
