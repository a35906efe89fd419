"""Every environment variable of the portal: its kind, its default and what it means.

To add one: add a `Variable` to its group here (kinds of values: `cps_portal/settings/kinds.py`), read it in a settings
module with the function `env` of `cps_portal/settings/environment.py`, and run `manage.py list_settings --update`. That
writes README.md, docs/configuration.md and .env.example from this module; a test compares them. Nothing else reads the
environment, but for what only developers use (`cps_portal/dev`).
"""

from cps_portal.settings.kinds import (
    CONTACT,
    COUNTRY,
    DATABASE,
    DAY,
    DAYS,
    HALF_DAYS,
    HOURS,
    KEYS,
    MAIL_SERVER,
    PAIRS,
    PUSH_KEY,
    REDIS,
    SEASONS,
    TEXT,
    TEXTS,
    URL,
    YES_OR_NO,
    ZONE,
    Variable,
    list_of,
    number,
    one_of,
    whole_number,
)

FOR_TESTS = "Shortened by tests of reliability; in production leave them alone"
MAIL_PROVIDERS = (  # those of anymail that report bounces
    "amazon_ses",
    "brevo",
    "mailersend",
    "mailgun",
    "mailjet",
    "mailtrap",
    "postal",
    "postmark",
    "resend",
    "sendgrid",
    "sparkpost",
)

