from django.apps import AppConfig
from django.core.checks import register
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from cps_portal.core.outbox.checks import mail_provider_is_set_up


class OutboxConfig(AppConfig):
    name = "cps_portal.core.outbox"
    label = "outbox"
    verbose_name = _("Outbox")

    def ready(self) -> None:
        register(mail_provider_is_set_up)
        autodiscover_modules("emails", "webhooks")  # importing them registers their renderers
