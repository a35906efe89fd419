"""Reads of the sandbox: whose sample data is whose, and whether the database belongs to real people."""

from django.db import connection
from django.db.models import Q, QuerySet

from cps_portal.core.partners.models import Partner
from cps_portal.sandbox.rules import RESERVED_DOMAINS, SAMPLE_DOMAIN
from members.models import Member, User


def sample_members(partner: Partner) -> QuerySet[Member]:
    """The sample members of a partner, the first one first."""
    rows = Member.objects.filter(user__email__endswith=f"@{partner.slug}.{SAMPLE_DOMAIN}", erased_at=None)
    return rows.select_related("user").order_by("pk")


def has_real_people() -> bool:
    """Whether somebody who is no staff has an address that mail reaches: then this is no sandbox.

    False before the tables are there.
    """
    if User._meta.db_table not in connection.introspection.table_names():
        return False
    reserved = Q()
    for domain in RESERVED_DOMAINS:
        reserved |= Q(email__iendswith=f"@{domain}") | Q(email__iendswith=f".{domain}")
    members = User.objects.filter(member__isnull=False, member__erased_at=None, is_staff=False)
    return members.exclude(reserved).exists()
