"""Members' own photos of their products (R25)."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [("files", "0001_initial"), ("kitbag", "0009_wording")]

    operations = [
        migrations.CreateModel(
            name="OwnerDetails",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "registration",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="owner_details",
                        to="kitbag.registration",
                        verbose_name="registration",
                    ),
                ),
                (
                    "photo",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="product_photo",
                        to="files.storedfile",
                        verbose_name="photo",
                    ),
                ),
                (
                    "thumbnail",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="product_thumbnail",
                        to="files.storedfile",
                        verbose_name="thumbnail",
                    ),
                ),
            ],
            options={
                "verbose_name": "private details of a product",
                "verbose_name_plural": "private details of products",
                "constraints": [
                    models.CheckConstraint(
                        name="owner_details_photo_and_thumbnail",
                        condition=Q(photo=None, thumbnail=None) | Q(photo__isnull=False, thumbnail__isnull=False),
                    ),
                ],
            },
        ),
    ]
