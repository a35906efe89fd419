from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [("outbox", "0003_autovacuum")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                Lower("to"),
                models.F("id").desc(),
                name="outbox_message_recipient",
                condition=models.Q(blanked_at=None),
            ),
        )
    ]
