"""A member's kit as a list for insurers and customs: PDF, .xlsx or CSV.

The columns are those of an ATA carnet, and the last service.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from cps_portal.core.lib.lists import with_commas
from cps_portal.core.lib.money import format_money
from cps_portal.core.lib.pdf import PreparedPdf, prepare_pdf
from cps_portal.core.lib.print_text import breakable, isolated, shortened
from cps_portal.core.lib.spreadsheets import escape_formula, write_workbook
from cps_portal.core.lib.text import latin_digits
from cps_portal.core.lib.written_dates import date_format
from kitbag.models import KitGroup, Registration, own_details
from kitbag.queries.last_service import last_service_days
from members.models import Member

MAKE = "Canon"
SHEET_WIDTHS = (5, 16, 8, 34, 18, 16, 34, 20, 16, 9, 12, 9, 16)  # of the .xlsx, in characters
MAX_PRINTED = 2000  # products on paper
MAX_STORE_LENGTH, MAX_WORD_IN_CELL = 80, 14  # letters: of the name of a store; of a word that a column has room for


@dataclass(frozen=True)
class ListItem:
    """One line of the list."""

    number: int
    description: str
    model: str
    serial: str
    purchased_on: date | None
    store: str
    country: str
    serviced_on: date | None = None
    country_code: str = ""
    price: Decimal | None = None
    currency: str = ""


def kit_list_items(member: Member, group: KitGroup | None = None) -> list[ListItem]:
    """Everything in the Kitbag, or in a group, in one query, and one for the last service of each product."""
    serviced_on = last_service_days(member)
    registrations = Registration.objects.of(member).live().select_related("product", "owner_details")
    if group:
        registrations = registrations.filter(owner_details__group=group)
    return [
        ListItem(
            number=number,
            description=str(registration.product.get_shelf_display()),
            model=registration.product.name,
            serial=latin_digits(registration.serial),
            purchased_on=registration.purchased_on,
            store=registration.store,
            country=str(registration.country.name) if registration.country else "",
            serviced_on=serviced_on.get(registration.pk),
            country_code=registration.country.code if registration.country else "",
            price=own.price if (own := own_details(registration)) else None,
            currency=own.currency if own else "",
        )
        for number, registration in enumerate(registrations.order_by("product__shelf", "product__name", "pk"), start=1)
    ]


def headings() -> list[str]:
    return [
        _("No."),
        _("Description"),
        pgettext("column", "Make"),
        _("Model"),
        _("Serial number"),
        _("Date of purchase"),
        _("Store"),
        _("Country of purchase"),
        _("Last service"),
        _("Quantity"),
        _("Value"),
        _("Currency"),
        _("Country of origin"),
    ]


def as_xlsx(items: Iterable[ListItem]) -> bytes:
    """For spreadsheets: all cells are text, so that serial numbers keep their leading zeros. Ends with the totals."""
    items = list(items)
    rows = [_cells(item, _iso_day) for item in items]
    rows += [_total_cells(total, currency) for currency, total in totals(items).items()]
    return write_workbook(headings(), rows, widths=SHEET_WIDTHS)


def totals(items: Iterable[ListItem]) -> dict[str, Decimal]:
    """What was paid, by currency in the order of their codes."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for item in items:
        if item.price is not None:
            sums[item.currency] += item.price
    return dict(sorted(sums.items()))


def as_csv(items: Iterable[ListItem]) -> bytes:
    """For programs: a spreadsheet takes serial numbers for numbers and drops their leading zeros.

    UTF-8 with a byte order mark, because Excel reads the text as Latin-1 without one. No cell is a formula.
    """
    output = io.StringIO()
    writer = csv.writer(output)
    writer.writerow(headings())
    for item in items:
        writer.writerow([escape_formula(cell) for cell in _cells(item, _iso_day)])
    return output.getvalue().encode("utf-8-sig")


