import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0006_desk_keys'),
    ]

    operations = [
        migrations.CreateModel(
            name='MemberView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=200, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='from')),
                ('until', models.DateTimeField(verbose_name='until')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='viewed_by_staff', to='members.member', verbose_name='member')),
            ],
            options={
                'verbose_name': 'view as a member',
                'verbose_name_plural': 'views as a member',
                'ordering': ['-pk'],
                'permissions': [('view_as_member', 'Can look at the portal as a member')],
                'indexes': [models.Index(fields=['member', '-at'], name='member_view_by_member')],
                'constraints': [
                    models.CheckConstraint(condition=models.Q(('until__gt', models.F('at'))), name='member_view_ends'),
                    models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__range', (models.F('at'), models.F('until'))), _connector='OR'), name='member_view_ended_in_it'),
                ],
            },
        ),
        migrations.CreateModel(
            name='StaffAccess',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('page', 'Page opened'), ('file', 'File opened'), ('export', 'List downloaded'), ('view_as', 'Seen as the member')], max_length=10, verbose_name='kind')),
                ('door', models.CharField(choices=[('desk', 'desk'), ('site', 'member’s page'), ('api', 'API'), ('worker', 'background work')], max_length=10, verbose_name='where')),
                ('page', models.CharField(max_length=100, verbose_name='page')),
                ('model', models.CharField(blank=True, max_length=80, verbose_name='what')),
                ('key', models.BigIntegerField(null=True, verbose_name='key')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('member', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='staff_accesses', to='members.member', verbose_name='member')),
            ],
            options={
                'verbose_name': 'access by staff',
                'verbose_name_plural': 'accesses by staff',
                'ordering': ['-pk'],
                'permissions': [('export_trail', 'Can download the audit trail of a member')],
                'indexes': [models.Index(fields=['member', '-at'], name='staff_access_by_member')],
            },
        ),
    ]
