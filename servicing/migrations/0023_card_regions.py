"""The region of a foreign card is one of a list: what was typed is read as one of them, or kept as another one (R5)."""

import re
from typing import Any

from django.db import migrations, models

REGIONS = {
    "americas": (
        "americas", "america", "north america", "south america", "central america", "latin america", "us", "usa",
        "united states", "united states of america", "canada", "mexico", "brazil",
    ),
    "japan": ("japan", "jp", "cps japan"),
    "china": ("china", "cn", "prc", "mainland china"),
    "asia": ("asia", "asia elsewhere", "south asia", "south east asia", "southeast asia", "asia pacific"),
    "oceania": ("oceania", "australia", "new zealand", "australasia", "au", "nz"),
    "subscription": ("subscription", "emea subscription", "europe"),
}
BY_NAME = {name: region for region, names in REGIONS.items() for name in names}


def read_regions(apps: Any, schema_editor: Any) -> None:
    visitors = apps.get_model("servicing", "VisitingMember").objects
    for text in set(visitors.order_by().values_list("region", flat=True)):
        region = BY_NAME.get(" ".join(re.findall(r"\w+", text.casefold())), "other")
        rows = visitors.filter(region=text)
        if region == "other":
            rows.filter(erased_at=None).update(region_text=text)
        rows.update(region=region)


def write_names(apps: Any, schema_editor: Any) -> None:
    """Back: what was typed as another region. A code is a text as good as any other."""
    visitors = apps.get_model("servicing", "VisitingMember").objects
    visitors.exclude(region_text="").update(region=models.F("region_text"))


class Migration(migrations.Migration):

    dependencies = [
        ('servicing', '0022_list_orders'),
    ]

    operations = [
        migrations.AddField(
            model_name='visitingmember',
            name='region_text',
            field=models.CharField(blank=True, db_default='', help_text='If it is another region.', max_length=60, verbose_name='region, as on the card'),
        ),
        migrations.RunPython(read_regions, write_names),
        migrations.AlterField(
            model_name='visitingmember',
            name='region',
            field=models.CharField(choices=[('americas', 'Americas'), ('japan', 'Japan'), ('china', 'China'), ('asia', 'Asia, elsewhere'), ('oceania', 'Oceania'), ('subscription', 'Subscription programme in Europe'), ('other', 'Another region')], max_length=60, verbose_name='region of the card'),
        ),
    ]
