"""Settings that would put strangers' files where anybody finds them are refused at start."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error


def files_are_outside_the_web_root(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    location = settings.STORAGES["files"].get("OPTIONS", {}).get("location")
    if not location:
        return []
    root = Path(str(location)).resolve()
    served = [settings.STATIC_ROOT, settings.MEDIA_ROOT, *settings.STATICFILES_DIRS]
    for place in filter(None, served):
        if root.is_relative_to(Path(str(place)).resolve()):
            text = f"FILES_ROOT lies under {place}, which is served to everybody."
            return [Error(text, hint="Choose a folder of its own.", id="files.E001")]
    return []
