from django.apps import AppConfig

from cps_portal import celery as _celery_app  # the Celery app must exist before any shared task is called


class PortalConfig(AppConfig):
    name = "cps_portal"
    verbose_name = "Portal"
    celery_app = _celery_app.app

    def ready(self) -> None:
        # Without this only workers know the tasks, and a page could not queue one by its name.
        self.celery_app.autodiscover_tasks(force=True)
