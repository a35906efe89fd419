from django.apps import AppConfig
from django.core.checks import register
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.checks import files_are_outside_the_web_root


class FilesConfig(AppConfig):
    name = "cps_portal.core.files"
    label = "files"
    verbose_name = _("Files")

    def ready(self) -> None:
        register(files_are_outside_the_web_root)
        autodiscover_modules("queries.file_access")  # importing them registers who else may open files of a purpose
