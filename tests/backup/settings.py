"""The tests' settings, but with files, erasures and mails in folders that the environment names."""

import os

from cps_portal.core.files.storage import erasures_storage, files_storage
from cps_portal.settings.environment import env
from cps_portal.settings.test import *  # noqa: F403
from cps_portal.settings.test import STORAGES

STORAGES |= {"files": files_storage(env), "erasures": erasures_storage(env)}
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ["MAIL_FOLDER"]
