"""The validator of new passwords (AUTH_PASSWORD_VALIDATORS): says in plain words what to do. Not used at sign-in."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
)
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from members.models import User
from members.rules.passwords import Weakness, find_weakness

Part = MinimumLengthValidator | CommonPasswordValidator | UserAttributeSimilarityValidator

USE_UNRELATED_WORDS = _("Put a few words together that have nothing to do with each other.")
REASONS = {
    Weakness.OWN_WORDS: _("That’s mostly your name, your address or words about us, which others try first."),
    Weakness.COMMON: _("Many people use a password like that one, so it’s tried first."),
    Weakness.KEYBOARD: _("Keys that are side by side are easy to guess."),
    Weakness.REPEATED: _("The same signs again and again are easy to guess."),
    Weakness.IN_ORDER: _("Letters or digits in their usual order are easy to guess."),
    Weakness.DATE: _("Dates and years are easy to guess."),
    Weakness.SHORT_WORDS: _("That’s easy to guess."),
}


def _sentence(reason: str | Promise) -> str:
    return f"{reason} {USE_UNRELATED_WORDS}"


def words_of_person(user: User | None) -> list[str]:
    """The address, names and member number; what is not known yet is left out."""
    if user is None:
        return []
    member = getattr(user, "member", None) if user.pk else None
    return [user.email or "", *([member.first_name, member.last_name, member.number] if member else [])]


def refuse_guessable(password: str, words: Iterable[str]) -> None:
    """Raises ValidationError with a sentence if it is easy to guess for who knows the service and these words."""
    if weakness := find_weakness(password, [*settings.PASSWORD_SERVICE_WORDS, *words]):
        raise ValidationError(_sentence(REASONS[weakness]), code="password_guessable")


class LengthValidator(MinimumLengthValidator):
    def get_error_message(self) -> str:
        sentence = ngettext(
            "That’s too short. Use at least %(n)d character: a short sentence is fine.",
            "That’s too short. Use at least %(n)d characters: a short sentence is fine.",
            self.min_length,
        )
        return sentence % {"n": self.min_length}


class CommonValidator(CommonPasswordValidator):
    def get_error_message(self) -> str:
        return _sentence(REASONS[Weakness.COMMON])


class SimilarityValidator(UserAttributeSimilarityValidator):
    def get_error_message(self) -> str:
        return _sentence(REASONS[Weakness.OWN_WORDS])


class NewPasswordValidator:
    """Refuses what is short, common, like the address, or easy to guess: the first reason only, with what to do."""

    def __init__(self, min_length: int) -> None:
        self._parts: list[Part] = [LengthValidator(min_length), CommonValidator(), SimilarityValidator(("email",))]

    def validate(self, password: str, user: User | None = None) -> None:
        for part in self._parts:
            part.validate(password, user)
        refuse_guessable(password, words_of_person(user))

    def get_help_text(self) -> str:
        return str(USE_UNRELATED_WORDS)
