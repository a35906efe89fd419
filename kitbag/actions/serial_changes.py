"""A service centre replaced a product or its main board: the registration takes the new serial number (R64).

Date, points and history stay. If another member holds the new number, a claim decides (R32), and until then the
registration keeps the old one.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from cps_portal.core.lib.history_context import attributed_to
from cps_portal.core.lib.locks import lock_serials
from cps_portal.core.partners.models import Partner
from kitbag import rules
from kitbag.actions import claims, stolen_reports
from kitbag.actions.new_serials import apply_change, drop_change, save_change
from kitbag.actions.serials import check_product_serial
from kitbag.actions.transitions import find_holder, lock_registration, lock_registrations
from kitbag.enums import LIVE, SUBMITTED_STATES, RegistrationState, SerialChangeState
from kitbag.models import Product, Registration, SerialChange
from kitbag.presenters.texts import SERIAL_SENTENCES, serial_sentence
from kitbag.queries.serial_changes import is_replaced
from members.models import User

MAX_SERIAL_LENGTH = 40
FIELD = "serial"


@transaction.atomic
def change_serial(
    *,
    product: Product,
    registration: Registration | None,
    serial: str,
    new_serial: str,
    insisted: bool,
    by: User | None,
    partner: Partner | None,
    at: datetime,
) -> SerialChange:
    """Record that the product with the number `serial` has the number `new_serial` now.

    `insisted`: somebody has compared an unusual number with the product (R30). The claim is opened by a task, because
    the other member may not be locked in this transaction.
    Raises Refusal beside `serial`: `serial_…` as for members, `no_serial`, `same`, `replaced`, `stolen`,
    `own_duplicate`; `held` if nobody registered the product and another member holds the number.
    """
    key, new_key = rules.serial_key(serial), _checked_key(product, new_serial, insisted=insisted)
    if not key:
        raise Refusal("no_serial", _("This job has no serial number that could change."), FIELD)
    if key == new_key:
        raise Refusal("same", _("This is the number it had before. Type the new one."), FIELD)
    row = _locked(registration)
    lock_serials(product.pk)
    _require_free(product, row, key, new_key)
    holder = _find_holder(product, new_key, row)
    if holder and row is None:
        message = _("Somebody else has registered this number. Check it, and call support if it’s right.")
        raise Refusal("held", message, FIELD)
    change = SerialChange(
        product=product,
        registration=row,
        serial=serial,
        serial_key=key,
        new_serial=new_serial.strip(),
        new_key=new_key,
        state=SerialChangeState.CLAIMED if holder else SerialChangeState.APPLIED,
        by=by,
        partner=partner,
        at=at,
    )
    with attributed_to(by):
        save_change(change, row)
    return change


@transaction.atomic
def claim_serial(*, change: SerialChange, at: datetime) -> SerialChange:
    """Open the claim about the new number, or apply it if nobody holds it any more. Idempotent (R32)."""
    row = SerialChange.objects.select_related("registration", "product").get(pk=change.pk)
    registration = row.registration
    if registration is None or row.state != SerialChangeState.CLAIMED:
        return row
    holder = _find_holder(row.product, row.new_key, registration)
    if holder:
        locked, holder = lock_registrations(registration, holder)
    else:
        locked = lock_registration(registration)
    lock_serials(row.product_id)
    row = SerialChange.objects.select_for_update(of=("self",), no_key=True).select_related("claim").get(pk=change.pk)
    if row.state != SerialChangeState.CLAIMED or (row.claim and not row.claim.outcome):
        return row
    if locked.state != RegistrationState.VALIDATED:
        drop_change(row)
    elif holder and holder.state == RegistrationState.VALIDATED:
        row.claim = claims.open_serial_claim(row=locked, holder=holder, serial=row.new_serial, at=at)
        row.save(update_fields=["claim"])
    else:
        apply_change(row, locked)
    return row


# --- Steps -----------------------------------------------------------------------------------------


def _checked_key(product: Product, text: str, *, insisted: bool) -> str:
    """The key of a new number that passes the checks of members' numbers (R28 to R30)."""
    finding = check_product_serial(product, text)
    if finding.code and (finding.blocks or not insisted):
        raise Refusal(f"serial_{finding.code}", serial_sentence(finding), FIELD)
    key = rules.serial_key(text)
    if not key or max(len(key), len(text.strip())) > MAX_SERIAL_LENGTH:
        raise Refusal("serial_signs", SERIAL_SENTENCES["signs"], FIELD)
    return key


def _locked(registration: Registration | None) -> Registration | None:
    """The registration, locked; None if it has left the Kitbag."""
    row = lock_registration(registration) if registration else None
    return row if row and row.state in LIVE else None


def _require_free(product: Product, row: Registration | None, key: str, new_key: str) -> None:
    open_changes = SerialChange.objects.exclude(state=SerialChangeState.DROPPED).filter(product=product)
    if open_changes.filter(serial_key=key).exists():
        raise Refusal("replaced", _("The number of this job has been replaced already."), FIELD)
    if is_replaced(product.pk, new_key):
        message = _("A centre has replaced this number. Type the one that is on the product now.")
        raise Refusal("replaced", message, FIELD)
    if open_changes.filter(new_key=new_key).exists():
        raise Refusal("replaced", _("This is the new number of another product. Check it."), FIELD)
    if stolen_reports.find_report(product, new_key):
        raise Refusal("stolen", stolen_reports.CONTACT_US, FIELD)
    if row is None:
        return
    twins = Registration.objects.of(row.member).filter(product=product, serial_key=new_key, state__in=SUBMITTED_STATES)
    if twins.exclude(pk=row.pk).exists():
        raise Refusal("own_duplicate", _("The same customer has registered this number already. Check it."), FIELD)


def _find_holder(product: Product, new_key: str, row: Registration | None) -> Registration | None:
    """Who holds the new number. A registration that does not count yet is checked against it later (R19)."""
    if row and row.state != RegistrationState.VALIDATED:
        return None
    return find_holder(Registration(pk=row.pk if row else None, product=product, serial_key=new_key))
