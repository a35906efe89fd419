"""What staff may do with the credentials of partners, what these asked for, and what retailers sold (R54, R55)."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUPS = {
    "Support": {
        "partners": ["view_credential", "view_call", "view_keptanswer"],
        "kitbag": ["view_sale"],
    },
    "Programme": {
        "partners": ["view_credential", "add_credential", "change_credential", "issue_credential",
                     "view_credentialevent", "view_call", "view_keptanswer"],
        "kitbag": ["view_sale"],
    },
}
APPS = ["kitbag", "partners"]


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    # Permissions are otherwise made after the last migration, too late for this one.
    for label in APPS:
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
        config.models_module = None
    for name, wanted in GROUPS.items():
        for label, rights in wanted.items():
            known = Permission.objects.filter(content_type__app_label=label, codename__in=rights)
            Group.objects.get(name=name).permissions.add(*known)


def take_back(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for group in Group.objects.filter(name__in=GROUPS):
        for label, rights in GROUPS[group.name].items():
            known = group.permissions.filter(content_type__app_label=label, codename__in=rights)
            group.permissions.remove(*known)


class Migration(migrations.Migration):
    dependencies = [
        ("cps_portal", "0007_rights_to_offers_and_service"),
        ("partners", "0005_credentials_replaced"),
        ("kitbag", "0010_sales"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
