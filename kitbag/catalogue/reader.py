"""Read the catalogue's CSV files into plain values; report where and why rows are bad."""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kitbag import rules
from kitbag.enums import SerialPlace, ShapeUse, Shelf, VideoClass

FOLDER = Path(__file__).parent
PRODUCTS = FOLDER / "products.csv"
SHAPES = FOLDER / "serial_shapes.csv"

SHELF_OF = {
    "binocular": Shelf.OTHER,
    "camcorder": Shelf.VIDEO,
    "camera-cine-film": Shelf.VIDEO,
    "camera-cinema": Shelf.VIDEO,
    "camera-compact": Shelf.BODIES,
    "camera-dslr": Shelf.BODIES,
    "camera-film-compact": Shelf.BODIES,
    "camera-film-slr": Shelf.BODIES,
    "camera-mirrorless": Shelf.BODIES,
    "camera-multipurpose": Shelf.VIDEO,
    "camera-ptz": Shelf.VIDEO,
    "camera-rangefinder": Shelf.BODIES,
    "camera-still-video": Shelf.BODIES,
    "extender": Shelf.LENSES,
    "fax": Shelf.PRINTERS,
    "flash": Shelf.FLASH,
    "projector": Shelf.OTHER,
}
SHELF_OF_FAMILY = {  # by the beginning of the category
    "accessory-": Shelf.OTHER,
    "lens-": Shelf.LENSES,
    "printer-": Shelf.PRINTERS,
    "scanner-": Shelf.OTHER,
}
POWER = {"accessory-battery", "accessory-charger", "accessory-power-adapter"}
STATUSES = {"current", "superseded", "discontinued", "legacy"}

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
NEEDED = (
    "slug",
    "name",
    "aliases",
    "category",
    "mount",
    "release_year",
    "release_month",
    "discontinued_year",
    "status",
    "superseded_by",
    "service_end_year",
    "pro",
    "video_class",
    "serial_hint",
    "points",
    "points_superseded",
    "points_unserviceable",
)
POINTS = ("points", "points_superseded", "points_unserviceable")
MAX_POINTS = 100_000


class UnreadableFile(Exception):
    """The file cannot be used at all; the text says why."""


