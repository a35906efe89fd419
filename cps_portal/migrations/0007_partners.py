"""Support sees what partners are told, and starts it again; the Programme group looks after partners (R38, R55)."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEEN = ["view_partner", "view_webhookendpoint", "view_attempt", "operate_webhookendpoint"]
GROUPS = {
    "Support": SEEN,
    "Programme": [
        *SEEN, "add_partner", "change_partner", "add_webhookendpoint", "change_webhookendpoint", "view_partnerevent",
        "view_webhookendpointevent", "view_endpointsecretevent",
    ],
}  # fmt: skip
RIGHTS = {right for rights in GROUPS.values() for right in rights}


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    # Permissions are otherwise made after the last migration, too late for this one.
    config = apps.get_app_config("partners")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    for name, wanted in GROUPS.items():
        rights = Permission.objects.filter(content_type__app_label="partners", codename__in=wanted)
        Group.objects.get(name=name).permissions.add(*rights)


def take_back(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for group in Group.objects.filter(name__in=GROUPS):
        rights = group.permissions.filter(content_type__app_label="partners", codename__in=RIGHTS)
        group.permissions.remove(*rights)


class Migration(migrations.Migration):
    dependencies = [
        ("cps_portal", "0006_rights_to_plan_levels"),
        ("partners", "0003_endpoint_history"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
