"""Who may open a stored file: who uploaded it, staff with the permission, and whom the room that uses it names."""

from collections.abc import Callable

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin

from cps_portal.core.files.models import StoredFile

Rule = Callable[[AbstractBaseUser, StoredFile], bool]
VIEW = "files.view_storedfile"
_rules: dict[str, Rule] = {}


def let_read(purpose: str, rule: Rule) -> None:
    """Let others read the files of a purpose too: an app says so when it is ready."""
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
