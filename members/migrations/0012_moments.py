"""A small index for the numbers by month (R54)."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [("members", "0011_two_people_history")]

    operations = [
        AddIndexConcurrently("levelchange", BrinIndex(fields=["at"], name="level_change_at")),
    ]
