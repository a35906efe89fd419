"""The Programme group plans other points for the levels, over a preview; thresholds in force are history."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEEN = ["view_thresholdplan", "view_thresholdannouncement"]
GROUPS = {"Support": SEEN, "Programme": [*SEEN, "plan_thresholds", "view_thresholdplanevent"]}
NO_LONGER = ["add_levelthreshold", "change_levelthreshold", "delete_levelthreshold"]
RIGHTS = {right for rights in GROUPS.values() for right in rights}


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    # Permissions are otherwise made after the last migration, too late for this one.
    config = apps.get_app_config("members")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    for name, wanted in GROUPS.items():
        rights = Permission.objects.filter(content_type__app_label="members", codename__in=wanted)
        group = Group.objects.get(name=name)
        group.permissions.add(*rights)
        group.permissions.remove(*Permission.objects.filter(content_type__app_label="members", codename__in=NO_LONGER))


def take_back(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for group in Group.objects.filter(name__in=GROUPS):
        rights = group.permissions.filter(content_type__app_label="members", codename__in=RIGHTS)
        group.permissions.remove(*rights)


class Migration(migrations.Migration):
    dependencies = [
        ("cps_portal", "0005_stolen_kit_and_retailers"),
        ("members", "0003_threshold_plans"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
