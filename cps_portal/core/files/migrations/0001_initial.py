import cps_portal.core.files.models
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('members', '__first__'),
        # Its 22 migrations take three times as long once all our models are in the migration state.
        ('oauth2_provider', '__latest__'),
    ]

    operations = [
        migrations.CreateModel(
            name='StoredFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(default=cps_portal.core.files.models.new_key, editable=False, max_length=32, unique=True)),
                ('purpose', models.CharField(max_length=20, verbose_name='purpose')),
                ('kind', models.CharField(choices=[('jpeg', 'Image'), ('pdf', 'PDF')], max_length=5, verbose_name='kind')),
                ('size', models.PositiveIntegerField(verbose_name='size in bytes')),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='SHA-256')),
                ('original_name', models.CharField(blank=True, max_length=120, verbose_name='name when uploaded')),
                ('stored_as', models.CharField(blank=True, editable=False, max_length=80)),
                ('created_at', models.DateTimeField(verbose_name='uploaded')),
                ('attached_at', models.DateTimeField(blank=True, null=True, verbose_name='attached')),
                ('erased_at', models.DateTimeField(blank=True, null=True, verbose_name='erased')),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stored_files', to=settings.AUTH_USER_MODEL, verbose_name='uploaded by')),
            ],
            options={
                'verbose_name': 'stored file',
                'verbose_name_plural': 'stored files',
                'ordering': ['-pk'],
                'indexes': [models.Index(condition=models.Q(('attached_at', None), ('erased_at', None)), fields=['created_at'], name='stored_file_orphans')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['jpeg', 'pdf'])), name='stored_file_kind_known'), models.CheckConstraint(condition=models.Q(models.Q(('erased_at', None), models.Q(('stored_as', ''), _negated=True)), models.Q(('digest', ''), ('erased_at__isnull', False), ('original_name', ''), ('stored_as', '')), _connector='OR'), name='stored_file_erased_is_empty')],
            },
        ),
    ]
