"""The groups of staff, with only what each needs."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

APPS = ["outbox", "members", "kitbag", "servicing"]


def rights(app, models, *verbs):
    return [f"{app}.{verb}_{model}" for model in models for verb in verbs]


GROUPS = {
    "Support": [
        *rights("members", ["levelchange", "termsacceptance", "notice", "memberevent"], "view"),
        *rights("members", ["countryprogramme", "levelthreshold", "levelbenefit", "termsversion"], "view"),
        *rights("members", ["member"], "view", "change"),
        *rights("kitbag", ["registration", "registrationevent", "pointsentry"], "view"),
        *rights("kitbag", ["product", "productname", "serialshape"], "view"),
        "kitbag.decide_registration",
        *rights("servicing", ["servicecentre"], "view"),
        *rights("outbox", ["message"], "view"),
    ],
    "Programme": [
        *rights("members", ["countryprogramme", "levelbenefit", "termsversion"], "view", "add", "change"),
        *rights("members", ["levelthreshold"], "view", "add", "change", "delete"),
        *rights("members", ["countryprogrammeevent", "levelthresholdevent", "levelbenefitevent"], "view"),
        *rights("kitbag", ["product"], "view", "change"),
        *rights("kitbag", ["productname"], "view", "add", "change", "delete"),
        *rights("kitbag", ["serialshape"], "view", "add", "change"),
        *rights("kitbag", ["catalogueproposal", "productevent"], "view"),
        *rights("servicing", ["servicecentre"], "view", "add", "change"),
    ],
    "Centre": rights("servicing", ["servicecentre"], "view"),
}


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    # Permissions are otherwise made after the last migration, too late for this one.
    for label in APPS:
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
        config.models_module = None
    known = {
        f"{right.content_type.app_label}.{right.codename}": right
        for right in Permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type")
    }
    for name, wanted in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(known[right] for right in wanted))


def drop_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("members", "0001_initial"),
        ("kitbag", "0002_decide_permission"),
        ("servicing", "0001_initial"),
        ("outbox", "0001_the_outbox"),
    ]

    operations = [migrations.RunPython(make_groups, drop_groups)]
