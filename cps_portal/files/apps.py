from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FilesConfig(AppConfig):
    name = "cps_portal.files"
    label = "files"
    verbose_name = _("Files")

    def ready(self) -> None:
        from cps_portal.files import checks  # noqa: F401, PLC0415  # registers the system checks
