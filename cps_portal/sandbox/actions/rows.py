"""Find everything that hangs on the sample people of a partner, and delete it. Never a row that others share."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pgtrigger
from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model

from cps_portal.core.lib.history import expiring_trail
from cps_portal.core.lib.locks import require_transaction
from cps_portal.core.partners.models import Partner
from kitbag.models import Registration, Sale
from members.models import Member, User
from servicing.models import Parcel, ServiceCentre, Shipment, Ticket, VisitingMember

Rows = Mapping[type[Model], set[Any]]


def samples_of(partner: Partner, users: Iterable[int]) -> Rows:
    """Everything that hangs on these accounts, and on the partner's visiting members and sales."""
    return _tree(
        {
            User: set(users),
            VisitingMember: set(VisitingMember.objects.filter(partner=partner).values_list("pk", flat=True)),
            Sale: set(Sale.objects.filter(partner=partner).values_list("pk", flat=True)),
        }
    )


def _tree(roots: Rows) -> Rows:
    """The roots, and all rows that refer to them, to those, and so on; by model."""
    found: dict[type[Model], set[Any]] = defaultdict(set)
    waiting = [(model, keys) for model, keys in roots.items() if keys]
    while waiting:
        model, keys = waiting.pop()
        new = keys - found[model]
        if not new:
            continue
        found[model] |= new
        for child, name in _references_to(model):
            rows = child._base_manager.filter(**{f"{name}__in": new}).values_list("pk", flat=True)
            waiting.append((child, set(rows)))
    return {model: keys for model, keys in found.items() if keys}


@cache
def _references_to(target: type[Model]) -> list[tuple[type[Model], str]]:
    """The foreign keys that lead to a model, also those of its history and of tables between."""
    return [
        (model, field.name)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
        for field in model._meta.local_concrete_fields
        if isinstance(field, ForeignKey) and field.related_model is target
    ]


def is_shared(rows: Rows, partner: Partner) -> bool:
    """Whether one of the rows also belongs to another partner, to its centre, or to a member who is not among them."""
    for model, keys in rows.items():
        found = model._base_manager.filter(pk__in=keys)
        for field in model._meta.local_concrete_fields:
            if not isinstance(field, ForeignKey):
                continue
            others = found.exclude(**{field.name: None})
            if field.related_model is Partner:
                others = others.exclude(**{field.name: partner})
            elif field.related_model is ServiceCentre:
                others = others.exclude(**{f"{field.name}__partner": partner})
            elif field.related_model in (Member, Registration):
                others = others.exclude(**{f"{field.name}__in": rows.get(field.related_model, set())})
            else:
                continue
            if others.exists():
                return True
    return False


def delete_rows(rows: Rows) -> int:
    """Delete these rows and the parcels that become empty, in an open transaction. Returns how many.

    Logs that are append-only are opened for this transaction alone: their triggers are told to stand aside by
    pgtrigger, and the trail by the setting that lets it expire. PostgreSQL checks all foreign keys at the end.
    """
    require_transaction("delete_rows")
    tickets = rows.get(Ticket, set())
    parcels = list(Parcel.objects.filter(tickets__in=tickets).values_list("pk", flat=True))
    shipments = list(Shipment.objects.filter(tickets__in=tickets).values_list("pk", flat=True))
    with expiring_trail(), pgtrigger.ignore(*_append_only(rows)), connection.cursor() as cursor:
        for model, keys in rows.items():
            table, column = (connection.ops.quote_name(name) for name in (model._meta.db_table, _key_of(model)))
            cursor.execute(f"delete from {table} where {column} = any(%s)", [list(keys)])  # noqa: S608 (names of our tables)
    count = sum(map(len, rows.values()))
    count += Shipment.objects.filter(pk__in=shipments, tickets=None).delete()[0]
    count += Parcel.objects.filter(pk__in=parcels, tickets=None).delete()[0]
    connection.check_constraints()  # here, where it can be said what was forgotten, and not at the commit
    return count


def _key_of(model: type[Model]) -> str:
    return str(model._meta.pk.column) if model._meta.pk else "id"


def _append_only(models: Iterable[type[Model]]) -> list[str]:
    """The triggers of these models that refuse changes, by their addresses in pgtrigger."""
    return [
        f"{model._meta.label}:{trigger.name}"
        for model in models
        for trigger in getattr(model._meta, "triggers", [])
        if trigger.name == "append_only"
    ]
