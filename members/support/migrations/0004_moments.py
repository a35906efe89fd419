"""A small index for the numbers by month (R54)."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [("cases", "0003_inbox")]

    operations = [
        AddIndexConcurrently(
            "case",
            BrinIndex(fields=["opened_at"], name="case_opened", opclasses=["timestamptz_minmax_multi_ops"]),
        ),
    ]
