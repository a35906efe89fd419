"""The settings of production, in a process of their own: clean, and without anything for developers."""

import json
import os
import subprocess
import sys

import pytest

from cps_portal.settings.base import BASE_DIR

pytestmark = pytest.mark.wide  # starting Python takes longer than a test may
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "cps_portal.settings.base",
    "SECRET_KEY": "a-secret-of-the-tests-0123456789abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "portal.example",
    "SITE_URL": "https://portal.example",
    "DATABASE_URL": "postgres://localhost/portal",
    "REDIS_URL": "redis://localhost:1/0",
    "FILES_ROOT": "/srv/cps/files",
}
LOOK = """
import json, sys, django
django.setup()
from django.conf import settings
from django.core.management import get_commands
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines
from django.urls import NoReverseMatch, reverse

def origin(name):
    return engines["django"].get_template(name).origin.name

def fails(action, error):
    try:
        action()
    except error:
        return True
    return False

print(json.dumps({
    "debug": settings.DEBUG,
    "apps": [name for name in settings.INSTALLED_APPS if "dev" in name],
    "pages": [origin("mfa/authenticate.html"), origin("mfa/reauthenticate.html")],
    "no tag": fails(lambda: engines["django"].from_string("{% load demo %}"), TemplateSyntaxError),
    "no template": fails(lambda: origin("demo/_code.html"), TemplateDoesNotExist),
    "no mailbox": fails(lambda: reverse("mailbox:list"), NoReverseMatch),
    "no demo": not {"make_demo", "make_crowd"} & set(get_commands()),
    "modules": [name for name in sys.modules if name.startswith("cps_portal.dev")],
    "bypass": getattr(settings, "MFA_TOTP_INSECURE_BYPASS_CODE", None),
}))
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment | ENVIRONMENT,
        cwd=BASE_DIR,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_the_deployment_checks_of_django_find_nothing() -> None:
    answer = run("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stderr


def test_codes_of_demo_staff_and_other_tools_of_developers_are_not_there() -> None:
    answer = run("-c", LOOK)
    assert answer.returncode == 0, answer.stderr
    facts = json.loads(answer.stdout)
    assert facts["pages"] == [
        str(BASE_DIR / f"templates/mfa/{name}.html") for name in ("authenticate", "reauthenticate")
    ]
    assert facts["no tag"] and facts["no template"] and facts["no mailbox"] and facts["no demo"]
    assert (facts["debug"], facts["apps"], facts["modules"], facts["bypass"]) == (False, [], [], None)
