"""Support looks after Welcome Packs; the Programme group says what is in them (R39, R54)."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUPS = {
    "Support": ["view_welcomepack", "change_welcomepack", "view_packevent", "view_packitem"],
    "Programme": ["view_packitem", "add_packitem", "change_packitem"],
}
RIGHTS = {right for rights in GROUPS.values() for right in rights}


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    # Permissions are otherwise made after the last migration, too late for this one.
    config = apps.get_app_config("offers")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    for name, wanted in GROUPS.items():
        rights = Permission.objects.filter(content_type__app_label="offers", codename__in=wanted)
        Group.objects.get(name=name).permissions.add(*rights)


def take_back(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for group in Group.objects.filter(name__in=GROUPS):
        rights = group.permissions.filter(content_type__app_label="offers", codename__in=RIGHTS)
        group.permissions.remove(*rights)


class Migration(migrations.Migration):
    dependencies = [
        ("cps_portal", "0011_rights_to_offers"),
        ("offers", "0001_offers_packs_and_cards"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
