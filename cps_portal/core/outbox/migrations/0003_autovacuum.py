from django.db import migrations

# Every message is written once and updated two to four times within minutes, and old ones are blanked and deleted every
# night. By default PostgreSQL would clean up after a fifth of all messages that were ever written; this is a fiftieth.
OPTIONS = ("autovacuum_vacuum_scale_factor", "autovacuum_analyze_scale_factor")


class Migration(migrations.Migration):

    dependencies = [("outbox", "0002_suppression")]

    operations = [
        migrations.RunSQL(
            "alter table outbox_message set (" + ", ".join(f"{option} = 0.02" for option in OPTIONS) + ")",
            "alter table outbox_message reset (" + ", ".join(OPTIONS) + ")",
        )
    ]
