"""Small indexes for the numbers by month (R54)."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [("kitbag", "0006_merged_accounts")]

    operations = [
        AddIndexConcurrently("pointsentry", BrinIndex(fields=["at"], name="points_entry_at")),
        AddIndexConcurrently(
            "registration",
            BrinIndex(
                fields=["submitted_at", "decided_at"],
                name="registration_moments",
                opclasses=["timestamptz_minmax_multi_ops"] * 2,
            ),
        ),
    ]
