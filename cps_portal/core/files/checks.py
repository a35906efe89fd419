"""System check: uploads must not be in a folder that the web server serves."""

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
    for folder in filter(None, served):
        if root.is_relative_to(Path(str(folder)).resolve()):
            text = f"FILES_ROOT is inside {folder}, which is public."
            return [Error(text, hint="Choose another folder.", id="files.E001")]
    return []
