"""The index of registrations that nobody has checked yet, for the task that looks for them each minute (R19)."""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [
        ('kitbag', '0011_price_and_groups'),
        ('members', '0016_former_hashes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='registration',
            index=models.Index(condition=models.Q(('review_reason__in', ['', 'duplicate']), ('state', 'submitted')), fields=['submitted_at'], name='registration_unchecked'),
        ),
    ]
