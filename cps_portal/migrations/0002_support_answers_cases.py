"""Support answers cases; the Programme group words canned answers too."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUPS = {
    "Support": [
        "view_case", "answer_case", "view_casemessage", "view_cannedanswer", "add_cannedanswer", "change_cannedanswer",
        "delete_cannedanswer",
    ],
    "Programme": ["view_cannedanswer", "add_cannedanswer", "change_cannedanswer", "delete_cannedanswer"],
}


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    # Permissions are otherwise made after the last migration, too late for this one.
    config = apps.get_app_config("cases")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    for name, wanted in GROUPS.items():
        rights = Permission.objects.filter(content_type__app_label="cases", codename__in=wanted)
        Group.objects.get(name=name).permissions.add(*rights)


def take_back(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for group in Group.objects.filter(name__in=GROUPS):
        group.permissions.remove(*group.permissions.filter(content_type__app_label="cases"))


class Migration(migrations.Migration):
    dependencies = [
        ("cps_portal", "0001_staff_groups"),
        ("cases", "0001_the_cases"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
