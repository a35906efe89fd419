"""Check the serial number of a registration, or read it from a photo (R25, R29 to R31, R33)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.actions import read_marks
from cps_portal.core.files.actions import refusal as refusal_of_file
from cps_portal.core.lib.compiled_queries import CompiledModels
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.lists import in_words
from kitbag import rules
from kitbag.enums import SUBMITTED_STATES, ShapeUse
from kitbag.models import Product, ProductName, Registration, SerialShape
from kitbag.rules import SerialFinding
from kitbag.rules.labels import serial_candidates
from kitbag.rules.photos import FILM_CATEGORIES, is_same_model
from members.models import User

OPTIONAL: CompiledModels[SerialShape] = CompiledModels(lambda: SerialShape.objects.filter(use=ShapeUse.OPTIONAL))
PHOTO_FIELD = "photo"
MAX_CANDIDATES = 20  # numbers of one photo that are checked
MAX_NAMED = 4  # of them that a sentence names


def check_serial(row: Registration, serial: str) -> SerialFinding:
    """Check a serial for known mistakes, against the shapes of its category and the member's other registrations."""
    finding = check_product_serial(row.product, serial)
    if finding.blocks:
        return finding
    others = Registration.objects.of(row.member).filter(serial_key=rules.serial_key(serial), state__in=SUBMITTED_STATES)
    return _of_another(row, finding, others.select_related("product"))


def check_serials(
    rows: Collection[Registration], others: Mapping[str, Iterable[Registration]]
) -> dict[int, SerialFinding]:
    """As `check_serial`, for the serial numbers that many registrations have: by their keys, in two queries.

    `others`: the registrations with each serial number, of whatever member.
    """
    rows = [row for row in rows if row.serial]
    names: dict[int, list[str]] = {row.product_id: [row.product.name] for row in rows}
    for product, name in ProductName.objects.filter(product__in=list(names)).values_list("product_id", "name"):
        names[product].append(name)
    shapes = list(SerialShape.objects.order_by("pk"))
    findings = {row.pk: _check(row.product, row.serial, names[row.product_id], shapes) for row in rows}
    for row in rows:
        if not findings[row.pk].blocks:
            same = others.get(row.serial_key or "", ())
            own = [one for one in same if one.member_id == row.member_id and one.state in SUBMITTED_STATES]
            findings[row.pk] = _of_another(row, findings[row.pk], own)
    return findings


def check_product_serial(product: Product, serial: str) -> SerialFinding:
    """The same without a member: known mistakes (R29) and the shapes of the category (R30)."""
    names = [product.name, *ProductName.objects.filter(product=product).values_list("name", flat=True)]
    return _check(product, serial, names, SerialShape.objects.order_by("pk"))


def _check(product: Product, serial: str, names: Sequence[str], shapes: Iterable[SerialShape]) -> SerialFinding:
    covering = [
        rules.Shape(shape.pattern, shape.year_from, shape.year_to, shape.example)
        for shape in shapes
        if shape.covers(product.category)
    ]
    return rules.check_serial(serial, covering, product.released_year, names)


def may_lack_serial(product: Product) -> bool:
    """Whether the member may choose "There’s no serial number on this item" (R33)."""
    if product.serial_optional:
        return True
    return any(shape.covers(product.category) for shape in OPTIONAL.all())


def find_optional_serials(products: Iterable[Product]) -> set[int]:
    """The keys of those for which `may_lack_serial` is true, in one query."""
    shapes = OPTIONAL.all()
    return {
        product.pk
        for product in products
        if product.serial_optional or any(shape.covers(product.category) for shape in shapes)
    }


def find_fitting(rows: Collection[Registration], numbers: Collection[str]) -> dict[str, set[int]]:
    """For each number the keys of the registrations whose product it looks right for (R30), in two queries."""
    names: dict[int, list[str]] = {row.product_id: [row.product.name] for row in rows}
    for product, name in ProductName.objects.filter(product__in=list(names)).values_list("product_id", "name"):
        names[product].append(name)
    shapes = list(SerialShape.objects.order_by("pk"))
    return {
        number: {row.pk for row in rows if not _check(row.product, number, names[row.product_id], shapes).code}
        for number in numbers
    }


