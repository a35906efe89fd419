"""The price that a member paid for a product, and groups of products under names of theirs (R25)."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("kitbag", "0010_missed_searches"), ("members", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="KitGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, verbose_name="name")),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="kit_groups",
                        to="members.member",
                        verbose_name="member",
                    ),
                ),
            ],
            options={
                "verbose_name": "group of products",
                "verbose_name_plural": "groups of products",
                "ordering": ["name", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        "member",
                        Lower("name"),
                        name="kit_group_name_once",
                        violation_error_message="You have a group of this name already.",
                    ),
                ],
            },
        ),
        migrations.AddField(
            "ownerdetails",
            "price",
            models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True, verbose_name="price paid"),
        ),
        migrations.AddField(
            "ownerdetails",
            "currency",
            models.CharField(blank=True, db_default="", max_length=3, verbose_name="currency"),
        ),
        migrations.AddField(
            "ownerdetails",
            "proof",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="kitbag.evidence",
                verbose_name="proof of the price",
            ),
        ),
        migrations.AddField(
            "ownerdetails",
            "group",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="products",
                to="kitbag.kitgroup",
                verbose_name="group",
            ),
        ),
        migrations.AddConstraint(
            "ownerdetails",
            models.CheckConstraint(
                name="owner_details_price_and_currency",
                condition=Q(price=None, currency="")
                | Q(price__isnull=False, price__gte=0, currency__regex=r"^[A-Z]{3}$"),
            ),
        ),
    ]
