from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KitbagConfig(AppConfig):
    name = "kitbag"
    verbose_name = _("Kitbag")
