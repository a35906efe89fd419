"""Production settings for the processes of a load run, with a crowd in the database."""

from tests.launcher.front_settings import *  # noqa: F403
from tests.launcher.front_settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "cps_portal.dev"]  # has the command that makes the crowd
CROWDS_ALLOWED = True
SECURE_SSL_REDIRECT = False  # there is no front server: requests come over http
SIGN_IN_LIMITS: dict[str, tuple[int, int]] = {}  # all clients have one address
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
