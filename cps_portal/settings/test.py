"""The tests: as production, but for speed and for what a test machine does not have."""

import os
from urllib.parse import urlsplit

os.environ.setdefault("SECRET_KEY", "tests-only-not-a-secret-0123456789abcdefghijklmnop")
os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,127.0.0.1")
os.environ.setdefault("SITE_URL", "http://localhost")
# Linters and type checks import these settings without any server; the test launcher sets real ones.
os.environ.setdefault("DATABASE_URL", "postgres://localhost/portal")
os.environ.setdefault("REDIS_URL", "redis://localhost:1/0")
if one := os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"):  # tests side by side share no queue
    os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{1 + int(one)}").geturl()
os.environ.setdefault("FILES_ROOT", "/nowhere")  # kept in memory below
os.environ.setdefault("DATABASE_LIMITS", "worker")
os.environ.setdefault("LOG_FORMAT", "line")

from .base import *  # noqa: F403
from .base import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "cps_portal.dev", "cps_portal.dev.mailbox"]
if template := os.environ.get("TEST_TEMPLATE"):  # a migrated database: copying it is faster than migrating again
    DATABASES["default"]["TEST"] = {"TEMPLATE": template}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SECURE_SSL_REDIRECT = False
COOKIE_PREFIX = ""  # browsers refuse prefixed cookies without https
SESSION_COOKIE_NAME, SESSION_COOKIE_SECURE = "sessionid", False
CSRF_COOKIE_NAME, CSRF_COOKIE_SECURE = "csrftoken", False
DEVICE_COOKIE_NAME = "device"
LANGUAGE_COOKIE_NAME, LANGUAGE_COOKIE_SECURE = "language", False
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
ACCOUNT_RATE_LIMITS = False
CROWDS_ALLOWED = True
WEBHOOKS_MAY_REACH_PRIVATE = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "files": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "erasures": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
REVIEW_SAMPLE_PERCENT = 0
DESK_RAIL_SECONDS = 3600  # or a walk through many pages asks one query more now and then
