"""Whether the dashboard offers a passkey. Whoever has one already is offered none."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def offer_none_to_those_with_a_passkey(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    owners = apps.get_model("mfa", "Authenticator").objects.filter(type="webauthn").values("user")
    apps.get_model("members", "User").objects.filter(pk__in=owners).update(passkey_offer=False)


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0013_wording"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="passkey_offer",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="until they have one, or don’t want one",
                verbose_name="is offered a passkey",
            ),
        ),
        migrations.RunPython(offer_none_to_those_with_a_passkey, migrations.RunPython.noop),
    ]
