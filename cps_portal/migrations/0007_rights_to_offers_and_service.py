"""What staff may do with partners, offers, Welcome Packs, cards and jobs (R38 to R41, R54, R55, R59)."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

PARTNERS = ["view_partner", "view_webhookendpoint", "view_attempt", "operate_webhookendpoint"]
JOBS = ["ticket", "ticketevent", "ticketmessage", "ticketfile", "estimate", "estimateline", "part", "parcel",
        "visitingmember", "loan", "loanunit"]
GROUPS = {
    "Support": {
        "partners": PARTNERS,
        "offers": ["view_card", "change_card", "view_cardevent", "view_offer", "view_signup", "view_welcomepack",
                   "change_welcomepack", "view_packevent", "view_packitem"],
        "servicing": [*(f"view_{model}" for model in JOBS), "view_tickethistoryevent", "view_estimatehistoryevent",
                      "change_loan", "add_loanunit", "change_loanunit", "view_every_ticket", "work_on_ticket"],
        "kitbag": ["view_hold"],
    },
    "Programme": {
        "partners": [*PARTNERS, "add_partner", "change_partner", "add_webhookendpoint", "change_webhookendpoint",
                     "view_partnerevent", "view_webhookendpointevent", "view_endpointsecretevent"],
        "offers": ["view_offer", "add_offer", "change_offer", "view_offerevent", "view_signup", "view_packitem",
                   "add_packitem", "change_packitem"],
        "servicing": ["view_ticket", "view_loan", "view_loanunit", "add_loanunit", "change_loanunit",
                      "view_every_ticket", "view_closure", "add_closure", "change_closure", "delete_closure",
                      "view_centrestaff", "add_centrestaff", "change_centrestaff", "delete_centrestaff",
                      "view_servicecentreevent"],
    },
    "Centre": {
        "servicing": ["view_ticket", "view_visitingmember", "view_loan", "change_loan", "view_loanunit",
                      "add_loanunit", "change_loanunit", "work_on_ticket"],
    },
}
APPS = sorted({label for wanted in GROUPS.values() for label in wanted})


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
        ("cps_portal", "0006_rights_to_plan_levels"),
        ("partners", "0003_endpoint_history"),
        ("offers", "0001_offers_packs_and_cards"),
        ("servicing", "0002_tickets_and_loans"),
        ("kitbag", "0009_holds"),
    ]

    operations = [migrations.RunPython(make_groups, take_back)]
