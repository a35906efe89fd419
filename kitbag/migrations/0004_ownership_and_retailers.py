import django.db.models.deletion
import django.db.models.functions.text
import django_countries.fields
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cases', '0001_the_cases'),
        ('kitbag', '0003_planned_changes'),
        ('members', '0003_threshold_plans'),
        ('members', '__first__'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='Appeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(blank=True, max_length=2000, verbose_name='what the member says')),
                ('refusal_reason', models.CharField(max_length=20, verbose_name='refused because')),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('granted', models.BooleanField(blank=True, null=True, verbose_name='granted')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('case', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.case', verbose_name='case')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('refused_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='refused by')),
                ('registration', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='appeal', to='kitbag.registration', verbose_name='registration')),
            ],
            options={
                'verbose_name': 'appeal',
                'verbose_name_plural': 'appeals',
                'ordering': ['-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('decided_by', None), ('granted', None)), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False), ('granted__isnull', False)), _connector='OR'), name='appeal_decided'), models.CheckConstraint(condition=models.Q(('decided_by', None), ('refused_by', None), models.Q(('decided_by', models.F('refused_by')), _negated=True), _connector='OR'), name='appeal_second_person', violation_error_message='Somebody else has to decide an appeal than whoever refused.')],
            },
        ),
        migrations.CreateModel(
            name='AppealEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('refusal_reason', models.CharField(max_length=20, verbose_name='refused because')),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('granted', models.BooleanField(blank=True, null=True, verbose_name='granted')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('case', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='cases.case', verbose_name='case')),
                ('decided_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='kitbag.appeal')),
                ('refused_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='refused by')),
                ('registration', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='kitbag.registration', verbose_name='registration')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Retailer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('country', django_countries.fields.CountryField(max_length=2, verbose_name='country')),
                ('kind', models.CharField(choices=[('specialist', 'Camera specialist'), ('professional', 'Photo and video specialist for professionals'), ('chain', 'Electronics chain'), ('online', 'Online shop'), ('other', 'Other')], default='specialist', max_length=12, verbose_name='kind')),
                ('sample', models.BooleanField(default=True, help_text='Assumed, not published by the programme.', verbose_name='sample')),
            ],
            options={
                'verbose_name': 'retailer',
                'verbose_name_plural': 'retailers',
                'ordering': ['country', 'name'],
                'constraints': [models.UniqueConstraint(models.F('country'), django.db.models.functions.text.Lower('name'), name='retailer_once_a_country', violation_error_message='This country has a retailer of this name already.')],
            },
        ),
        migrations.CreateModel(
            name='AuthorisedPeriod',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('begins_on', models.DateField(verbose_name='from')),
                ('ends_on', models.DateField(blank=True, null=True, verbose_name='until')),
                ('retailer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='periods', to='kitbag.retailer', verbose_name='retailer')),
            ],
            options={
                'verbose_name': 'authorised period',
                'verbose_name_plural': 'authorised periods',
                'ordering': ['retailer', 'begins_on'],
                'constraints': [models.UniqueConstraint(fields=('retailer', 'begins_on'), name='authorised_period_once_a_day'), models.CheckConstraint(condition=models.Q(('ends_on', None), ('ends_on__gt', models.F('begins_on')), _connector='OR'), name='authorised_period_lasts', violation_error_message='It ends after it begins.')],
            },
        ),
        migrations.CreateModel(
            name='AuthorisedPeriodEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('begins_on', models.DateField(verbose_name='from')),
                ('ends_on', models.DateField(blank=True, null=True, verbose_name='until')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='kitbag.authorisedperiod')),
                ('retailer', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='kitbag.retailer', verbose_name='retailer')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Claim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('opened_at', models.DateTimeField(verbose_name='opened')),
                ('respond_by', models.DateField(verbose_name='both are asked until')),
                ('outcome', models.CharField(blank=True, choices=[('holder', 'Whoever held it keeps it'), ('claimant', 'It goes to whoever claimed it'), ('neither', 'Neither showed that it is theirs'), ('withdrawn', 'One of them took it back')], max_length=10, verbose_name='outcome')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('claimant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='claims_made', to='kitbag.registration', verbose_name='claimant')),
                ('claimant_case', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.case', verbose_name='case of the claimant')),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('holder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='claims_met', to='kitbag.registration', verbose_name='holder')),
                ('holder_case', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.case', verbose_name='case of the holder')),
            ],
            options={
                'verbose_name': 'claim',
                'verbose_name_plural': 'claims',
                'ordering': ['-pk'],
                'permissions': [('decide_claim', 'Can decide claims')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('outcome', '')), fields=('claimant',), name='claim_one_open'), models.CheckConstraint(condition=models.Q(models.Q(('decided_at', None), ('outcome', '')), models.Q(('outcome__in', ['holder', 'claimant', 'neither', 'withdrawn']), ('decided_at__isnull', False)), _connector='OR'), name='claim_outcome_and_date')],
            },
        ),
        migrations.CreateModel(
            name='ClaimEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('opened_at', models.DateTimeField(verbose_name='opened')),
                ('respond_by', models.DateField(verbose_name='both are asked until')),
                ('outcome', models.CharField(blank=True, choices=[('holder', 'Whoever held it keeps it'), ('claimant', 'It goes to whoever claimed it'), ('neither', 'Neither showed that it is theirs'), ('withdrawn', 'One of them took it back')], max_length=10, verbose_name='outcome')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided')),
                ('claimant', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='kitbag.registration', verbose_name='claimant')),
                ('claimant_case', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='cases.case', verbose_name='case of the claimant')),
                ('decided_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by')),
                ('holder', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='kitbag.registration', verbose_name='holder')),
                ('holder_case', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='cases.case', verbose_name='case of the holder')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='kitbag.claim')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='StolenReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('serial_key', models.CharField(max_length=40, verbose_name='serial number')),
                ('police_reference', models.CharField(blank=True, max_length=80, verbose_name='police reference')),
                ('stolen_on', models.DateField(blank=True, null=True, verbose_name='stolen on')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='where and how')),
                ('reported_at', models.DateTimeField(verbose_name='reported')),
                ('lifted_at', models.DateTimeField(blank=True, null=True, verbose_name='lifted')),
                ('lifted_because', models.CharField(blank=True, max_length=200, verbose_name='lifted because')),
                ('lifted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='lifted by')),
                ('member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stolen_reports', to='members.member', verbose_name='owner')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='stolen_reports', to='kitbag.product', verbose_name='product')),
                ('registration', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='stolen_reports', to='kitbag.registration', verbose_name='registration')),
            ],
            options={
                'verbose_name': 'report of stolen kit',
                'verbose_name_plural': 'reports of stolen kit',
                'ordering': ['-pk'],
                'permissions': [('lift_stolenreport', 'Can lift reports of stolen kit')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at', None)), fields=('product', 'serial_key'), name='stolen_report_one_standing', violation_error_message='This has been reported already.'), models.CheckConstraint(condition=models.Q(models.Q(('lifted_at', None), ('lifted_because', ''), ('lifted_by', None)), models.Q(('lifted_at__isnull', False), ('lifted_by__isnull', False), models.Q(('lifted_because', ''), _negated=True)), _connector='OR'), name='stolen_report_lifted')],
            },
        ),
        migrations.CreateModel(
            name='Encounter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('where', models.CharField(default='registration', max_length=20, verbose_name='where')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('registration', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='kitbag.registration', verbose_name='registration')),
                ('report', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='encounters', to='kitbag.stolenreport', verbose_name='report')),
            ],
            options={
                'verbose_name': 'encounter with stolen kit',
                'verbose_name_plural': 'encounters with stolen kit',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Handover',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code_digest', models.CharField(max_length=64, unique=True)),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('expires_at', models.DateTimeField(verbose_name='valid until')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='taken back')),
                ('redeemed_at', models.DateTimeField(blank=True, null=True, verbose_name='redeemed')),
                ('redeemed_as', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='came_by', to='kitbag.registration', verbose_name='redeemed as')),
                ('registration', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='handovers', to='kitbag.registration', verbose_name='registration')),
            ],
            options={
                'verbose_name': 'handover',
                'verbose_name_plural': 'handovers',
                'ordering': ['-pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('redeemed_at', None), ('revoked_at', None)), fields=('registration',), name='handover_one_open'), models.CheckConstraint(condition=models.Q(models.Q(('redeemed_as', None), ('redeemed_at', None)), models.Q(('redeemed_as__isnull', False), ('redeemed_at__isnull', False), ('revoked_at', None)), _connector='OR'), name='handover_redeemed_as')],
            },
        ),
        migrations.CreateModel(
            name='HandoverEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('expires_at', models.DateTimeField(verbose_name='valid until')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='taken back')),
                ('redeemed_at', models.DateTimeField(blank=True, null=True, verbose_name='redeemed')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='kitbag.handover')),
                ('redeemed_as', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='kitbag.registration', verbose_name='redeemed as')),
                ('registration', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='kitbag.registration', verbose_name='registration')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RetailerEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('country', django_countries.fields.CountryField(max_length=2, verbose_name='country')),
                ('kind', models.CharField(choices=[('specialist', 'Camera specialist'), ('professional', 'Photo and video specialist for professionals'), ('chain', 'Electronics chain'), ('online', 'Online shop'), ('other', 'Other')], default='specialist', max_length=12, verbose_name='kind')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='kitbag.retailer')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='StolenReportEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('serial_key', models.CharField(max_length=40, verbose_name='serial number')),
                ('stolen_on', models.DateField(blank=True, null=True, verbose_name='stolen on')),
                ('reported_at', models.DateTimeField(verbose_name='reported')),
                ('lifted_at', models.DateTimeField(blank=True, null=True, verbose_name='lifted')),
                ('lifted_because', models.CharField(blank=True, max_length=200, verbose_name='lifted because')),
                ('lifted_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='lifted by')),
                ('member', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='members.member', verbose_name='owner')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='kitbag.stolenreport')),
                ('product', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='kitbag.product', verbose_name='product')),
                ('registration', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='kitbag.registration', verbose_name='registration')),
            ],
            options={
                'abstract': False,
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='registration',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='registration',
            name='update_update',
        ),
        migrations.AddField(
            model_name='registration',
            name='asked_for',
            field=models.CharField(blank=True, db_default='', max_length=500, verbose_name='what is needed'),
        ),
        migrations.AddField(
            model_name='registration',
            name='taken_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='taken'),
        ),
        migrations.AddField(
            model_name='registration',
            name='taken_by',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='on the desk of'),
        ),
        migrations.AddField(
            model_name='registrationevent',
            name='asked_for',
            field=models.CharField(blank=True, db_default='', max_length=500, verbose_name='what is needed'),
        ),
        migrations.AlterField(
            model_name='registration',
            name='refusal_reason',
            field=models.CharField(blank=True, choices=[('serial_wrong', 'The serial number is not the one of this product.'), ('serial_unreadable', 'The serial number could not be confirmed.'), ('held_elsewhere', 'This serial number is registered already.'), ('details_wrong', 'The details of the purchase do not fit the product.'), ('needs_serial', 'This product has a serial number. Look again and add it.'), ('needs_evidence', 'We need to see more before it can count.'), ('lost_claim', 'Somebody else showed that this product is theirs.'), ('not_ours', 'This product cannot be registered. Please contact us.')], editable=False, max_length=20, verbose_name='refused because'),
        ),
        migrations.AlterField(
            model_name='registration',
            name='review_reason',
            field=models.CharField(blank=True, choices=[('duplicate', 'Somebody else holds this serial number'), ('shape', 'The serial number has an unusual shape'), ('no_serial', 'There is no serial number on the item'), ('sample', 'Chosen at random'), ('refusals', 'Several of this member’s products were refused'), ('stolen', 'Reported stolen'), ('appeal', 'The member appealed')], editable=False, max_length=20, verbose_name='for a person because'),
        ),
        migrations.AlterField(
            model_name='registrationevent',
            name='refusal_reason',
            field=models.CharField(blank=True, choices=[('serial_wrong', 'The serial number is not the one of this product.'), ('serial_unreadable', 'The serial number could not be confirmed.'), ('held_elsewhere', 'This serial number is registered already.'), ('details_wrong', 'The details of the purchase do not fit the product.'), ('needs_serial', 'This product has a serial number. Look again and add it.'), ('needs_evidence', 'We need to see more before it can count.'), ('lost_claim', 'Somebody else showed that this product is theirs.'), ('not_ours', 'This product cannot be registered. Please contact us.')], editable=False, max_length=20, verbose_name='refused because'),
        ),
        migrations.AlterField(
            model_name='registrationevent',
            name='review_reason',
            field=models.CharField(blank=True, choices=[('duplicate', 'Somebody else holds this serial number'), ('shape', 'The serial number has an unusual shape'), ('no_serial', 'There is no serial number on the item'), ('sample', 'Chosen at random'), ('refusals', 'Several of this member’s products were refused'), ('stolen', 'Reported stolen'), ('appeal', 'The member appealed')], editable=False, max_length=20, verbose_name='for a person because'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='registration',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "kitbag_registrationevent" ("added_at", "asked_for", "country", "decided_at", "decided_by_id", "ended_at", "id", "member_id", "no_serial", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "purchased_on", "refusal_reason", "removal_reason", "review_reason", "serial", "serial_insisted", "serial_key", "state", "store", "submitted_at") VALUES (NEW."added_at", NEW."asked_for", NEW."country", NEW."decided_at", NEW."decided_by_id", NEW."ended_at", NEW."id", NEW."member_id", NEW."no_serial", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."product_id", NEW."purchased_on", NEW."refusal_reason", NEW."removal_reason", NEW."review_reason", NEW."serial", NEW."serial_insisted", NEW."serial_key", NEW."state", NEW."store", NEW."submitted_at"); RETURN NULL;', hash='878e1eb4846b47b2db576b3a7fed959b27a62799', operation='INSERT', pgid='pgtrigger_insert_insert_d0c0d', table='kitbag_registration', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='registration',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."added_at" IS DISTINCT FROM (NEW."added_at") OR OLD."asked_for" IS DISTINCT FROM (NEW."asked_for") OR OLD."country" IS DISTINCT FROM (NEW."country") OR OLD."decided_at" IS DISTINCT FROM (NEW."decided_at") OR OLD."decided_by_id" IS DISTINCT FROM (NEW."decided_by_id") OR OLD."ended_at" IS DISTINCT FROM (NEW."ended_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."member_id" IS DISTINCT FROM (NEW."member_id") OR OLD."no_serial" IS DISTINCT FROM (NEW."no_serial") OR OLD."product_id" IS DISTINCT FROM (NEW."product_id") OR OLD."purchased_on" IS DISTINCT FROM (NEW."purchased_on") OR OLD."refusal_reason" IS DISTINCT FROM (NEW."refusal_reason") OR OLD."removal_reason" IS DISTINCT FROM (NEW."removal_reason") OR OLD."review_reason" IS DISTINCT FROM (NEW."review_reason") OR OLD."serial" IS DISTINCT FROM (NEW."serial") OR OLD."serial_insisted" IS DISTINCT FROM (NEW."serial_insisted") OR OLD."serial_key" IS DISTINCT FROM (NEW."serial_key") OR OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."store" IS DISTINCT FROM (NEW."store") OR OLD."submitted_at" IS DISTINCT FROM (NEW."submitted_at"))', func='INSERT INTO "kitbag_registrationevent" ("added_at", "asked_for", "country", "decided_at", "decided_by_id", "ended_at", "id", "member_id", "no_serial", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "purchased_on", "refusal_reason", "removal_reason", "review_reason", "serial", "serial_insisted", "serial_key", "state", "store", "submitted_at") VALUES (NEW."added_at", NEW."asked_for", NEW."country", NEW."decided_at", NEW."decided_by_id", NEW."ended_at", NEW."id", NEW."member_id", NEW."no_serial", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."product_id", NEW."purchased_on", NEW."refusal_reason", NEW."removal_reason", NEW."review_reason", NEW."serial", NEW."serial_insisted", NEW."serial_key", NEW."state", NEW."store", NEW."submitted_at"); RETURN NULL;', hash='c6ff81a9a70c18cbba39aac538dd194dc8582ae3', operation='UPDATE', pgid='pgtrigger_update_update_53ff9', table='kitbag_registration', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retailer',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "kitbag_retailerevent" ("country", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."country", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='38040fcbfc2df9a4dab2efb736d6288090e4e428', operation='INSERT', pgid='pgtrigger_insert_insert_e11e0', table='kitbag_retailer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='retailer',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."country" IS DISTINCT FROM (NEW."country") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."name" IS DISTINCT FROM (NEW."name"))', func='INSERT INTO "kitbag_retailerevent" ("country", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."country", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='ce3c6a9e44e3ca888811e65a94bde8e65948e177', operation='UPDATE', pgid='pgtrigger_update_update_f3697', table='kitbag_retailer', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='appeal',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "kitbag_appealevent" ("case_id", "decided_at", "decided_by_id", "granted", "id", "made_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "refusal_reason", "refused_by_id", "registration_id") VALUES (NEW."case_id", NEW."decided_at", NEW."decided_by_id", NEW."granted", NEW."id", NEW."made_at", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."refusal_reason", NEW."refused_by_id", NEW."registration_id"); RETURN NULL;', hash='5e2d8b3c38f6c06bdd1550d0f86b0295494e1297', operation='INSERT', pgid='pgtrigger_insert_insert_b9a31', table='kitbag_appeal', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='appeal',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."case_id" IS DISTINCT FROM (NEW."case_id") OR OLD."decided_at" IS DISTINCT FROM (NEW."decided_at") OR OLD."decided_by_id" IS DISTINCT FROM (NEW."decided_by_id") OR OLD."granted" IS DISTINCT FROM (NEW."granted") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."made_at" IS DISTINCT FROM (NEW."made_at") OR OLD."refusal_reason" IS DISTINCT FROM (NEW."refusal_reason") OR OLD."refused_by_id" IS DISTINCT FROM (NEW."refused_by_id") OR OLD."registration_id" IS DISTINCT FROM (NEW."registration_id"))', func='INSERT INTO "kitbag_appealevent" ("case_id", "decided_at", "decided_by_id", "granted", "id", "made_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "refusal_reason", "refused_by_id", "registration_id") VALUES (NEW."case_id", NEW."decided_at", NEW."decided_by_id", NEW."granted", NEW."id", NEW."made_at", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."refusal_reason", NEW."refused_by_id", NEW."registration_id"); RETURN NULL;', hash='7398a6441f60d38c0b2c0ff245446bca90821ef1', operation='UPDATE', pgid='pgtrigger_update_update_79038', table='kitbag_appeal', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "kitbag_claimevent" ("claimant_case_id", "claimant_id", "decided_at", "decided_by_id", "holder_case_id", "holder_id", "id", "opened_at", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "respond_by") VALUES (NEW."claimant_case_id", NEW."claimant_id", NEW."decided_at", NEW."decided_by_id", NEW."holder_case_id", NEW."holder_id", NEW."id", NEW."opened_at", NEW."outcome", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."respond_by"); RETURN NULL;', hash='1013be5e27b9d66b2ee53bebe4696fe38e599e34', operation='INSERT', pgid='pgtrigger_insert_insert_9e513', table='kitbag_claim', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='claim',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "kitbag_claimevent" ("claimant_case_id", "claimant_id", "decided_at", "decided_by_id", "holder_case_id", "holder_id", "id", "opened_at", "outcome", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "respond_by") VALUES (NEW."claimant_case_id", NEW."claimant_id", NEW."decided_at", NEW."decided_by_id", NEW."holder_case_id", NEW."holder_id", NEW."id", NEW."opened_at", NEW."outcome", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."respond_by"); RETURN NULL;', hash='b64b56131326932551089574b50e28dc9483e8f6', operation='UPDATE', pgid='pgtrigger_update_update_7ad3e', table='kitbag_claim', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='handover',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "kitbag_handoverevent" ("expires_at", "id", "made_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "redeemed_as_id", "redeemed_at", "registration_id", "revoked_at") VALUES (NEW."expires_at", NEW."id", NEW."made_at", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."redeemed_as_id", NEW."redeemed_at", NEW."registration_id", NEW."revoked_at"); RETURN NULL;', hash='804a47ae89893211d5cc17abbd80f4748015c5c7', operation='INSERT', pgid='pgtrigger_insert_insert_106d5', table='kitbag_handover', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='handover',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."made_at" IS DISTINCT FROM (NEW."made_at") OR OLD."redeemed_as_id" IS DISTINCT FROM (NEW."redeemed_as_id") OR OLD."redeemed_at" IS DISTINCT FROM (NEW."redeemed_at") OR OLD."registration_id" IS DISTINCT FROM (NEW."registration_id") OR OLD."revoked_at" IS DISTINCT FROM (NEW."revoked_at"))', func='INSERT INTO "kitbag_handoverevent" ("expires_at", "id", "made_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "redeemed_as_id", "redeemed_at", "registration_id", "revoked_at") VALUES (NEW."expires_at", NEW."id", NEW."made_at", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."redeemed_as_id", NEW."redeemed_at", NEW."registration_id", NEW."revoked_at"); RETURN NULL;', hash='4616dade41897f98dacde583136b52a8d92cfdc3', operation='UPDATE', pgid='pgtrigger_update_update_d84e5', table='kitbag_handover', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='authorisedperiod',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "kitbag_authorisedperiodevent" ("begins_on", "ends_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "retailer_id") VALUES (NEW."begins_on", NEW."ends_on", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."retailer_id"); RETURN NULL;', hash='7aff708446023dad4eecf20e6c557fee0f941fa5', operation='INSERT', pgid='pgtrigger_insert_insert_8e2af', table='kitbag_authorisedperiod', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='authorisedperiod',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "kitbag_authorisedperiodevent" ("begins_on", "ends_on", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "retailer_id") VALUES (NEW."begins_on", NEW."ends_on", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."retailer_id"); RETURN NULL;', hash='741a752d0e9ce9576f62cd0b391a1171b6b696fd', operation='UPDATE', pgid='pgtrigger_update_update_c5a01', table='kitbag_authorisedperiod', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stolenreport',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "kitbag_stolenreportevent" ("id", "lifted_at", "lifted_because", "lifted_by_id", "member_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "registration_id", "reported_at", "serial_key", "stolen_on") VALUES (NEW."id", NEW."lifted_at", NEW."lifted_because", NEW."lifted_by_id", NEW."member_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."product_id", NEW."registration_id", NEW."reported_at", NEW."serial_key", NEW."stolen_on"); RETURN NULL;', hash='12d71f9a3a134c41ebad91147eae1a263821c4c0', operation='INSERT', pgid='pgtrigger_insert_insert_6a86a', table='kitbag_stolenreport', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='stolenreport',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."lifted_at" IS DISTINCT FROM (NEW."lifted_at") OR OLD."lifted_because" IS DISTINCT FROM (NEW."lifted_because") OR OLD."lifted_by_id" IS DISTINCT FROM (NEW."lifted_by_id") OR OLD."member_id" IS DISTINCT FROM (NEW."member_id") OR OLD."product_id" IS DISTINCT FROM (NEW."product_id") OR OLD."registration_id" IS DISTINCT FROM (NEW."registration_id") OR OLD."reported_at" IS DISTINCT FROM (NEW."reported_at") OR OLD."serial_key" IS DISTINCT FROM (NEW."serial_key") OR OLD."stolen_on" IS DISTINCT FROM (NEW."stolen_on"))', func='INSERT INTO "kitbag_stolenreportevent" ("id", "lifted_at", "lifted_because", "lifted_by_id", "member_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "registration_id", "reported_at", "serial_key", "stolen_on") VALUES (NEW."id", NEW."lifted_at", NEW."lifted_because", NEW."lifted_by_id", NEW."member_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."product_id", NEW."registration_id", NEW."reported_at", NEW."serial_key", NEW."stolen_on"); RETURN NULL;', hash='7a65a17646b7fb4151e90c5b7f443aaeba0315ea', operation='UPDATE', pgid='pgtrigger_update_update_f5abf', table='kitbag_stolenreport', when='AFTER')),
        ),
    ]
