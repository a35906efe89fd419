"""What a page that shows the next item by itself says of itself: what it shows, has loaded and has passed (R54)."""

from django.http import HttpRequest

MAX_KEYS = 200  # that a browser says it has shown or loaded
MAX_KEY = 2**63 - 1


def has_loaded(request: HttpRequest) -> bool:
    """Whether a script asks, which shows the next item by itself."""
    return "shown" in request.POST


def keys_in(request: HttpRequest, name: str) -> list[int]:
    """The keys in a field of the form, like "3,17"; what is none is left out."""
    keys = [int(key) for key in request.POST.get(name, "").split(",") if key.isascii() and key.isdigit()]
    return [key for key in keys[-MAX_KEYS:] if key <= MAX_KEY]
