"""Production settings, read from the environment. A missing or bad value raises at start."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import django_stubs_ext
import environ
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from cps_portal.core.files.storage import files_storage
from cps_portal.core.lib import clock
from cps_portal.core.outbox.rules import Pauses

django_stubs_ext.monkeypatch()  # lets ModelAdmin[Member] be written at run time too

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()

SECRET_KEY = env.str("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SITE_URL = env.str("SITE_URL")  # where links in mails lead, without a slash at the end

INSTALLED_APPS = [
    "cps_portal.core.lib.apps.PortalAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.forms",  # TemplatesSetting finds the widgets of Django through it
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
    "cps_portal.core.outbox",
    "cps_portal.core.files",
    "cps_portal.core.partners",
    "members",
    "members.support",
    "members.offers",
    "kitbag",
    "servicing",
    "cps_portal.site",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pages; static files are compressed when they are collected
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "members.middleware.MemberMiddleware",
    "members.offers.middleware.ForgetCardMiddleware",
    "pghistory.middleware.HistoryMiddleware",
]

ROOT_URLCONF = "cps_portal.urls"
WSGI_APPLICATION = "cps_portal.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "cps_portal.site.context.portal",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {"default": env.db("DATABASE_URL")}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# How alike two words must be for the product search: pg_trgm reads it from the connection. And its index is on
# a solid-state disk or in memory: with the default the planner thinks that reading the whole table is cheaper.
DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
    "-c pg_trgm.word_similarity_threshold=0.5 -c random_page_cost=1.1"
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "cps_portal.core.lib.cache.OptionalRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}

LISTENERS = {  # what apps announce, and the tasks of the apps above that listen
    "kitbag.registration_validated": ["servicing.registration_validated"],
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_connect_timeout": 1,
    "socket_timeout": 10,
}
CELERY_TASK_ROUTES = {"outbox.drain": {"queue": "webhooks"}}  # a receiver that is slow holds up no other work
CELERY_TIMEZONE = "UTC"

# People and sign-in -----------------------------------------------------------------------------
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # e-mail addresses are unique by a constraint on their lower case
AUTH_USER_MODEL = "members.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email",)},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "members.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "signup": "members.forms.profile.JoinForm",
    "login": "members.forms.accounts.SignInForm",
    "add_email": "members.forms.accounts.AddEmailForm",
    "change_password": "members.forms.accounts.ChangePasswordForm",
    "set_password": "members.forms.accounts.SetPasswordForm",
    "reset_password": "members.forms.accounts.ResetPasswordForm",
    "reset_password_from_key": "members.forms.accounts.ResetPasswordKeyForm",
    "reauthenticate": "members.forms.accounts.ReauthenticateForm",
}
ACCOUNT_EMAIL_VERIFICATION = "optional"  # R8: membership is instant; benefits ask for a confirmed address
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
NOTICE_DAYS = 60  # how long before it members are told of a change of their points (R22)
ANNOUNCE_AFTER_MINUTES = 30  # a plan can be corrected so long before anybody is told of it
SERVICE_END_HORIZON_DAYS = 120  # how long before it the end of a product's service is planned
KITBAG_LIMIT = 1000  # products a member may hold, against runaway scripts
CLOSING_DAYS = 30  # for so long a closed account can be taken back; then its person is erased (R14)
MY_DATA_LIMIT = (5, 3600)  # downloads of everything held, in so many seconds
PACK_LATE_AFTER = timedelta(days=3)  # a request that no house has acknowledged becomes a case for staff (R38)
PACK_ADDRESS_KEPT = timedelta(weeks=12)  # so long after a pack's last step; then its address is deleted
CARD_CHECK_LIMIT = (60, 300)  # cards that may be looked at from one address, in so many seconds
PARTNER_CLOCKS_DIFFER = timedelta(minutes=10)  # how far ahead the clock of a partner may be
LOAN_DAYS = 10  # for how many working days a loan is given at first (R53)
LOAN_RESERVED_FOR = timedelta(days=7)  # what was reserved and not fetched by then is given up
CROWDS_ALLOWED = False  # whether `manage.py make_crowd` may fill the database with invented members
MFA_ADAPTER = "members.adapter.MFAAdapter"
MFA_FORMS = {
    "authenticate": "members.forms.accounts.SecondStepForm",
    "reauthenticate": "members.forms.accounts.ReauthenticateByCodeForm",
    "activate_totp": "members.forms.accounts.ActivateAppForm",
    "add_webauthn": "members.forms.accounts.AddPasskeyForm",
    "edit_webauthn": "members.forms.accounts.RenamePasskeyForm",
}
MFA_TOTP_ISSUER = "CPS"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
STAFF_SECOND_FACTOR_REQUIRED = True

SESSION_COOKIE_SECURE = True
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if BEHIND_PROXY else 0  # or all visitors would share one allowance of tries
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
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Words, dates, numbers --------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.str("TIME_ZONE", default="Africa/Johannesburg")  # business dates flip at midnight here
LOCALE_PATHS = [BASE_DIR / "locale"]

# Support and its working hours (R19, R58) ---------------------------------------------------------
SUPPORT_CALENDAR = clock.Calendar(
    zone=ZoneInfo(env.str("SUPPORT_ZONE", default=TIME_ZONE)),
    weekdays=frozenset(env.list("SUPPORT_WEEKDAYS", cast=int, default=[1, 2, 3, 4, 5])),  # Monday is 1
    opens=time.fromisoformat(env.str("SUPPORT_OPENS", default="09:00")),
    closes=time.fromisoformat(env.str("SUPPORT_CLOSES", default="17:00")),
    country=env.str("SUPPORT_COUNTRY", default="ZA"),  # whose public holidays are days off
    days_off=frozenset(env.list("SUPPORT_DAYS_OFF", cast=date.fromisoformat, default=[])),
)
DESK_WORKING_DAYS = 2  # within them a person decides what the machine could not (R19)
EVIDENCE_MAX_FILES = 10  # files of one registration (R25)
DESK_TAKEN_MINUTES = 15  # for so long one of the staff has a registration to themselves
REVIEW_SAMPLE_PERCENT = env.float("REVIEW_SAMPLE_PERCENT", default=1)  # chosen at random for a person to look at
REVIEW_REFUSALS = (3, 365)  # so many refusals of one member in so many days, and a person looks at everything
CLAIM_DAYS = 14  # for so long both sides of a claim are asked (R32)
HANDOVER_DAYS = 14  # for so long a code by which a product is handed over can be redeemed (R35)
HANDOVER_LIMITS = {"redeem": (10, 3600), "address": (40, 3600)}  # times, seconds: by member, by address
REMOVAL_UNDO_DAYS = 7  # for so long a removal can be undone (R26)
CASES_ANSWER_HOURS = 24  # where no level says anything else
CASES_REOPEN_DAYS = 30  # after that, a closed case stays closed and a new one is opened
CASES_LIMITS = {"open": (10, 3600), "write": (30, 3600), "mail": (5, 86400)}  # times, seconds; mail: an address
# What a link may say that a case is about: the model, and the way from it to the member whose it is ("" for all).
CASES_ABOUT = {
    "welcome_pack": ("offers.WelcomePack", "member"),
    "registration": ("kitbag.Registration", "member"),
    "product": ("kitbag.Product", ""),
    "ticket": ("servicing.Ticket", "member"),
}

# Files ------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    "files": files_storage(env),
}

# What is uploaded -------------------------------------------------------------------------------
FILE_UPLOAD_HANDLERS = [
    "cps_portal.core.files.handlers.Bounded",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILES_MAX_MEGABYTES = 15
FILES_MAX_UNUSED = 40  # files of one person that nothing uses yet
FILES_UPLOAD_LIMIT = (60, 60)  # so many in so many seconds
FILES_PURPOSES = ["evidence", "case", "ticket"]
FILES_SCANNER = env.str("FILES_SCANNER", default="")  # such as cps_portal.core.files.scanners.clamd
FILES_CLAMD = env.str("FILES_CLAMD", default="localhost:3310")

# Mail and the outbox ----------------------------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="smtp://localhost:25")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="CPS <no-reply@localhost>")
OUTBOX_SENDERS = {
    "mail": "cps_portal.core.outbox.senders.send_mail",
    "webhook": "cps_portal.core.partners.senders.send_webhook",
}
OUTBOX_COMPOSERS = {  # what is worded when it leaves: mails, and the bodies of webhooks
    "servicing.loan": "servicing.emails.loan",
    "partners.test": "cps_portal.core.partners.webhooks.test",
    "kitbag.partner_sale": "kitbag.webhooks.sale",
    "servicing.partner_event": "servicing.webhooks.ticket_event",
    "servicing.partner_message": "servicing.webhooks.ticket_message",
    "servicing.ticket_document": "servicing.emails.ticket_document",
    "servicing.ticket_event": "servicing.emails.ticket_event",
    "servicing.ticket_message": "servicing.emails.ticket_message",
    "offers.pack_requested": "members.offers.webhooks.pack_requested",
    "offers.pack_cancelled": "members.offers.webhooks.pack_cancelled",
    "offers.card_requested": "members.offers.webhooks.card_requested",
    "offers.card_replaced": "members.offers.emails.card_replaced",
    "offers.sign_up": "members.offers.emails.sign_up",
    "offers.news": "members.offers.emails.news",
    "offers.pack_step": "members.offers.emails.pack_step",
    "members.level_changed": "members.emails.level_changed",
    "members.levels_will_change": "members.emails.levels_will_change",
    "members.levels_stay": "members.emails.levels_stay",
    "kitbag.points_will_change": "kitbag.emails.points_will_change",
    "kitbag.plan_cancelled": "kitbag.emails.plan_cancelled",
    "kitbag.reminder": "kitbag.emails.reminder",
    "kitbag.points_adjusted": "kitbag.emails.points_adjusted",
    "kitbag.handed_over": "kitbag.emails.handed_over",
    "kitbag.stolen_presented": "kitbag.emails.stolen_presented",
}
# Longer than any sender may take (EMAIL_TIMEOUT, WEBHOOK_TIMEOUT_SECONDS): what a killed worker held waits for so long.
OUTBOX_LEASE_SECONDS = env.int("OUTBOX_LEASE_SECONDS", default=120)
OUTBOX_PAUSES = {  # mails are given up after about four days, webhooks never (R38)
    "mail": Pauses(first=timedelta(minutes=1), longest=timedelta(hours=4), most=30),
    "webhook": Pauses(
        first=timedelta(seconds=env.float("WEBHOOK_FIRST_PAUSE_SECONDS", default=60)),
        longest=timedelta(seconds=env.float("WEBHOOK_MAX_PAUSE_SECONDS", default=24 * 3600)),
    ),
}
OUTBOX_RETENTION_DAYS = 30  # then what was sent is blanked: it holds personal data and sign-in links

# Partners and webhooks --------------------------------------------------------------------------
WEBHOOK_TYPES = {  # what a partner can be told of
    "welcome_pack.requested": _("A Welcome Pack is to be sent"),
    "welcome_pack.cancelled": _("A Welcome Pack is not to be sent"),
    "membership_card.requested": _("A membership card is to be printed and posted"),
    "sale.matched": _("A sale was matched with a registration that counts"),
    "sale.withdrawn": _("A sale was withdrawn"),
    "ticket.opened": _("A product is to be served"),
    "ticket.event": _("Something happened to a ticket"),
    "ticket.message": _("The customer wrote"),
    "endpoint.test": _("A test that was asked for"),
}
CREDENTIAL_OVERLAP_DAYS = 7  # for so long the old credential goes on working beside the one that replaces it
CALLS_KEPT = timedelta(days=90)  # what partners asked for and did
ANSWERS_KEPT = timedelta(hours=24)  # for so long the same Idempotency-Key gets the same answer
LOOK_UP_LIMIT = (60, 60)  # what a credential may look up of members, cards and serial numbers, in so many seconds
TOKEN_LIMIT = (60, 60)  # tokens that may be fetched from one address, in so many seconds
OAUTH2_PROVIDER_APPLICATION_MODEL = "partners.Credential"
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",  # client credentials and nothing else
    "SCOPES_BACKEND_CLASS": "cps_portal.core.partners.oauth.CredentialScopes",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "OAUTH2_GRANT_TYPES_SUPPORTED": ["client_credentials"],
    **{
        f"COMPLIANT_BCP_RFC9700_{what}": True
        for what in (
            "IMPLICIT_GRANT",
            "PASSWORD_GRANT",
            "PKCE_METHOD",
            "ACCESS_TOKEN_TRANSPORT",
            "AUTHZ_RESPONSE_ISS",
            "TOKEN_STORAGE",
            "REFRESH_TOKEN",
            "REDIRECT_URI_SCHEME",
            "REDIRECT_URI_MATCHING",
            "PKCE_REQUIRED",
        )
    },
}
WEBHOOK_TIMEOUT_SECONDS = env.float("WEBHOOK_TIMEOUT_SECONDS", default=10)  # from connecting to the end of the answer
# An endpoint that failed is left alone for a while, the longer the longer it has been failing.
WEBHOOK_QUIET_SECONDS = (
    env.float("WEBHOOK_QUIET_SECONDS", default=5),
    env.float("WEBHOOK_MAX_QUIET_SECONDS", default=900),
)
WEBHOOKS_MAY_REACH_PRIVATE = False  # private networks, and without https: development and tests only
WEBHOOK_MAX_ENDPOINTS = 20  # of one partner
WEBHOOK_OVERLAP_HOURS = 24  # for so long the old secret goes on being valid beside a new one
WEBHOOK_ATTEMPTS_DAYS = 30  # for so long what a receiver answered is kept

# API --------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["cps_portal.core.rest.access.PartnerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["cps_portal.core.rest.access.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["cps_portal.core.rest.parsers.StrictJSONParser"],
    "EXCEPTION_HANDLER": "cps_portal.core.rest.errors.problem_response",
    "DEFAULT_SCHEMA_CLASS": "cps_portal.core.rest.schema.PartnerSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "CPS portal API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "filter": True,
        "defaultModelsExpandDepth": 0,
        "displayRequestDuration": True,
    },
    "ENUM_NAME_OVERRIDES": {
        "TicketEventKind": "servicing.enums.EventKind",
        "ReportedKind": "servicing.api.faces.TOLD_CHOICES",
        "CustomerKind": "servicing.api.faces.CUSTOMERS",
        "PackStepReported": "members.offers.api.HOUSE_CHOICES",
        "TicketState": "servicing.enums.TicketState",
        "WhyNoWarranty": "servicing.enums.WhyNoWarranty",
        "Level": "members.enums.Level",
        "Stage": "kitbag.enums.Stage",
        "WelcomePackState": "members.offers.enums.PackState",
        "SaleState": "kitbag.api.sales.STATES",
        "LoanState": "servicing.enums.LoanState",
        "EstimateState": "servicing.enums.EstimateState",
        "EndpointState": "cps_portal.core.partners.enums.EndpointState",
        "MessageState": "cps_portal.core.outbox.enums.State",
        "DocumentKind": "servicing.enums.TicketFileKind",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "cps_portal.core.rest.introduction.introduce",
        "cps_portal.core.rest.schema.add_tokens",
        "cps_portal.core.rest.links.add_links",
        "cps_portal.core.rest.links.add_field_names",
        "cps_portal.core.rest.examples.add_examples",
    ],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
