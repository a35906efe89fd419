"""Production settings, without collected static files."""

from cps_portal.settings.base import *  # noqa: F403
from cps_portal.settings.base import STORAGES

STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
