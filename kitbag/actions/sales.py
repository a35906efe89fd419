"""Sales confirmed by retailers, and which reviews they make unnecessary (R19, R55).

A sale matches a registration with the same product, serial number and country if the dates are at most a week apart.
Then no person has to look at an unusual serial number, a date before the release, a random sample or earlier refusals.
A sale before the release is refused, so one that matches shows that the product was out (R66). A sale proves nothing
about theft (R34) or about another holder of the serial number (R32), and it does not replace evidence that staff asked
for. A sale that does not match says nothing about the registration.

Both are processed after their own commit, so that whichever comes second sees the other.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.background import after_commit
from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.locks import lock_sales
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.models import Partner
from kitbag import rules
from kitbag.actions.serials import check_product_serial
from kitbag.enums import ReviewReason, SaleWithdrawal
from kitbag.models import Product, Registration, Sale
from kitbag.presenters.texts import release_sentence, serial_sentence

WAIVED_BY_SALE = (ReviewReason.SHAPE, ReviewReason.DATE, ReviewReason.SAMPLE, ReviewReason.REFUSALS)
UNUSUAL_SHAPE = "shape"  # not refused: some genuine numbers have one (R30)
MAX_AGE = timedelta(days=10 * 366)
MAX_AHEAD_OF_UTC = timedelta(hours=14)  # the easternmost time zone is UTC+14
MATCHED, WITHDRAWN = "sale.matched", "sale.withdrawn"


def lock_numbers(*, partner: Partner, numbers: Iterable[tuple[int, str, str]]) -> None:
    """Keep others from confirming sales with these numbers until the transaction ends.

    `numbers` are (key of the product, serial number, external_id). Before several sales are confirmed in one
    transaction, all of theirs are locked together, because their order may be another one in each transaction.
    """
    names = [
        [f"{partner.pk} {external_id}", f"{product} serial {rules.serial_key(serial)}"]
        for product, serial, external_id in numbers
    ]
    lock_sales(name for of_one in names for name in of_one)


@transaction.atomic
def confirm_sale(
    *,
    partner: Partner,
    external_id: str,
    product: Product,
    serial: str,
    country: str,
    sold_on: date,
    receipt: str,
    at: datetime,
) -> tuple[Sale, bool]:
    """Record a sale; a task then validates the registration that it matches. Returns the sale and whether it is new.

    Idempotent: the same sale again, by its `external_id` or by all its details, returns the first one. Raises Refusal:
    `differs` if its number belongs to a sale with other details, `standing` if the serial number has a sale already
    that is not withdrawn, `serial_...` for what is no serial number of this product (R29), `registrable`, `sold_on`,
    `before_release` (R66).
    """
    sale = Sale(
        partner=partner,
        external_id=external_id,
        product=product,
        serial=serial.strip(),
        serial_key=rules.serial_key(serial),
        country=country,
        sold_on=sold_on,
        receipt=receipt.strip(),
        confirmed_at=at,
    )
    lock_numbers(partner=partner, numbers=[(product.pk, serial, external_id)])
    if earlier := _find_earlier(sale):
        return earlier, False
    _require_plausible(sale, at)
    sale.save(force_insert=True)
    after_commit("kitbag.match_sale", sale.pk)
    return sale, True


def _find_earlier(sale: Sale) -> Sale | None:
    """The same sale, if the partner has confirmed it before. Raises Refusal: `differs`, `standing`."""
    if earlier := Sale.objects.filter(partner=sale.partner, external_id=sale.external_id).first():
        if _facts(earlier) != _facts(sale):
            raise Refusal(
                "differs",
                _("You confirmed another sale with this number. Withdraw that one, or send a new number."),
                "external_id",
            )
        return earlier
    standing = Sale.objects.active().filter(product=sale.product, serial_key=sale.serial_key).first()
    if standing is None:
        return None
    if standing.partner_id != sale.partner_id:
        raise Refusal("standing", _("There is already a sale of this serial number."), "serial")
    if _facts(standing) != _facts(sale):
        raise Refusal(
            "standing",
            _("You confirmed a sale of this serial number as %(number)s. Withdraw that one if the product came back.")
            % {"number": standing.external_id},
            "serial",
        )
    return standing


def _facts(sale: Sale) -> tuple[object, ...]:
    return sale.product_id, sale.serial_key, str(sale.country), sale.sold_on, sale.receipt


def _require_plausible(sale: Sale, at: datetime) -> None:
    finding = check_product_serial(sale.product, sale.serial)
    if finding.code and finding.code != UNUSUAL_SHAPE:
        raise Refusal(f"serial_{finding.code}", serial_sentence(finding), "serial")
    if not sale.product.registrable:
        raise Refusal("registrable", _("This product cannot be registered."), "product")
    if not at.date() - MAX_AGE <= sale.sold_on <= (at + MAX_AHEAD_OF_UTC).date():
        raise Refusal("sold_on", _("This day is in the future or too long ago. Check the year."), "sold_on")
    if sale.product.release_date.is_after(sale.sold_on):
        raise Refusal("before_release", release_sentence(sale.product, on=at.date()), "sold_on")


@transaction.atomic
def withdraw_sale(*, sale: Sale, why: SaleWithdrawal, at: datetime) -> Sale:
    """Withdraw a sale that a retailer confirmed. Idempotent.

    A matched registration still counts, because only a person may take points away (R21). Staff find the registrations
    that counted without a review because of this sale in the list of sales.
    """
    row = Sale.objects.select_for_update(of=("self",), no_key=True).select_related("partner").get(pk=sale.pk)
    if row.withdrawn_at is None:
        row.withdrawn_at, row.why_withdrawn = at, why
        row.save(update_fields=["withdrawn_at", "why_withdrawn"])
        _announce(row, WITHDRAWN, at)
    return row


def find_matching_sale(row: Registration) -> Sale | None:
    """The confirmed sale that matches a registration, or None."""
    if not row.serial_key or row.purchased_on is None:
        return None
    sales = Sale.objects.fitting(row.product_id, row.serial_key, row.country.code or "", row.purchased_on)
    return sales.select_related("partner").first()


def record_match(*, sale: Sale, registration: Registration, settled: str, at: datetime) -> None:
    """Link a sale to the validated registration that it matches, and notify the partner. Idempotent.

    `settled` is the review reason that the sale made unnecessary, or "". The caller has locked the registration.
    """
    unmatched = Sale.objects.select_for_update(of=("self",), no_key=True).filter(registration=None, withdrawn_at=None)
    row = unmatched.filter(pk=sale.pk).first()
    if row is None:
        return
    row.registration, row.matched_at, row.settled = registration, at, settled
    row.save(update_fields=["registration", "matched_at", "settled"])
    _announce(row, MATCHED, at)


def unmatched_sales(*, limit: int = 200) -> list[int]:
    """The keys of sales with a matching registration that were not matched: their task was lost."""
    return list(Sale.objects.to_match().order_by("pk").values_list("pk", flat=True)[:limit])


def _announce(row: Sale, type: str, at: datetime) -> None:  # noqa: A002
    partners.enqueue_webhook(
        partner=row.partner,
        type=type,
        key=f"{type.replace('.', '-')}-{row.pk}",
        subject=f"sales/{row.pk}",
        sequence=1 if type == MATCHED else 2,
        renderer="kitbag.partner_sale",
        at=at,
        sale=row.pk,
    )
