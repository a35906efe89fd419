"""Refuse migrations that lock tables for long, or break the version of the portal that runs beside them.

Checked are the migrations since the last release, which is the last tag; before the first one all of them.
"""

import os
import subprocess
import sys
from pathlib import Path

import django
from django.apps import apps
from django_migration_linter import MigrationLinter

ROOT = Path(__file__).resolve().parent.parent
# Nothing has been released: no older version of the portal ever runs on the schema that these make, and every table
# that they touch is empty. Delete a line when its migration is changed, and the list with the first release.
BEFORE_THE_FIRST_RELEASE = (
    "0001_initial",
    "0002_release_dates",  # adds columns that may not be empty
    "0003_shipments",  # drops and renames columns
    "0004_calendar",  # drops columns and a table
    "0008_follow_ups_and_reports",  # makes indexes and unique constraints of tickets
    "0009_conversation",  # makes indexes of tickets
    "0003_inbox",  # makes indexes and constraints of cases
    "0014_packing",  # replaces a constraint of events
    "0012_technician",  # makes an index of the history of tickets
    "0005_sighting_notes",  # makes an index of sightings
    "0009_merged_accounts",  # makes an index of members
    "0011_price_and_groups",  # makes indexes of the private details of products, a table that is new itself
    "0019_session",  # drops the table of the sessions of before
    "0014_slim_registration_history",  # drops columns of the history of registrations
    "0017_country_plans",  # makes an index of a table that is new itself
)


def last_release() -> str | None:
    command = ["git", "describe", "--tags", "--abbrev=0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or None


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cps_portal.settings.test")
    sys.path.insert(0, str(ROOT))
    django.setup()
    release = last_release()
    linter = MigrationLinter(
        str(ROOT),
        include_apps=[
            app.label for app in apps.get_app_configs() if Path(app.path).is_relative_to(ROOT / app.name.split(".")[0])
        ],
        ignore_name=None if release else BEFORE_THE_FIRST_RELEASE,
        all_warnings_as_errors=True,
        analyser_string="postgresql",
        no_cache=True,
        quiet=["ok", "ignore"],
    )
    linter.lint_all_migrations(git_commit_id=release)
    linter.print_summary()
    return int(linter.has_errors)


if __name__ == "__main__":
    sys.exit(main())
