"""Production settings, read from the environment. A missing or bad value raises at start."""

from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF
from whitenoise.compress import Compressor

from cps_portal.core.files.storage import erasures_storage, files_storage
from cps_portal.core.lib.country_names import NAMES as COUNTRY_NAMES
from cps_portal.core.lib.databases import direct_connection, pooled_connection
from cps_portal.core.lib.languages import NAMES
from cps_portal.settings.accounts import *  # noqa: F403
from cps_portal.settings.api import *  # noqa: F403
from cps_portal.settings.api import SPECTACULAR_SETTINGS
from cps_portal.settings.environment import env
from cps_portal.settings.integrations import *  # noqa: F403
from cps_portal.settings.operations import *  # noqa: F403
from cps_portal.settings.programme import *  # noqa: F403
from cps_portal.settings.queues import *  # noqa: F403
from cps_portal.settings.retention import *  # noqa: F403

django_stubs_ext.monkeypatch()  # makes ModelAdmin[Member] valid at run time

BASE_DIR = Path(__file__).resolve().parent.parent.parent

SECRET_KEY = env("SECRET_KEY")
SECRET_KEY_FALLBACKS = env("SECRET_KEY_FALLBACKS")
ENCRYPTION_KEYS = env("ENCRYPTION_KEYS") or [SECRET_KEY, *SECRET_KEY_FALLBACKS]
DEBUG = False
ALLOWED_HOSTS = env("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env("CSRF_TRUSTED_ORIGINS")
SECURITY_CONTACT = env("SECURITY_CONTACT")
SITE_URL = env("SITE_URL")  # where links in mails lead, without a slash at the end

INSTALLED_APPS = [
    "cps_portal.core.lib.apps.PortalAdminConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sitemaps",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.forms",  # FORM_RENDERER finds Django's own widget templates through it
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_countries",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "oauth2_provider",
    "pghistory",
    "pgtrigger",
    "rest_framework",
    "cps_portal.core.system",
    "cps_portal.core.limits",
    "cps_portal.core.outbox",
    "cps_portal.core.files",
    "cps_portal.core.submissions",
    "cps_portal.core.partners",
    "members",
    "members.support",
    "members.offers",
    "kitbag",
    "servicing",
    "cps_portal.site",
]

SANDBOX = env("SANDBOX")  # partners make and age sample data here; never on a database with real members
if SANDBOX:
    INSTALLED_APPS.append("cps_portal.sandbox")  # its check is made by `migrate`, which stops where real people are

LIVE_PATH, READY_PATH = "/health/live", "/health/ready"
UPLOADS_PATH = "/files/upload/"

MIDDLEWARE = [
    "cps_portal.core.lib.health.HealthMiddleware",  # the first one: needs no host name, https or database
    "cps_portal.core.lib.logs.RequestLogMiddleware",
    "cps_portal.core.lib.http_metrics.MetricsMiddleware",  # switches itself off without PROMETHEUS_MULTIPROC_DIR
    "cps_portal.core.lib.cookies.BrokenCookiesMiddleware",
    "cps_portal.core.lib.cookies.FailedAnswerMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "cps_portal.core.lib.headers.HeadersMiddleware",  # before the next one: static files have them as well
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pages; static files are compressed when they are collected
    "csp.middleware.CSPMiddleware",
    "cps_portal.core.lib.time_limits.TimeBudgetMiddleware",  # before anything that reads the database
    "cps_portal.core.lib.fair_share.FairShareMiddleware",
    "cps_portal.core.files.middleware.StorageFullMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "cps_portal.core.lib.language_choice.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "cps_portal.core.submissions.middleware.HtmxRedirectMiddleware",
    "cps_portal.core.submissions.middleware.KeptFormMiddleware",  # before the next one: keeps what it would turn away
    "cps_portal.core.submissions.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "members.middleware.SignInMiddleware",
    "cps_portal.site.middleware.StaffAccessMiddleware",  # before the next one: writes when the snapshot has ended
    "cps_portal.core.lib.snapshot.SnapshotMiddleware",
    "members.middleware.MemberMiddleware",
    "cps_portal.core.submissions.middleware.SecondFactorMiddleware",
    "members.offers.middleware.ForgetCardMiddleware",
    "cps_portal.core.lib.history_context.HistoryMiddleware",
    "cps_portal.core.submissions.middleware.OnceMiddleware",  # the last one: calls the view in its transaction
]

if SANDBOX:
    BEFORE = MIDDLEWARE.index("cps_portal.core.lib.snapshot.SnapshotMiddleware")
    MIDDLEWARE.insert(BEFORE, "cps_portal.sandbox.middleware.FailuresMiddleware")
    SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"].append("cps_portal.sandbox.api.contract.describe_sandbox")

VIEWS_OUTSIDE_SNAPSHOT = [  # what they answer to GET is not read from one snapshot of the database, because they ...
    "offers:card",  # ... issue the card, and open a snapshot of their own afterwards
    "offers:card_pdf",
    "offers:card_pdf_real_size",
    "mfa_view_recovery_codes",  # ... note that the codes were shown
    "mfa_download_recovery_codes",
    "api-product-changes",  # ... ask first up to when all is committed, and open one of their own afterwards
    "robots",  # ... need no database
    "api-schema",
    "api-docs",
    "files:file",  # ... wait for the file store
    "api-document",
    "api-card-photo",
]

COUNTRIES_OVERRIDE = COUNTRY_NAMES

ROOT_URLCONF = "cps_portal.urls"
WSGI_APPLICATION = "cps_portal.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["cps_portal.core.lib.template_loader.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cps_portal.site.context.portal",
            ],
            "builtins": [
                "cps_portal.core.submissions.templatetags.submissions",  # `{% once %}` in any template
                "cps_portal.core.lib.lists",  # what stands between the items of a loop
                "cps_portal.core.lib.country_names",  # the filter `the`, for English sentences
                "cps_portal.core.lib.written_dates",  # the filter `date`, instead of Django's
                "cps_portal.core.lib.fixed_blocks",  # `{% fixed %}` in any template
                "cps_portal.core.lib.untranslated",  # the filter `untranslated`, for names of products
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASE_LIMITS = env("DATABASE_LIMITS")  # what this process does: web, worker or command
DATABASE_POOLED = env("DATABASE_POOLED")
DATABASE_DIRECT = direct_connection(env("DATABASE_DIRECT_URL"), kind=DATABASE_LIMITS, max_age=env("CONN_MAX_AGE"))
DATABASES = {"default": pooled_connection(env("DATABASE_URL")) if DATABASE_POOLED else DATABASE_DIRECT}
REQUEST_BUDGET_SECONDS = 4.5  # how long the statements of a request may wait for the database, all together
SLOW_VIEWS = {  # views and apps with a longer budget, in seconds
    "kitbag:list_csv": 30,
    "kitbag:list_pdf": 30,
    "kitbag:list_xlsx": 30,
    "admin": 20,
    "admin:export": 30,  # of a list
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "cps_portal.core.limits.cache.PortalCache",
        "LOCATION": env("CACHE_URL"),
        "OPTIONS": {"socket_connect_timeout": 0.3, "socket_timeout": 0.3},
    }
}

