"""Groups of a member's products under names of theirs, such as "Studio" (R18)."""

from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.errors import Refusal
from kitbag.models import KitGroup, OwnerDetails, Registration
from members.models import Member


@transaction.atomic
def add_group(*, member: Member, name: str) -> KitGroup:
    """Raises Refusal beside `name`: `taken`, `many`."""
    Member.objects.locked().get(pk=member.pk)
    _check_name(member, name)
    if KitGroup.objects.filter(member=member).count() >= settings.KIT_GROUPS_MAX:
        raise Refusal(
            "many",
            _("You can have up to %(most)s groups. Delete one that you no longer need.")
            % {"most": settings.KIT_GROUPS_MAX},
            "name",
        )
    return KitGroup.objects.create(member=member, name=name)


@transaction.atomic
def change_group(*, group: KitGroup, name: str, products: Collection[int]) -> KitGroup:
    """Give the group this name, and put in it exactly these products of the Kitbag, by the keys of registrations.

    They leave the group that they are in. Raises Refusal beside `name`: `taken`.
    """
    Member.objects.locked().get(pk=group.member_id)
    _check_name(group.member, name, but=group.pk)
    group.name = name
    group.save(update_fields=["name"])
    chosen = Registration.objects.of(group.member).live().filter(pk__in=products)
    OwnerDetails.objects.filter(group=group).exclude(registration__in=chosen).update(group=None)
    OwnerDetails.objects.filter(registration__in=chosen).update(group=group)
    OwnerDetails.objects.bulk_create(
        OwnerDetails(registration=row, group=group) for row in chosen.filter(owner_details=None).order_by("pk")
    )
    return group


@transaction.atomic
def delete_group(*, group: KitGroup) -> None:
    """The products stay in the Kitbag."""
    Member.objects.locked().get(pk=group.member_id)
    group.delete()


def find_same_group(group: KitGroup | None, member: Member) -> KitGroup | None:
    """The group of this name in another account of the same person, made if there is none."""
    if group is None:
        return None
    same = KitGroup.objects.filter(member=member, name__iexact=group.name).first()
    return same or KitGroup.objects.create(member=member, name=group.name)


def _check_name(member: Member, name: str, but: int = 0) -> None:
    if KitGroup.objects.filter(member=member, name__iexact=name).exclude(pk=but).exists():
        raise Refusal("taken", _("You have a group of this name already. Choose another one."), "name")
