"""Template tags for the building blocks of the design: icons, drawings, error summaries."""

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.forms import BaseForm
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kitbag.models import Product

register = template.Library()

SUPER_TELE_MM = 300
DRAWING_BY_CATEGORY = {
    "camera-dslr": "dslr",
    "camera-film-slr": "dslr",
    "camera-mirrorless": "body",
    "camera-compact": "body",
    "camera-rangefinder": "body",
    "camera-film-compact": "body",
    "camera-still-video": "body",
    "camera-cinema": "cine",
    "camera-cine-film": "cine",
    "camera-ptz": "cine",
    "camera-multipurpose": "cine",
    "camcorder": "cine",
    "extender": "ext",
    "flash": "flash",
}
DRAWING_BY_FAMILY = {"printer": "printer", "scanner": "printer", "fax": "printer", "accessory": "acc"}
DRAWINGS = {"body", "pro", "dslr", "zoom", "tele", "super", "prime", "ext", "cine", "printer", "flash", "acc", "pack"}


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """An icon of the sprite, hidden from screen readers: the text beside it must say the same."""
    kind = "mark" if name == "mark" else "icon"
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        f"{kind} {classes}".strip(),
        static("img/icons.svg"),
        name,
    )


@register.filter
def signed(points: int) -> str:
    """A change of points, such as "+335" or "−185"."""
    return f"+{intcomma(points)}" if points > 0 else f"−{intcomma(-points)}"


@register.simple_tag
def kit_drawing(what: Product | str) -> SafeString:
    """The drawing of a product, or the drawing with that name."""
    name = what if isinstance(what, str) else drawing_of(what)
    return format_html(
        '<svg viewBox="0 0 120 90" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("img/kit.svg"),
        name if name in DRAWINGS else "acc",
    )


def drawing_of(product: Product) -> str:
    """The name of the drawing for a product, by its category and name."""
    category = product.category
    if category.startswith("lens"):
        return lens_drawing(product.name)
    if category == "camera-mirrorless" and product.name in {"EOS R1", "EOS R3"}:
        return "pro"
    if category == "camera-dslr" and product.name.startswith("EOS-1D"):
        return "pro"
    return DRAWING_BY_CATEGORY.get(category) or DRAWING_BY_FAMILY.get(category.split("-")[0], "acc")


def lens_drawing(name: str) -> str:
    """The drawing for a lens, by the focal length before "mm"; a range is a zoom."""
    before = name.lower().partition("mm")[0].split()
    focal = before[-1].replace("‑", "-") if before else ""
    numbers = [float(part) for part in focal.split("-") if part.replace(".", "", 1).isdigit()]
    if len(numbers) > 1:
        return "tele" if numbers[-1] >= 200 else "zoom"
    return "super" if numbers and numbers[0] >= SUPER_TELE_MM else "prime"


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: BaseForm) -> dict[str, object]:
    """The list of errors at the top of a form; app.js moves the focus there."""
    fields = [(field.id_for_label, error) for field in form for error in field.errors]
    return {"fields": fields, "others": form.non_field_errors(), "count": len(fields) + len(form.non_field_errors())}