GROUPS: dict[str, tuple[Variable, ...]] = {
    "The portal": (
        Variable(
            name="SECRET_KEY",
            kind=TEXT,
            default=None,
            is_secret=True,
            meaning="signs sessions and links; 50 random characters or more",
        ),
        Variable(
            name="SECRET_KEY_FALLBACKS",
            kind=TEXTS,
            default="",
            is_secret=True,
            meaning="former values of SECRET_KEY: what they signed is still accepted",
        ),
        Variable(
            name="ENCRYPTION_KEYS",
            kind=KEYS,
            default="",
            is_secret=True,
            meaning="encrypt secrets in the database, the newest first; without it SECRET_KEY and its fallbacks do. "
            "After a change run manage.py reseal_secrets",
        ),
        Variable(
            name="ALLOWED_HOSTS",
            kind=TEXTS,
            default=None,
            example="portal.example",
            meaning="host names under which people reach the portal",
        ),
        Variable(
            name="SITE_URL",
            kind=URL,
            default=None,
            example="https://portal.example",
            meaning="where links in e-mails lead, without a slash at the end",
        ),
        Variable(
            name="SECURITY_CONTACT",
            kind=CONTACT,
            default="",
            example="https://portal.example/contact/",
            meaning="where people report vulnerabilities, as /.well-known/security.txt says; there is none without it",
        ),
        Variable(
            name="SANDBOX",
            kind=YES_OR_NO,
            default="false",
            meaning="this deployment is for partners to try their systems: they make sample data and let it age. "
            "It has a database of its own, in which nobody is real; migrate refuses any other",
        ),
        Variable(
            name="CSRF_TRUSTED_ORIGINS",
            kind=TEXTS,
            default="",
            meaning="further origins that forms may be sent from, with their scheme",
        ),
        Variable(
            name="BEHIND_PROXY",
            kind=YES_OR_NO,
            default="false",
            is_set_by_compose=True,
            meaning="one proxy in front sets X-Forwarded-Proto and X-Forwarded-For; without one anybody could",
        ),
        Variable(
            name="SECURE_SSL_REDIRECT",
            kind=YES_OR_NO,
            default="true",
            meaning="the portal leads http to https; false if something in front does",
        ),
    ),
    "Database": (
        Variable(
            name="DATABASE_URL",
            kind=DATABASE,
            default=None,
            is_secret=True,
            is_set_by_compose=True,
            meaning="PostgreSQL 17 or newer, with pg_trgm",
        ),
        Variable(
            name="DATABASE_LIMITS",
            kind=one_of("web", "worker", "command"),
            default="command",
            is_set_by_compose=True,
            meaning="what the process does; decides how long it waits for the database "
            "(`cps_portal/core/lib/time_limits.py`). gunicorn sets `web` by itself",
        ),
        Variable(
            name="DATABASE_POOLED",
            kind=YES_OR_NO,
            default="false",
            meaning="`DATABASE_URL` leads to PgBouncer in transaction mode: see [deployment.md](deployment.md)",
        ),
        Variable(
            name="DATABASE_DIRECT_URL",
            kind=DATABASE,
            default="",
            falls_back_to="DATABASE_URL",
            is_secret=True,
            is_set_by_compose=True,
            meaning="PostgreSQL itself, for migrations and backups, if `DATABASE_URL` leads to a pool",
        ),
        Variable(
            name="CONN_MAX_AGE",
            kind=whole_number(0, DAY),
            default="60",
            meaning="how long a connection is kept for further requests, in seconds; without a pool",
        ),
    ),
    "Broker and cache": (
        Variable(
            name="REDIS_URL",
            kind=REDIS,
            default=None,
            is_secret=True,
            is_set_by_compose=True,
            meaning="the broker of background work: must not evict keys, and should write an append-only file",
        ),
        Variable(
            name="CACHE_URL",
            kind=REDIS,
            default="",
            falls_back_to="REDIS_URL",
            is_secret=True,
            is_set_by_compose=True,
            meaning="the cache: a server of its own may evict keys (allkeys-lru) and needs no file",
        ),
    ),
    "Files": (
        Variable(
            name="FILES_ROOT",
            kind=TEXT,
            default="",
            is_set_by_compose=True,
            meaning="a directory outside the web root for uploads; required unless `FILES_S3_BUCKET` is set",
        ),
        Variable(
            name="ERASURES_ROOT",
            kind=TEXT,
            default="",
            is_set_by_compose=True,
            meaning="a directory for the list of erased people, which survives the loss of database and files; "
            "without it a folder beside the uploads, or in the bucket (docs/backup.md)",
        ),
        Variable(
            name="BACKUP_KEEP_DAYS",
            kind=whole_number(1, 365),
            default="14",
            is_set_by_compose=True,
            meaning="how many days backups are kept; the privacy notice names it (docs/backup.md)",
        ),
        Variable(
            name="FILES_S3_BUCKET",
            kind=TEXT,
            default="",
            meaning="a bucket of an S3-compatible service instead of a directory",
        ),
        Variable(
            name="FILES_S3_ENDPOINT",
            kind=TEXT,
            default="",
            meaning="address of the service, if it is not Amazon’s",
        ),
        Variable(name="FILES_S3_REGION", kind=TEXT, default="", meaning="region of the bucket"),
        Variable(name="FILES_S3_ACCESS_KEY", kind=TEXT, default="", meaning="name of the key", is_secret=True),
        Variable(name="FILES_S3_SECRET_KEY", kind=TEXT, default="", meaning="the key itself", is_secret=True),
        Variable(
            name="FILES_SCANNER",
            kind=TEXT,
            default="",
            meaning="what looks for malware: `cps_portal.core.files.scanners.clamd` asks ClamAV",
        ),
        Variable(name="FILES_CLAMD", kind=TEXT, default="localhost:3310", meaning="host and port of ClamAV"),
    ),
    "Mail": (
        Variable(
            name="EMAIL_PROVIDER",
            kind=one_of("smtp", *MAIL_PROVIDERS),
            default="smtp",
            meaning="who sends mails: the server at `EMAIL_URL`, or a provider that reports bounces (docs/mail.md)",
        ),
        Variable(
            name="EMAIL_PROVIDER_SETTINGS",
            kind=PAIRS,
            default="",
            example="SERVER_TOKEN=...",
            is_secret=True,
            meaning="its keys, as anymail names them without the provider's name",
        ),
        Variable(
            name="EMAIL_WEBHOOK_SECRET",
            kind=TEXT,
            default="",
            example="reports:a-long-random-password",
            is_secret=True,
            meaning="`user:password` that the provider sends with its reports; required with `EMAIL_PROVIDER`",
        ),
        Variable(
            name="EMAIL_URL",
            kind=MAIL_SERVER,
            default="smtp://localhost:25",
            example="smtp+tls://user:password@mail.example:587",
            is_secret=True,
            meaning="the mail server",
        ),
        Variable(
            name="DEFAULT_FROM_EMAIL",
            kind=TEXT,
            default="CPS <no-reply@localhost>",
            example="CPS <no-reply@portal.example>",
            meaning="the sender of all mails",
        ),
    ),
    "Push messages": (
        Variable(
            name="PUSH_PRIVATE_KEY",
            kind=PUSH_KEY,
            default="",
            is_secret=True,
            meaning="signs messages to members’ browsers (VAPID); without it they are not offered. "
            "Make one with `manage.py make_push_key`",
        ),
    ),
    "The programme": (
        Variable(
            name="TIME_ZONE",
            kind=ZONE,
            default="Africa/Johannesburg",
            meaning="where business dates change at midnight",
        ),
        Variable(
            name="SUPPORT_ZONE",
            kind=ZONE,
            default="",
            falls_back_to="TIME_ZONE",
            meaning="the time zone of the hours in which support works",
        ),
        Variable(name="SUPPORT_HOURS", kind=HOURS, default="Mo-Fr 09:00-17:00", meaning="when support works"),
        Variable(
            name="SUPPORT_COUNTRY", kind=COUNTRY, default="ZA", meaning="the country whose public holidays support has"
        ),
        Variable(
            name="SUPPORT_SUBDIVISION",
            kind=TEXT,
            default="",
            meaning="the part of the country, if that matters",
        ),
        Variable(
            name="SUPPORT_HOLIDAYS",
            kind=list_of("categories of the library `holidays`", str),
            default="public",
            meaning="which holidays of the country are days off; with `half_day`, half days too",
        ),
        Variable(name="SUPPORT_DAYS_OFF", kind=DAYS, default="", meaning="further days off"),
        Variable(name="SUPPORT_DAYS_ON", kind=DAYS, default="", meaning="days on which support works after all"),
        Variable(name="SUPPORT_HALF_DAYS", kind=HALF_DAYS, default="", meaning="days on which support closes early"),
        Variable(name="SUPPORT_SEASONS", kind=SEASONS, default="", meaning="days with other hours, as in Ramadan"),
        Variable(
            name="REVIEW_SAMPLE_PERCENT",
            kind=number(0, 100),
            default="1",
            meaning="how many registrations in a hundred are drawn at random for a person to check",
        ),
    ),
    "Logs": (
        Variable(
            name="LOG_LEVEL",
            kind=one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
            default="INFO",
            meaning="what is logged at least",
        ),
        Variable(
            name="LOG_FORMAT",
            kind=one_of("json", "line"),
            default="json",
            meaning="one JSON object a line, or plain lines",
        ),
    ),
    "Sight": (
        Variable(
            name="SENTRY_DSN",
            kind=TEXT,
            default="",
            is_secret=True,
            meaning="where errors are reported, without personal data: Sentry or GlitchTip; empty: nowhere",
        ),
        Variable(
            name="SENTRY_ENVIRONMENT",
            kind=TEXT,
            default="production",
            meaning="what these errors are filed under",
        ),
        Variable(
            name="PROMETHEUS_MULTIPROC_DIR",
            kind=TEXT,
            default="",
            is_set_by_compose=True,
            meaning="a folder of this web container alone; if it is set, the web counts its requests by view. "
            "It is emptied at each start",
        ),
        Variable(
            name="METRICS_PORT",
            kind=whole_number(1, 65535),
            default="9101",
            meaning="where web and exporter give their metrics to Prometheus; must not be reachable from outside",
        ),
        Variable(
            name="ALIVE_FOLDER",
            kind=TEXT,
            default="",
            is_set_by_compose=True,
            meaning="where workers and beat show that they live, for `manage.py health`; "
            "a folder of this container alone",
        ),
    ),
    FOR_TESTS: (
        Variable(
            name="OUTBOX_LEASE_SECONDS",
            kind=whole_number(1, DAY),
            default="120",
            meaning="after this long a message that a killed worker had taken is sent again",
        ),
        Variable(
            name="OUTBOX_SWEEP_SECONDS",
            kind=number(0.1, DAY),
            default="15",
            meaning="how often messages that are due are looked for",
        ),
        Variable(
            name="WEBHOOK_TIMEOUT_SECONDS",
            kind=number(0.1, 60),
            default="10",
            meaning="how long a partner’s server may take, from connecting to the whole answer",
        ),
        Variable(
            name="WEBHOOK_FIRST_PAUSE_SECONDS",
            kind=number(0, DAY),
            default="60",
            meaning="the pause after the first failure of a webhook; it doubles each time",
        ),
        Variable(
            name="WEBHOOK_MAX_PAUSE_SECONDS", kind=number(0, 30 * DAY), default="86400", meaning="the longest pause"
        ),
        Variable(
            name="WEBHOOK_QUIET_SECONDS",
            kind=number(0, DAY),
            default="5",
            meaning="an endpoint that failed is left alone this long at least",
        ),
        Variable(name="WEBHOOK_MAX_QUIET_SECONDS", kind=number(0, DAY), default="900", meaning="and this long at most"),
    ),
}

# Read by docker-compose.yml alone, beside those above.
COMPOSE = (
    Variable(
        name="POSTGRES_PASSWORD",
        kind=TEXT,
        default=None,
        is_secret=True,
        meaning="password of the database, letters and digits only: it becomes part of an address",
    ),
    Variable(
        name="CERTIFICATES",
        kind=TEXT,
        default=None,
        example="/etc/portal-certificates",
        meaning="a folder with fullchain.pem and privkey.pem",
    ),
    Variable(name="HTTP_PORT", kind=whole_number(1, 65535), default="80", meaning="where http is published"),
    Variable(name="HTTPS_PORT", kind=whole_number(1, 65535), default="443", meaning="where https is published"),
)
