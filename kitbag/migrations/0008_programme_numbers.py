"""The right to see the numbers of the programme (R54)."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("kitbag", "0007_moments")]

    operations = [
        migrations.AlterModelOptions(
            name="stagechange",
            options={
                "ordering": ["-effective_on", "-pk"],
                "permissions": [
                    ("plan_stagechange", "Can plan, change and cancel changes of products"),
                    ("view_programme_numbers", "Can see and download the numbers of the programme"),
                ],
                "verbose_name": "planned change",
                "verbose_name_plural": "planned changes",
            },
        ),
    ]
