"""Support sees and decides claims, and sees appeals (R19, R32)."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

WANTED = ["view_claim", "decide_claim", "view_claimevent", "view_appeal", "view_appealevent"]


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    # Permissions are otherwise made after the last migration, too late for this one.
    config = apps.get_app_config("kitbag")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    rights = Permission.objects.filter(content_type__app_label="kitbag", codename__in=WANTED)
    Group.objects.get(name="Support").permissions.add(*rights)


def take_back(apps, schema_editor):
    for group in apps.get_model("auth", "Group").objects.filter(name="Support"):
        rights = group.permissions.filter(content_type__app_label="kitbag", codename__in=WANTED)
        group.permissions.remove(*rights)


class Migration(migrations.Migration):
    dependencies = [
        ("cps_portal", "0002_support_answers_cases"),
        ("kitbag", "0004_ownership_and_retailers"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
