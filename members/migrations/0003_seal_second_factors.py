"""Encrypt the secrets of authenticator apps and recovery codes that were stored as text."""

from collections.abc import Callable

from django.db import migrations

from cps_portal.core.lib.sealing import Purpose, seal, unseal


def _convert(apps, convert: Callable[[str, Purpose], str]) -> None:
    Authenticator = apps.get_model("mfa", "Authenticator")
    for row in Authenticator.objects.filter(type__in=["totp", "recovery_codes"]).iterator():
        row.data |= {name: convert(row.data[name], Purpose.SECOND_FACTORS) for name in ("secret", "seed") if name in row.data}
        row.save(update_fields=["data"])


def seal_all(apps, schema_editor) -> None:
    _convert(apps, seal)


def unseal_all(apps, schema_editor) -> None:
    _convert(apps, unseal)


class Migration(migrations.Migration):
    dependencies = [("members", "0002_members"), ("mfa", "0003_authenticator_type_uniq")]

    operations = [migrations.RunPython(seal_all, unseal_all)]
