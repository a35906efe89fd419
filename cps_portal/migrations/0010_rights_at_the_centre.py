"""A centre works on its own tickets; support on every one; the programme looks (R54, R55)."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

ALL = ["ticket", "ticketevent", "ticketmessage", "ticketfile", "estimate", "estimateline", "part", "parcel",
       "visitingmember", "loan", "loanunit"]  # fmt: skip
GROUPS = {
    "Support": {
        "servicing": [*(f"view_{model}" for model in ALL), "view_tickethistoryevent", "view_estimatehistoryevent",
                      "change_loan", "add_loanunit", "change_loanunit", "view_every_ticket", "work_on_ticket"],
        "kitbag": ["view_hold"],
    },
    "Programme": {
        "servicing": ["view_ticket", "view_loan", "view_loanunit", "add_loanunit", "change_loanunit",
                      "view_every_ticket", "view_closure", "add_closure", "change_closure", "delete_closure",
                      "view_centrestaff", "add_centrestaff", "change_centrestaff", "delete_centrestaff",
                      "view_servicecentreevent"],
    },
    "Centre": {
        "servicing": ["view_ticket", "view_visitingmember", "view_loan", "change_loan", "view_loanunit",
                      "add_loanunit", "change_loanunit", "work_on_ticket"],
    },
}  # fmt: skip
RIGHTS = {right for apps in GROUPS.values() for rights in apps.values() for right in rights}


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    # Permissions are otherwise made after the last migration, too late for this one.
    for label in ("servicing", "kitbag"):
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
        group.permissions.remove(
            *group.permissions.filter(content_type__app_label__in=["servicing", "kitbag"], codename__in=RIGHTS)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("cps_portal", "0009_cards"),
        ("servicing", "0002_tickets_and_loans"),
        ("kitbag", "0009_holds"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
