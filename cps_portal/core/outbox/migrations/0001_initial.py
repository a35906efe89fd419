from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Message',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200, unique=True, verbose_name='key')),
                ('kind', models.CharField(choices=[('mail', 'E-mail'), ('webhook', 'Webhook')], max_length=10, verbose_name='kind')),
                ('ordering_key', models.CharField(db_column='lane', db_default='mail', default='mail', max_length=40, verbose_name='ordering key')),
                ('to', models.CharField(blank=True, max_length=500, verbose_name='to')),
                ('payload', models.JSONField(blank=True, default=dict, verbose_name='content')),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('sending', 'Being sent'), ('sent', 'Sent'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('held', 'Held: may have left before a restore')], default='queued', max_length=10, verbose_name='state')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('created_at', models.DateTimeField(verbose_name='written')),
                ('next_at', models.DateTimeField(blank=True, null=True, verbose_name='next attempt')),
                ('claim', models.UUIDField(blank=True, null=True, verbose_name='claim')),
                ('sent_at', models.DateTimeField(blank=True, null=True, verbose_name='sent')),
                ('answer', models.TextField(blank=True, verbose_name='last answer')),
                ('blanked_at', models.DateTimeField(blank=True, null=True, verbose_name='blanked')),
                ('request_id', models.CharField(blank=True, db_default='', default='', max_length=64, verbose_name='request')),
            ],
            options={
                'verbose_name': 'message',
                'verbose_name_plural': 'messages',
                'indexes': [models.Index(condition=models.Q(('state__in', ('queued', 'sending'))), fields=['next_at', 'id'], name='outbox_message_due'), models.Index(condition=models.Q(('state__in', ('queued', 'sending'))), fields=['ordering_key', 'next_at', 'id'], name='outbox_message_lane'), models.Index(condition=models.Q(('blanked_at', None)), fields=['created_at'], name='outbox_message_to_blank'), models.Index(condition=models.Q(('state__in', ('failed', 'held'))), fields=['created_at'], name='outbox_message_trouble')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'sending', 'sent', 'failed', 'cancelled', 'held'])), name='outbox_message_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('next_at__isnull', False), ('state__in', ('queued', 'sending'))), models.Q(('next_at', None), ('state__in', ['sent', 'failed', 'cancelled', 'held'])), _connector='OR'), name='outbox_message_next_at_while_open'), models.CheckConstraint(condition=models.Q(models.Q(('claim__isnull', False), ('state', 'sending')), models.Q(models.Q(('state', 'sending'), _negated=True), ('claim', None)), _connector='OR'), name='outbox_message_claim_while_sending'), models.CheckConstraint(condition=models.Q(models.Q(('sent_at__isnull', False), ('state', 'sent')), models.Q(models.Q(('state', 'sent'), _negated=True), ('sent_at', None)), _connector='OR'), name='outbox_message_sent_at_when_sent'), models.CheckConstraint(condition=models.Q(('blanked_at', None), models.Q(('answer', ''), ('payload', {}), ('state__in', ('sent', 'failed', 'cancelled')), ('to', '')), _connector='OR'), name='outbox_message_blanked_is_empty')],
            },
        ),
    ]
