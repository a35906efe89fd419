"""A small index for the numbers by month (R54)."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [("offers", "0004_tracking_numbers")]

    operations = [
        AddIndexConcurrently("packevent", BrinIndex(fields=["occurred_at"], name="pack_event_occurred")),
    ]
