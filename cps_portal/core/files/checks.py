"""System check: uploads must not be in a folder that the web server serves."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error


def files_are_outside_the_web_root(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    served = [settings.STATIC_ROOT, settings.MEDIA_ROOT, *settings.STATICFILES_DIRS]
    return [
        Error(f"{variable} is inside {folder}, which is public.", hint="Choose another folder.", id="files.E001")
        for variable, name in (("FILES_ROOT", "files"), ("ERASURES_ROOT", "erasures"))
        if (location := settings.STORAGES[name].get("OPTIONS", {}).get("location"))
        for folder in filter(None, served)
        if Path(str(location)).resolve().is_relative_to(Path(str(folder)).resolve())
    ]