def _of_another(row: Registration, finding: SerialFinding, same: Iterable[Registration]) -> SerialFinding:
    """The finding, extended if another registration of this member has the `same` number (R31).

    Products of different models may have the same number, so that is only a warning.
    """
    same_number = [other for other in same if other.pk != row.pk]
    same_number.sort(key=lambda other: (other.product.name, other.pk))
    if twin := next((other for other in same_number if other.product_id == row.product_id), None):
        return SerialFinding("own_duplicate", blocks=True, other_key=twin.pk)
    if finding.code or not same_number:
        return finding
    return replace(finding, code="own_other", other=same_number[0].product.name, other_key=same_number[0].pk)


# --- From a photo (R25) ---


@dataclass(frozen=True)
class SerialFromPhoto:
    """The serial number in a photo: on a label, or of the `camera` that took it, if that is the product's model."""

    serial: str
    camera: str = ""
    same_model: bool = True


def has_readable_serial(product: Product) -> bool:
    """Whether its photos contain its serial number: of camera bodies only, as a lens often reports another number."""
    return product.category.startswith("camera-") and not product.category.startswith(FILM_CATEGORIES)


def read_serial(*, product: Product, photo: "UploadedFile[bytes] | None", by: User) -> SerialFromPhoto:
    """Read the serial number from the bar codes in a photo, or from the data of one that the body took.

    The photo is not stored, and the member compares what was read (R25). Raises Refusal beside `photo`: `none`, `many`
    (several numbers may be it), `retail` (only the bar code of the product), `nothing`, and as `read_marks` in files.
    """
    if photo is None or photo.file is None:
        raise Refusal("none", _("Choose a photo first: of the label on the box, or of the number itself."), PHOTO_FIELD)
    if (photo.size or 0) > settings.FILES_MAX_MEGABYTES * 1024 * 1024:
        raise refusal_of_file("big")
    marks = read_marks(photo=photo.file, by=by)
    candidates = serial_candidates(code.text for code in marks.codes if not code.is_retail)
    if serial := _likeliest(product, candidates):
        return SerialFromPhoto(serial)
    if marks.body and has_readable_serial(product):
        names = [product.name, *product.names.values_list("name", flat=True)]
        body = marks.body
        return SerialFromPhoto(body.serial, body.model or body.make, not body.model or is_same_model(body.model, names))
    raise _unread(product, candidates, has_retail=any(code.is_retail for code in marks.codes))


def _likeliest(product: Product, candidates: Sequence[str]) -> str:
    """The first that looks right for the product (R30); or else the only one that could be a number at all."""
    findings = {text: check_product_serial(product, text) for text in candidates[:MAX_CANDIDATES]}
    fitting = [text for text, finding in findings.items() if not finding.code]
    possible = [text for text, finding in findings.items() if not finding.blocks]
    return fitting[0] if fitting else possible[0] if len(possible) == 1 else ""


def _unread(product: Product, candidates: Sequence[str], *, has_retail: bool) -> Refusal:
    if candidates:
        numbers = in_words(candidates[:MAX_NAMED])
        sentence = _("We found several numbers: %(numbers)s. Type the one that is the serial number.")
        return Refusal("many", sentence % {"numbers": numbers}, PHOTO_FIELD)
    if has_retail:
        sentence = _(
            "That’s the bar code of the box, which is the same for all of them. Take the one with the serial number."
        )
        return Refusal("retail", sentence, PHOTO_FIELD)
    if has_readable_serial(product):
        sentence = _(
            "We can’t read a number in this photo. Take the bar code on the label closer and straight, or choose a JPEG"
            " straight from this camera’s memory card. Or type it in."
        )
    else:
        sentence = _(
            "We can’t read a number in this photo. Take the bar code on the label closer and straight. Or type it in."
        )
    return Refusal("nothing", sentence, PHOTO_FIELD)
