"""The index of jobs by when they were ready, for the numbers by month (R44, R54)."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [("servicing", "0015_ready_sets")]

    operations = [
        AddIndexConcurrently(
            "ticket",
            models.Index(
                condition=models.Q(("ready_at__isnull", False)), fields=["ready_at"], name="ticket_ready"
            ),
        ),
    ]
