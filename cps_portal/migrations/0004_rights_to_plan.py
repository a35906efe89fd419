"""The Programme group plans changes of products; Support adjusts points. Both see what is planned and why."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEEN = ["view_stagechange", "view_announcement", "view_adjustment", "view_ledgercheck"]
GROUPS = {
    "Support": [*SEEN, "adjust_points", "view_adjustmentevent"],
    "Programme": [*SEEN, "plan_stagechange", "view_stagechangeevent"],
}
RIGHTS = {right for rights in GROUPS.values() for right in rights}


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    # Permissions are otherwise made after the last migration, too late for this one.
    config = apps.get_app_config("kitbag")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    for name, wanted in GROUPS.items():
        rights = Permission.objects.filter(content_type__app_label="kitbag", codename__in=wanted)
        Group.objects.get(name=name).permissions.add(*rights)


def take_back(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for group in Group.objects.filter(name__in=GROUPS):
        rights = group.permissions.filter(content_type__app_label="kitbag", codename__in=RIGHTS)
        group.permissions.remove(*rights)


class Migration(migrations.Migration):
    dependencies = [
        ("cps_portal", "0003_support_decides_claims"),
        ("kitbag", "0003_planned_changes"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
