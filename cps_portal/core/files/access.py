"""Who may open a stored file: the uploader, staff with the permission, and whom the app that uses the file allows."""

from collections.abc import Callable

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin

from cps_portal.core.files.models import StoredFile

Rule = Callable[[AbstractBaseUser, StoredFile], bool]
VIEW = "files.view_storedfile"
_rules: dict[str, Rule] = {}


def allow_readers(purpose: str, rule: Rule) -> None:
    """Register who else may read files of a purpose. Called by the `readers` module of an app."""
    _rules[purpose] = rule


def may_read(user: AbstractBaseUser | AnonymousUser, file: StoredFile) -> bool:
    if file.erased_at or not user.is_authenticated or not isinstance(user, AbstractBaseUser):
        return False
    if user.pk == file.owner_id:
        return True
    if isinstance(user, PermissionsMixin) and getattr(user, "is_staff", False) and user.has_perm(VIEW):
        return True
    rule = _rules.get(file.purpose)
    return rule is not None and rule(user, file)