EVENT_SUBSCRIBERS = {  # events published by an app, and the tasks of upper apps that react to them
    "kitbag.registration_validated": ["servicing.registration_validated"],
    "members.member_moved": ["servicing.member_moved"],
}

# Security
COOKIE_PREFIX = "__Host-"  # browsers take such a cookie only from https, for this host and all of its paths
SESSION_ENGINE = "members.sessions"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"  # static/js/upload.js reads it
CSRF_COOKIE_SECURE = True
DEVICE_COOKIE_NAME = f"{COOKIE_PREFIX}device"
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}language"
LANGUAGE_COOKIE_SECURE = True
LANGUAGE_COOKIE_AGE = 60 * 60 * 24 * 365
MESSAGE_STORAGE = "cps_portal.core.lib.cookies.MessageStorage"
CSRF_FAILURE_VIEW = "cps_portal.core.submissions.views.csrf_failure"
SECURE_SSL_REDIRECT = env("SECURE_SSL_REDIRECT")
BEHIND_PROXY = env("BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0  # or all visitors would share one rate limit
SECURE_HSTS_SECONDS = 60 * 60 * 24 * 365
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [NONE],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY = {  # what pages and what they embed may ask a browser for
    **dict.fromkeys(
        [
            "accelerometer",
            "autoplay",
            "bluetooth",
            "browsing-topics",
            "camera",
            "display-capture",
            "encrypted-media",
            "fullscreen",
            "gyroscope",
            "hid",
            "idle-detection",
            "local-fonts",
            "magnetometer",
            "microphone",
            "midi",
            "payment",
            "picture-in-picture",
            "serial",
            "usb",
            "xr-spatial-tracking",
        ],
        "()",
    ),
    "geolocation": "(self)",  # the nearest service centre
    "publickey-credentials-create": "(self)",
    "publickey-credentials-get": "(self)",
    "screen-wake-lock": "(self)",  # the membership card
}
NEVER_STORED_VIEWS = {  # pages with codes or secrets: not even the Back button shows them again
    "account_change_password",
    "account_confirm_email",
    "account_reauthenticate",
    "account_reset_password_from_key",
    "account_set_password",
    "mfa_activate_totp",
    "mfa_authenticate",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_reauthenticate",
    "mfa_view_recovery_codes",
    "my_data_download",
}
# Public pages that are the same for every visitor with the same language. Caches may keep them, and ask each time.
SHARED_VIEWS = {"home", "help", "terms", "privacy", "robots", "sitemap"}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Languages and time
LANGUAGE_CODE = "en"
LANGUAGES = list(NAMES.items())  # those whose catalogue is whole
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH = "cps_portal.formats"
LOCALE_PATHS = [BASE_DIR / "locale"]

# Files
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_ROOT = BASE_DIR / "static" / "root"  # favicon.ico, which everybody looks for at /
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # pages name no others; compressing both takes twice the time and place
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = [*Compressor.SKIP_COMPRESS_EXTENSIONS, "map"]  # megabytes that nobody loads
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "cps_portal.core.lib.bundles.BundleFinder",
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    "files": files_storage(env),
    "erasures": erasures_storage(env),
}
FILE_UPLOAD_HANDLERS = [
    "cps_portal.core.files.handlers.BoundedUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# Mail and the outbox
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_CONFIG = env("EMAIL_URL")
vars().update(EMAIL_CONFIG)
EMAIL_PROVIDER = "" if env("EMAIL_PROVIDER") == "smtp" else env("EMAIL_PROVIDER")
if EMAIL_PROVIDER:
    EMAIL_BACKEND = f"anymail.backends.{EMAIL_PROVIDER}.EmailBackend"
ANYMAIL = {
    **{f"{EMAIL_PROVIDER.upper()}_{name}": value for name, value in env("EMAIL_PROVIDER_SETTINGS").items()},
    "WEBHOOK_SECRET": env("EMAIL_WEBHOOK_SECRET"),
    "REQUESTS_TIMEOUT": (3, 15),  # seconds to connect and to answer: shorter than OUTBOX_LEASE_SECONDS
}
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL")
OUTBOX_SENDERS = {
    "mail": "cps_portal.core.outbox.senders.send_mail",
    "webhook": "cps_portal.core.partners.senders.send_webhook",
    "push": "members.senders.send_push",
}

CROWDS_ALLOWED = False  # `manage.py make_crowd` may fill the database with invented members

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "cps_portal.core.lib.logs.JsonFormatter"},
        "line": {
            "()": "cps_portal.core.lib.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": env("LOG_FORMAT")}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL")},
}
