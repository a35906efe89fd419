"""A developer's machine: the embedded servers, a mailbox instead of a mail server, no https."""

import os

from django.core.exceptions import ImproperlyConfigured

from cps_portal.dev.embedded import urls as embedded_urls

# The launcher sets the two URLs; a bare `manage.py` call finds the running launcher's servers.
embedded_urls.fill_environment()
if not {"DATABASE_URL", "REDIS_URL"} <= os.environ.keys():
    raise ImproperlyConfigured(
        "No database: start the portal in another terminal (make run), or set DATABASE_URL and REDIS_URL."
    )
os.environ.setdefault("SECRET_KEY", "development-only-not-a-secret-0123456789abcdefghij")
os.environ.setdefault("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
os.environ.setdefault("SITE_URL", f"http://localhost:{os.environ.get('PORT', '8000')}")
os.environ.setdefault("EMAIL_URL", "consolemail://")
os.environ.setdefault("SANDBOX", "true")
os.environ.setdefault("LOG_FORMAT", "line")
os.environ.setdefault("PUSH_PRIVATE_KEY", embedded_urls.push_key())
os.environ.setdefault("FILES_ROOT", str(embedded_urls.STATE / "files"))

from .base import *  # noqa: E402, F403
from .base import BASE_DIR, INSTALLED_APPS, MIDDLEWARE, STORAGES, TEMPLATES  # noqa: E402
from .kinds import YES_OR_NO  # noqa: E402

DEBUG = YES_OR_NO.read(os.environ.get("DEBUG", "false"))  # true: tracebacks instead of our own pages for errors
INSTALLED_APPS = [*INSTALLED_APPS, "cps_portal.dev", "cps_portal.dev.mailbox"]
EMAIL_BACKEND = "cps_portal.dev.mailbox.backend.MailboxBackend"
MAILBOX_FOLDER = embedded_urls.STATE / "mailbox"
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0
COOKIE_PREFIX = ""  # browsers refuse prefixed cookies without https
SESSION_COOKIE_NAME, SESSION_COOKIE_SECURE = "sessionid", False
CSRF_COOKIE_NAME, CSRF_COOKIE_SECURE = "csrftoken", False
DEVICE_COOKIE_NAME = "device"
LANGUAGE_COOKIE_NAME, LANGUAGE_COOKIE_SECURE = "language", False
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
CROWDS_ALLOWED = True
WEBHOOKS_MAY_REACH_PRIVATE = True
# true: static files as a deployment has them, hashed and compressed, after `manage.py collectstatic`.
COLLECTED = YES_OR_NO.read(os.environ.get("COLLECTED", "false"))
if not COLLECTED:
    WHITENOISE_USE_FINDERS = True
    WHITENOISE_AUTOREFRESH = True
    STORAGES = {
        **STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    # They are not compressed yet: what compresses pages comes before what serves them.
    COMPRESSION = "django.middleware.gzip.GZipMiddleware"
    MIDDLEWARE = [name for name in MIDDLEWARE if name != COMPRESSION]
    MIDDLEWARE.insert(MIDDLEWARE.index("whitenoise.middleware.WhiteNoiseMiddleware"), COMPRESSION)
TEMPLATES[0]["DIRS"] = [BASE_DIR / "cps_portal/dev/templates", *TEMPLATES[0]["DIRS"]]  # codes of demo staff
# Not cached: an edited template shows at once (only `runserver` would do that by itself).
TEMPLATES[0]["OPTIONS"]["loaders"] = [
    "cps_portal.core.lib.template_loader.Loader",
    "django.template.loaders.app_directories.Loader",
]
