"""Support sees handovers and looks after stolen kit (R34, R35); the Programme group looks after retailers (R24)."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SEEN = ["view_retailer", "view_authorisedperiod"]
GROUPS = {
    "Support": [
        *SEEN, "view_handover", "view_handoverevent", "view_stolenreport", "add_stolenreport", "lift_stolenreport",
        "view_stolenreportevent", "view_encounter",
    ],
    "Programme": [
        *SEEN, "add_retailer", "change_retailer", "view_retailerevent", "add_authorisedperiod",
        "change_authorisedperiod", "delete_authorisedperiod", "view_authorisedperiodevent",
    ],
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
        ("cps_portal", "0004_rights_to_plan"),
        ("kitbag", "0004_ownership_and_retailers"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
