"""The index of accounts whose password has a hash of before, which sign-in asks after a wrong password."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [("members", "0015_push")]

    operations = [
        AddIndexConcurrently(
            "user",
            models.Index(
                condition=models.Q(("password__startswith", "argon2$argon2id$v=19$m=102400,t=2,p=8$")),
                fields=["id"],
                name="user_former_hash",
            ),
        ),
    ]
