"""What there is to say about the serial number of a registration (R29 to R31, R33)."""

from dataclasses import replace

from kitbag import rules
from kitbag.enums import RegistrationState, ShapeUse
from kitbag.models import Product, ProductName, Registration, SerialShape
from kitbag.rules import SerialFinding

HANDED_IN = (RegistrationState.SUBMITTED, RegistrationState.VALIDATED)


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
    others = Registration.objects.of(row.member).filter(serial_key=key, state__in=HANDED_IN).exclude(pk=row.pk)
    products = dict(others.values_list("product_id", "product__name"))
    if row.product_id in products:
        return SerialFinding("own_duplicate", blocks=True)
    if finding.code or not products:
        return finding
    return replace(finding, code="own_other", other=min(products.values()))
