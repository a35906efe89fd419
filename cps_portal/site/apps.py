from importlib import import_module

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

from cps_portal import celery as _celery_app  # the Celery app must exist before any shared task is called
from cps_portal.groups import set_group_permissions


class SiteConfig(AppConfig):
    name = "cps_portal.site"
    label = "portal"
    verbose_name = "Portal"
    celery_app = _celery_app.app

    def ready(self) -> None:
        # Without this only workers know the tasks, and a page could not queue one by its name.
        self.celery_app.autodiscover_tasks(force=True)
        # Imported here: they need the models of allauth and of users, which are not loaded before.
        import_module("cps_portal.site.security_log").connect()
        protect_trail = import_module("cps_portal.core.lib.history").protect_trail
        # Permissions are created app by app: only the last app's signal finds them all.
        last = [config for config in apps.get_app_configs() if config.models_module][-1]
        post_migrate.connect(set_group_permissions, sender=last)
        post_migrate.connect(protect_trail, sender=last)
