"""Whether it is settled who pays: chargeable work does not start before (R62, R63)."""

from servicing.enums import Charge, EventKind, Warranty

E = EventKind
GATED = (E.PART_ORDERED, E.REPAIR_STARTED)  # what costs the customer something if nobody else pays
SETTLED = (Charge.WARRANTY, Charge.NO_CHARGE, Charge.APPROVED)


def charge_after(charge: Charge, kind: str, warranty: str = "") -> Charge:
    """Who pays after an event; `warranty` is the decision that `warranty_decided` carries.

    A further estimate leaves an approval as it is, because the work that was approved may go on; declining ends it.
    """
    if kind == E.WARRANTY_DECIDED:
        if warranty == Warranty.IN_WARRANTY:
            return Charge.WARRANTY
        return Charge.OPEN if charge == Charge.WARRANTY else charge
    if kind == E.OTHER_FAULT:  # the last repair does not cover it (R63)
        return Charge.OPEN if charge == Charge.NO_CHARGE else charge
    by_kind = {
        E.ESTIMATE_APPROVED: Charge.APPROVED,
        E.ESTIMATE_DECLINED: Charge.DECLINED,
        E.NO_CHARGE: Charge.NO_CHARGE,
    }
    return by_kind.get(E(kind), charge)


def is_allowed(charge: Charge, kind: str) -> bool:
    """Whether an event of this kind may happen while this is settled about who pays."""
    if kind == E.OTHER_FAULT:
        return charge == Charge.NO_CHARGE
    return kind not in GATED or charge in SETTLED
