"""What a member keeps about a product for themselves: a photo instead of its drawing, the price paid, a group (R25)."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files import actions as files
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.errors import Refusal
from kitbag.actions.kit_groups import find_same_group
from kitbag.actions.transitions import lock_registration
from kitbag.models import Evidence, KitGroup, OwnerDetails, Registration
from members.models import Member, User

PURPOSE = "product_photo"


def set_photo(
    *, registration: Registration, upload: "UploadedFile[bytes]", by: User, at: datetime, field: str = "photo"
) -> OwnerDetails:
    """Show this photo instead of the drawing. The one before is erased.

    Call it outside a transaction, because stored content would outlive a rollback without its row. Raises Refusal
    beside `field`: `owner`, `gone`, and as `store_photo` in files.
    """
    try:
        _check(registration, by)
        photo, thumbnail = files.store_photo(upload=upload, purpose=PURPOSE, by=by, at=at)
        return _attach_photo(registration, photo, thumbnail, by, at)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.message, field) from refusal


@transaction.atomic
def _attach_photo(
    registration: Registration, photo: StoredFile, thumbnail: StoredFile, by: User, at: datetime
) -> OwnerDetails:
    details = _locked_details(registration, by)
    former = [details.photo, details.thumbnail]
    files.attach(files=[photo, thumbnail], at=at)
    details.photo, details.thumbnail = photo, thumbnail
    details.save(update_fields=["photo", "thumbnail"])
    _erase(former, at)
    return details


@transaction.atomic
def remove_photo(*, registration: Registration, by: User, at: datetime) -> bool:
    """Show the drawing again. Returns False if there is no photo. Raises Refusal: `owner`, `gone`."""
    details = _locked_details(registration, by)
    former = [details.photo, details.thumbnail]
    details.photo = details.thumbnail = None
    details.save(update_fields=["photo", "thumbnail"])
    return _erase(former, at)


@transaction.atomic
def set_price(
    *, registration: Registration, price: Decimal | None, currency: str, proof: Evidence | None, by: User
) -> OwnerDetails:
    """Keep what was paid, in a currency by its three letters, and which evidence proves it; None forgets both.

    Raises Refusal: `owner`, `gone`, and beside `proof`: `proof` (it is evidence for another product, or erased).
    """
    details = _locked_details(registration, by)
    if proof and not Evidence.objects.about(registration).proofs().filter(pk=proof.pk).exists():
        raise Refusal("proof", _("This file is no longer there. Choose another one."), "proof")
    details.price, details.currency = price, currency if price is not None else ""
    details.proof = proof if price is not None else None
    details.save(update_fields=["price", "currency", "proof"])
    return details


@transaction.atomic
def set_group(*, registration: Registration, group: KitGroup | None, by: User) -> OwnerDetails:
    """Put it into a group of the member, or into none. Raises Refusal: `owner`, `gone`, and beside `group`: `group`."""
    details = _locked_details(registration, by)
    if group and not KitGroup.objects.filter(pk=group.pk, member=registration.member_id).exists():
        raise Refusal("group", _("This group is no longer there. Choose another one."), "group")
    details.group = group
    details.save(update_fields=["group"])
    return details


@transaction.atomic
def delete_details(*, details: OwnerDetails, at: datetime) -> None:
    """Erase the photo and delete the row: for a product that has left the Kitbag, or an account that is erased."""
    former = [details.photo, details.thumbnail]
    details.delete()
    _erase(former, at)


def delete_details_of(*, member: Member, at: datetime) -> None:
    """All of a member, and their groups. The caller has locked the member."""
    for details in _with_files().filter(registration__member=member).order_by("pk"):
        delete_details(details=details, at=at)
    KitGroup.objects.filter(member=member).delete()


def forget_ended(*, at: datetime, limit: int) -> int:
    """Delete those of products that left the Kitbag, once a removal can't be undone any more. Returns how many."""
    left = at - timedelta(days=settings.REMOVAL_UNDO_DAYS)
    rows = _with_files().filter(registration__ended_at__lt=left).order_by("pk")
    for details in (batch := list(rows[:limit])):
        delete_details(details=details, at=at)
    return len(batch)


def move_details(*, registration: Registration, to: Registration) -> None:
    """Give them to the registration that counts instead, of another account of the same person, with their files.

    Its group becomes the one of the same name there. The proof stays evidence for the registration that ended.
    """
    details = _with_files().filter(registration=registration).first()
    if details is None or OwnerDetails.objects.filter(registration=to).exists():
        return
    details.registration, details.group = to, find_same_group(details.group, to.member)
    details.save(update_fields=["registration", "group"])
    keys = [file.pk for file in (details.photo, details.thumbnail) if file]
    StoredFile.objects.filter(pk__in=keys).update(owner=to.member.user_id)


def _with_files() -> QuerySet[OwnerDetails]:
    return OwnerDetails.objects.select_related("photo", "thumbnail")


def _locked_details(registration: Registration, by: User) -> OwnerDetails:
    row = lock_registration(registration)
    _check(row, by)
    details, _created = _with_files().get_or_create(registration=row)
    return details


def _check(row: Registration, by: User) -> None:
    if row.member.user_id != by.pk:
        raise Refusal("owner", _("This is not in your Kitbag."))
    if not row.is_live:
        raise Refusal("gone", _("This product is no longer in your Kitbag."))


def _erase(former: list[StoredFile | None], at: datetime) -> bool:
    """Last: an error before that must not leave a row whose content is gone. Returns whether there was any."""
    erased = [files.erase(file=file, at=at) for file in former if file]
    return any(erased)
