"""Indexes for the orders of the desk's lists, the filters of the API's list, and the sweep of validations (R54, R55)."""

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False  # PostgreSQL builds an index beside running writes only outside a transaction

    dependencies = [
        ('kitbag', '0012_unchecked'),
        ('members', '0016_former_hashes'),
        ('partners', '0001_initial'),
        ('servicing', '0021_translated_cities'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='parcel',
            index=models.Index(fields=['-made_at', '-id'], name='parcel_made'),
        ),
        AddIndexConcurrently(
            model_name='shipment',
            index=models.Index(fields=['sent_at', 'id'], name='shipment_sent'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ('waiting', 'requested', 'accepted', 'in_transit', 'booked_in', 'assessed', 'estimate_sent', 'approved', 'declined', 'waiting_parts', 'in_repair', 'ready', 'shipped'))), fields=['-same_fault', 'due_at', 'opened_at', 'id'], name='ticket_queue'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(fields=['-same_fault', 'due_at', 'opened_at', 'id'], name='ticket_in_order'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(fields=['centre', 'serial', 'opened_at', 'id'], name='ticket_centre_serial'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(fields=['centre', 'state', 'opened_at', 'id'], name='ticket_centre_state'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(condition=models.Q(('ended_at', None)), fields=['centre', 'opened_at', 'id'], name='ticket_centre_open'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(condition=models.Q(models.Q(('state__in', ('closed', 'cancelled')), _negated=True), ('track', 'standard'), ('why_standard__contains', ['not_validated'])), fields=['registration'], name='ticket_not_validated'),
        ),
    ]
