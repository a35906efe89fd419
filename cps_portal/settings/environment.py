"""Reads what `cps_portal/settings/variables.py` declares from the environment of the process.

An empty value counts as none. A missing or bad value raises ImproperlyConfigured at start, which says what is needed.
"""

import os
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from cps_portal.settings.kinds import Variable
from cps_portal.settings.variables import GROUPS

VARIABLES = {variable.name: variable for group in GROUPS.values() for variable in group}


def env(name: str) -> Any:
    """The value of a declared variable, read as its kind says; an undeclared name raises KeyError."""
    variable = VARIABLES[name]
    text = os.environ.get(name, "").strip()
    if not text and variable.falls_back_to:
        return env(variable.falls_back_to)
    if text:
        return _read(variable, text)
    if variable.default is None:
        raise ImproperlyConfigured(_say_what_is_missing())
    return _read(variable, variable.default)


def _read(variable: Variable, text: str) -> Any:
    try:
        return variable.kind.read(text)
    except (ValueError, KeyError, ImproperlyConfigured):  # the last one by django-environ, without the name
        value = "its value" if variable.is_secret else repr(text)
        raise ImproperlyConfigured(
            f"{variable.name}: {value} is not what it has to be: {variable.kind.name} ({variable.meaning})."
        ) from None


def _say_what_is_missing() -> str:
    """All at once: nobody wants to start seven times."""
    missing = [
        f"{variable.name} ({variable.meaning})"
        for variable in VARIABLES.values()
        if variable.default is None and not os.environ.get(variable.name, "").strip()
    ]
    return "Set these environment variables: " + "; ".join(missing) + ". See docs/configuration.md."
