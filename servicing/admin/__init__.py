"""The centres' desk and what staff see of it."""

from servicing.admin import centres

__all__ = ["centres"]
