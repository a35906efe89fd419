from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("kitbag", "0009_own_photo")]

    operations = [
        migrations.CreateModel(
            name="MissedSearch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("text", models.CharField(max_length=60, verbose_name="text")),
                ("count", models.PositiveIntegerField(verbose_name="searches")),
                ("counted_at", models.DateTimeField(verbose_name="counted last")),
            ],
            options={
                "verbose_name": "search without a result",
                "verbose_name_plural": "searches without a result",
                "ordering": ["-day", "-count", "text"],
                "constraints": [models.UniqueConstraint(fields=("day", "text"), name="missed_search_once")],
            },
        ),
    ]
