"""The shipped notices and cities of centres in the other languages, for rows from before there were any (R56)."""

from pathlib import Path
from typing import Any

from django.db import migrations

from cps_portal.core.lib.translations import add_missing, read_texts

REFERENCE = Path(__file__).parents[1] / "reference"


def add_translations(apps: Any, schema_editor: Any) -> None:
    texts = {"city": read_texts(REFERENCE / "cities.csv"), "notice": read_texts(REFERENCE / "notices.csv")}
    add_missing(apps.get_model("servicing", "ServiceCentre").objects.all(), texts)


class Migration(migrations.Migration):

    dependencies = [
        ('servicing', '0025_card_checks'),
    ]

    operations = [
        migrations.RunPython(add_translations, migrations.RunPython.noop),
    ]
