"""The shipped texts of the Welcome Pack in the other languages, for rows from before there were any (R56)."""

from pathlib import Path
from typing import Any

from django.db import migrations

from cps_portal.core.lib.translations import add_missing, read_texts

TEXTS_FILE = Path(__file__).parents[2] / "reference" / "welcome_pack.csv"


def add_translations(apps: Any, schema_editor: Any) -> None:
    texts = read_texts(TEXTS_FILE)
    add_missing(apps.get_model("offers", "Offer").objects.all(), {"title": texts, "summary": texts})
    add_missing(apps.get_model("offers", "PackItem").objects.all(), {"name": texts})


class Migration(migrations.Migration):

    dependencies = [
        ('offers', '0008_open_to_guests'),
    ]

    operations = [
        migrations.RunPython(add_translations, migrations.RunPython.noop),
    ]
