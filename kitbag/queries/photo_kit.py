"""Which products took a member's photos, and which of them the Kitbag has (R16, R25)."""

from collections.abc import Iterable
from dataclasses import dataclass

from cps_portal.core.files.exif import Equipment
from kitbag import rules
from kitbag.enums import RegistrationState
from kitbag.models import Product, ProductName, Registration
from kitbag.rules.photos import FILM_CATEGORIES, model_words
from kitbag.rules.search import name_tokens
from members.models import Member

BODY, LENS = "camera-", "lens-"
MAX_KEY_LENGTH = 40
Words = tuple[str, ...]


@dataclass(frozen=True)
class Sighting:
    """A camera or lens that photos name: by its product, or by its name if we do not have it."""

    product: int
    name: str
    serial: str
    photos: int


@dataclass(frozen=True)
class FoundProduct:
    """A product that took photos, and what the Kitbag has of it."""

    product: Product
    serial: str
    photos: int
    held: Registration | None  # with this serial number, or the same product without one if the photos have none
    draft: Registration | None  # without a serial number, which this one would fill in

    @property
    def is_lens(self) -> bool:
        return self.product.category.startswith(LENS)


def recognise(equipment: Iterable[Equipment]) -> list[Sighting]:
    """A sighting for each camera and lens of each photo."""
    found = list(equipment)
    bodies, lenses = _names(BODY), _names(LENS)
    sightings = [_sighting(bodies, one.model, one.serial) for one in found if one.model]
    sightings += [_sighting(lenses, one.lens, one.lens_serial) for one in found if one.lens]
    return sightings


def merge(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Those of one product with one serial number as one. Without a number it is one that has been seen with one."""
    counts: dict[tuple[int, str, str], int] = {}
    for one in sightings:
        key = (one.product, one.name, one.serial)
        counts[key] = counts.get(key, 0) + one.photos
    numbered: dict[tuple[int, str], tuple[int, str, str]] = {}
    for product, name, serial in counts:
        if serial:
            numbered.setdefault((product, name), (product, name, serial))
    for key in [key for key in counts if not key[2] and key[:2] in numbered]:
        counts[numbered[key[:2]]] += counts.pop(key)
    return [Sighting(*key, photos=photos) for key, photos in counts.items()]


def compare_with_kitbag(member: Member, sightings: Iterable[Sighting]) -> list[FoundProduct]:
    """What was found, the most points first; two queries. Products that cannot be registered are left out."""
    sightings = [one for one in sightings if one.product]
    products = Product.objects.registrable().in_bulk([one.product for one in sightings])
    held = Registration.objects.of(member).live().filter(product__in=products).select_related("product").order_by("pk")
    by_product: dict[int, list[Registration]] = {}
    for row in held:
        by_product.setdefault(row.product_id, []).append(row)
    found = [
        _compare(products[one.product], one, by_product.get(one.product, []))
        for one in sightings
        if one.product in products
    ]
    return sorted(found, key=lambda one: (-one.product.points, one.product.name, one.serial))


def _compare(product: Product, sighting: Sighting, rows: list[Registration]) -> FoundProduct:
    key = rules.serial_key(sighting.serial)
    held = next((row for row in rows if not key or row.serial_key == key), None)
    drafts = (row for row in rows if row.state == RegistrationState.DRAFT and not row.serial)
    draft = None if held or not key else next(drafts, None)
    return FoundProduct(product, sighting.serial, sighting.photos, held, draft)


def _names(category: str) -> dict[Words, int]:
    """The registrable products of a kind by the words of each of their names."""
    products = Product.objects.registrable().filter(category__startswith=category).exclude(category__in=FILM_CATEGORIES)
    names = list(products.values_list("pk", "name"))
    names += ProductName.objects.filter(product__in=products).values_list("product_id", "name")
    return {tuple(name_tokens(name)): product for product, name in names}


def _sighting(names: dict[Words, int], model: str, serial: str) -> Sighting:
    product = names.get(model_words(model), 0)
    readable = product and 0 < len(rules.serial_key(serial)) <= MAX_KEY_LENGTH
    return Sighting(product, "" if product else model, serial if readable else "", photos=1)