@dataclass(frozen=True)
class BadRow:
    """Why a row, or one value in it, was left out. `column` is "" if it is the whole row."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}{self.column and ', ' + self.column}: {self.reason}"


@dataclass(frozen=True)
class ProductRecord:
    """A row of products.csv. `fields` are fields of Product, except stage, successor and slug."""

    line: int
    slug: str
    names: tuple[str, ...]
    successor: str
    superseded: bool
    fields: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class ShapeRecord:
    """A row of serial_shapes.csv."""

    categories: tuple[str, ...]
    period: str
    year_from: int | None
    year_to: int | None
    pattern: str
    use: str
    example: str


class _Bad(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def read_products(path: Path) -> tuple[list[ProductRecord], list[BadRow]]:
    """The good rows and the bad ones. Raises UnreadableFile if there is no such file or a column is missing."""
    good: dict[str, ProductRecord] = {}
    bad: list[BadRow] = []
    for line, row in _rows(path, NEEDED):
        try:
            if isinstance(row, _Bad):
                raise row
            record = _product(line, row)
        except _Bad as mistake:
            bad.append(BadRow(line, mistake.column, mistake.reason))
            continue
        if first := good.get(record.slug):
            bad.append(BadRow(line, "slug", f"“{record.slug}” is on line {first.line} already"))
        else:
            good[record.slug] = record
    return list(good.values()), bad


def read_shapes() -> list[ShapeRecord]:
    """The shapes of serial numbers that come with the portal."""
    with SHAPES.open(encoding="utf-8", newline="") as file:
        return [
            ShapeRecord(
                categories=tuple(row["categories"].split("; ")),
                period=row["period"],
                year_from=int(row["year_from"]) if row["year_from"] else None,
                year_to=int(row["year_to"]) if row["year_to"] else None,
                pattern=row["pattern"],
                use=ShapeUse(row["use"]).value,
                example=row["example"],
            )
            for row in csv.DictReader(file)
        ]


def shelf_of(category: str) -> Shelf | None:
    """The shelf of a category, None for an unknown category."""
    if shelf := SHELF_OF.get(category):
        return shelf
    return next(
        (shelf for family, shelf in SHELF_OF_FAMILY.items() if re.fullmatch(rf"{family}[a-z-]+", category)), None
    )


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str] | _Bad]]:
    # One line is one row, so that an unclosed quotation mark spoils one line and not the rest of the file.
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from error
    lines = re.split(r"\r\n|\r|\n", text)
    try:
        header = [name.strip() for name in next(csv.reader(lines[:1], strict=True), [])]
    except csv.Error as error:
        raise UnreadableFile(f"{path} does not begin with a line of column names: {error}.") from error
    if missing := [name for name in needed if name not in header]:
        raise UnreadableFile(f"{path} lacks these columns in its first line: {', '.join(missing)}.")
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            yield number, _cells(line, header)


def _cells(line: str, header: list[str]) -> dict[str, str] | _Bad:
    try:
        cells = next(csv.reader([line], strict=True))
    except csv.Error as error:
        return _Bad("", f"not a row of comma-separated values ({error})")
    if len(cells) != len(header):
        return _Bad("", f"has {len(cells)} columns, the first line has {len(header)}")
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
    for name, cell in row.items():
        if UNSTORABLE.search(cell):
            return _Bad(name, "holds something that is not UTF-8 text")
    return row


def _product(line: int, row: dict[str, str]) -> ProductRecord:
    shelf = shelf_of(row["category"])
    if shelf is None or len(row["category"]) > 40:
        raise _Bad("category", f"“{row['category']}” is not a known category")
    names = _names(row)
    points = _points(row)
    if not rules.points_fall(points):
        raise _Bad(
            "points", f"points only fall from stage to stage, and never to nothing: {', '.join(map(str, points))}"
        )
    is_accessory = row["category"].startswith("accessory-")
    return ProductRecord(
        line=line,
        slug=_text(row, "slug", 120, SLUG.fullmatch),
        names=names,
        successor=row["superseded_by"],
        superseded=_choice(row, "status", STATUSES) == "superseded",
        fields={
            "name": names[0],
            "category": row["category"],
            "shelf": shelf.value,
            "mount": _text(row, "mount", 20),
            "released_year": _number(row, "release_year", 1900, 2100),
            "released_month": _number(row, "release_month", 1, 12),
            "released_about": row.get("release_certainty") == "approximate",
            "discontinued_year": _number(row, "discontinued_year", 1900, 2100),
            "service_end_year": _number(row, "service_end_year", 1900, 2200),
            "fast_track_model": _choice(row, "pro", {"yes", "no"}) == "yes",
            "video_class": _choice(row, "video_class", {"", *VideoClass.values}),
            "serial_place": _choice(row, "serial_hint", set(SerialPlace.values)),
            "serial_optional": is_accessory or row["category"] == "camera-film-compact",
            "registrable": bool(points[0]) or row["category"] not in POWER,
            "points_current": points[0],
            "points_superseded": points[1],
            "points_unserviceable": points[2],
            "sample": _choice({"points_certainty": "assumed", **row}, "points_certainty", {"published", "assumed"})
            == "assumed",
        },
    )


def _names(row: dict[str, str]) -> tuple[str, ...]:
    """The name and the aliases, each once."""
    name = _text(row, "name", 120)
    if not rules.name_tokens(name):
        raise _Bad("name", "has no word or number by which it could be found")
    aliases = [alias.strip() for alias in row["aliases"].split(";")]
    if long := next((alias for alias in aliases if len(alias) > 120), None):
        raise _Bad("aliases", f"“{long[:30]}…” is longer than 120 characters")
    return tuple(dict.fromkeys([name, *(alias for alias in aliases if rules.name_tokens(alias))]))


def _points(row: dict[str, str]) -> tuple[int, int, int]:
    if empty := next((name for name in POINTS if not row[name]), None):
        raise _Bad(empty, "is empty; a product without points has 0")
    current, superseded, unserviceable = (_number(row, name, 0, MAX_POINTS) or 0 for name in POINTS)
    return current, superseded, unserviceable


def _text(row: dict[str, str], column: str, max_length: int, fits: Callable[[str], object] | None = None) -> str:
    text = row[column]
    if len(text) > max_length:
        raise _Bad(column, f"is longer than {max_length} characters")
    if fits and not fits(text):
        raise _Bad(column, f"“{text}” is not made of small letters, digits and hyphens")
    return text


def _number(row: dict[str, str], column: str, lowest: int, highest: int) -> int | None:
    text = row[column]
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and lowest <= int(text) <= highest):
        raise _Bad(column, f"“{text[:20]}” is not a whole number from {lowest} to {highest}")
    return int(text)


def _choice(row: dict[str, str], column: str, choices: set[str]) -> str:
    if row[column] not in choices:
        raise _Bad(column, f"“{row[column][:40]}” is not one of {', '.join(sorted(filter(None, choices)))}")
    return row[column]
