import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


def index(name):
    signs = models.Func(
        "tracking", models.Value("[^0-9A-Za-z]"), models.Value(""), models.Value("g"), function="regexp_replace"
    )
    return models.Index(
        django.db.models.functions.text.Upper(signs), name=name, condition=models.Q(("tracking", ""), _negated=True)
    )


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [("offers", "0003_merged_accounts")]

    operations = [
        AddIndexConcurrently("welcomepack", index("welcome_pack_tracking")),
        AddIndexConcurrently("cardrequest", index("card_request_tracking")),
    ]