def as_pdf(items: Sequence[ListItem], *, member: Member, at: datetime, group: KitGroup | None = None) -> PreparedPdf:
    """A4, in families with how many are in each, with the headings on every page, and lines to sign and stamp.

    Lists the first MAX_PRINTED and says how many are missing.
    """
    printed = items[:MAX_PRINTED]
    day = date_format(at, "j F Y")
    owner, number = isolated(member.full_name), member.number_in_groups
    families = [
        {"name": description, "rows": [_printed_row(item) for item in rows]}
        for description, group in groupby(printed, key=lambda item: item.description)
        if (rows := list(group))
    ]
    for family in families:
        family["count"] = _count(len(family["rows"]))
    since = _("Member since %(month)s") % {"month": date_format(member.joined_at, "F Y")}
    return prepare_pdf(
        "kit-list",
        {
            "title": _("Kit list for insurance and customs"),
            "author": member.full_name,
            "bar": [number, day],
            "lead": _lead(owner, date_format(at, "j F Y, H:i"), group),
            "facts": [
                {"name": _("Owner"), "value": member.full_name},
                {"name": _("Member"), "value": number, "note": since},
                _printed_total(items),
            ],
            "head": _printed_headings(),
            "families": families,
            "total": _("%(items)s, total") % {"items": _count(len(items))},
            "sums": [format_money(total, currency) for currency, total in totals(items).items()],
            "note_title": _("How to read this"),
            "notes": _notes(len(items) - len(printed)),
            "signatures": [
                _("Owner, date and signature"),
                _("Customs, stamp going out"),
                _("Customs, stamp coming back"),
            ],
            "foot": _("Kit list of %(name)s, %(number)s, %(day)s") % {"name": owner, "number": number, "day": day},
        },
    )


def _lead(owner: str, moment: str, group: KitGroup | None) -> str:
    if group is None:
        return _("From the Kitbag of %(name)s, %(moment)s.") % {"name": owner, "moment": moment}
    words = {"group": isolated(group.name), "name": owner, "moment": moment}
    return _("%(group)s: a part of the Kitbag of %(name)s, %(moment)s.") % words


def _printed_total(items: Sequence[ListItem]) -> dict[str, object]:
    """The value in each currency, with how many there are and have no price; without prices only how many."""
    sums = [format_money(total, currency) for currency, total in totals(items).items()]
    if not sums:
        return {"name": _("Total"), "value": _count(len(items)), "big": True}
    missing = sum(item.price is None for item in items)
    note = ngettext("%(items)s, %(n)s without a price", "%(items)s, %(n)s without a price", missing)
    counted = note % {"items": _count(len(items)), "n": intcomma(missing)} if missing else _count(len(items))
    return {"name": _("Total"), "value": "\n".join(sums), "note": counted, "big": len(sums) == 1}


def _printed_headings() -> list[str]:
    return [
        _("No."),
        _("Product"),
        _("Serial number"),
        _("Bought"),
        _("Where"),
        _("Made in"),
        _("Weight"),
        _("Value"),
    ]


def _printed_row(item: ListItem) -> dict[str, str]:
    serviced = _("Last service: %(day)s") % {"day": _printed_day(item.serviced_on)} if item.serviced_on else ""
    store = breakable(shortened(item.store, MAX_STORE_LENGTH), MAX_WORD_IN_CELL)
    return {
        "number": str(item.number),
        "name": item.model,
        "note": serviced,
        "serial": breakable(item.serial, MAX_WORD_IN_CELL),
        "bought": _printed_day(item.purchased_on).replace(" ", "\u00a0"),
        "where": with_commas([isolated(store), item.country_code]),
        "value": format_money(item.price, item.currency) if item.price is not None else "",
    }


def _count(number: int) -> str:
    return ngettext("%(n)s item", "%(n)s items", number) % {"n": intcomma(number)}


def _notes(missing: int) -> list[str]:
    notes = [
        _("Each line is one piece, made by Canon. Serial numbers and purchases are as the owner registered them."),
        _("Values are what the owner says they paid; CPS doesn’t value kit."),
        _("Country of origin, weight and missing values are for the owner to fill in."),
    ]
    if missing:
        text = ngettext(
            "%(n)s more item is not printed here. Take the list as a spreadsheet from the Kitbag.",
            "%(n)s more items are not printed here. Take the list as a spreadsheet from the Kitbag.",
            missing,
        )
        notes.append(text % {"n": intcomma(missing)})
    return notes


def _iso_day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _printed_day(day: date | None) -> str:
    return date_format(day, "j M Y") if day else ""


def _cells(item: ListItem, write_day: Callable[[date | None], str]) -> list[str]:
    """Country of origin stays empty: the owner fills it in."""
    return [
        str(item.number),
        item.description,
        MAKE,
        item.model,
        item.serial,
        write_day(item.purchased_on),
        item.store,
        item.country,
        write_day(item.serviced_on),
        "1",
        str(item.price) if item.price is not None else "",
        item.currency,
        "",
    ]


def _total_cells(total: Decimal, currency: str) -> list[str]:
    cells = [""] * len(SHEET_WIDTHS)
    cells[1], cells[-3], cells[-2] = _("Total"), str(total), currency
    return cells
