"""Registry of the functions that render a message at the moment it is sent."""

from collections.abc import Callable
from typing import Any, TypeVar

Renderer = Callable[..., dict[str, Any] | None]
R = TypeVar("R", bound=Renderer)

_renderers: dict[str, Renderer] = {}


def renderer(name: str) -> Callable[[R], R]:
    """Register a function of an app's `emails` or `webhooks` module, to be named in `rendered_later`.

    It takes primary keys and other JSON values by keyword and returns the payload of a mail or the `data` of a
    webhook, or None if there is nothing to send any more. The name is stored with waiting messages, so a renamed
    renderer can no longer render what was queued under the old name. Raises ValueError if the name is taken.
    """

    def register(function: R) -> R:
        if name in _renderers:
            raise ValueError(f"there is a renderer {name!r} already")
        _renderers[name] = function
        return function

    return register


def get_renderer(name: str) -> Renderer:
    """Raises ValueError if no renderer has this name."""
    if name not in _renderers:
        raise ValueError(f"there is no renderer {name!r}")
    return _renderers[name]
