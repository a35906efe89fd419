import django.db.models.deletion
import django.db.models.functions.text
import cps_portal.core.lib.name_search
import django.contrib.postgres.indexes
import django_countries.fields
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('members', '0001_initial'),
        # Its 22 migrations take three times as long once all our models are in the migration state.
        ('oauth2_provider', '__latest__'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='TermsVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.CharField(max_length=20, unique=True, verbose_name='version')),
                ('valid_from', models.DateTimeField(verbose_name='in force from')),
            ],
            options={
                'verbose_name': 'version of the terms',
                'verbose_name_plural': 'versions of the terms',
                'ordering': ['-valid_from'],
                'get_latest_by': 'valid_from',
            },
        ),
        migrations.CreateModel(
            name='CountryProgramme',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('country', django_countries.fields.CountryField(max_length=2, verbose_name='country')),
                ('region', models.CharField(max_length=40, verbose_name='region')),
                ('kind', models.CharField(choices=[('free', 'Free programme'), ('subscription', 'Subscription programme'), ('none', 'No programme')], max_length=12, verbose_name='programme')),
                ('service_level', models.CharField(blank=True, choices=[('full', 'Full'), ('silver', 'Up to Silver')], max_length=6, verbose_name='service level')),
                ('link', models.URLField(blank=True, verbose_name='page of the country')),
                ('valid_from', models.DateField(verbose_name='from')),
                ('sample', models.BooleanField(default=False, help_text='Assumed, not published by the programme.', verbose_name='sample')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
            ],
            options={
                'verbose_name': 'country programme',
                'verbose_name_plural': 'country programmes',
                'ordering': ['country', '-valid_from'],
                'constraints': [models.UniqueConstraint(fields=('country', 'valid_from'), name='country_programme_once_a_day', violation_error_message='This country already has an entry for that day.'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'free'), ('service_level__in', ['full', 'silver'])), models.Q(models.Q(('kind', 'free'), _negated=True), ('service_level', '')), _connector='OR'), name='country_programme_service_level', violation_error_message='Countries of the free programme need a service level; others have none.')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='countryprogramme',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "members_countryprogrammeevent" ("country", "id", "kind", "link", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region", "sample", "service_level", "valid_from") VALUES (NEW."country", NEW."id", NEW."kind", NEW."link", NEW."note", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."region", NEW."sample", NEW."service_level", NEW."valid_from"); RETURN NULL;', hash='c275efb396143bc88a8828f73b3ef867237fd608', operation='INSERT', pgid='pgtrigger_insert_insert_98d22', table='members_countryprogramme', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='countryprogramme',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "members_countryprogrammeevent" ("country", "id", "kind", "link", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "region", "sample", "service_level", "valid_from") VALUES (NEW."country", NEW."id", NEW."kind", NEW."link", NEW."note", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."region", NEW."sample", NEW."service_level", NEW."valid_from"); RETURN NULL;', hash='8c9f7401554696fdacf4681c809354f745eafd9e', operation='UPDATE', pgid='pgtrigger_update_update_2a872', table='members_countryprogramme', when='AFTER')),
        ),
        migrations.CreateModel(
            name='LevelBenefit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.CharField(choices=[('red', 'Red'), ('silver', 'Silver'), ('gold', 'Gold'), ('platinum', 'Platinum')], max_length=10, verbose_name='level')),
                ('service_level', models.CharField(choices=[('full', 'Full'), ('silver', 'Up to Silver')], max_length=6, verbose_name='service level')),
                ('country', django_countries.fields.CountryField(blank=True, default='', max_length=2, verbose_name='only in')),
                ('fast_track_days', models.PositiveSmallIntegerField(blank=True, help_text='Working days at the service centre. Leave empty for no Fast Track.', null=True, verbose_name='Fast Track target')),
                ('maintenance_discount', models.PositiveSmallIntegerField(default=0, verbose_name='maintenance discount in percent')),
                ('free_return', models.BooleanField(default=False, verbose_name='free return shipping')),
                ('courtesy_loan', models.BooleanField(default=False, verbose_name='courtesy loan')),
                ('first_answer_hours', models.PositiveSmallIntegerField(verbose_name='first answer in working hours')),
                ('sample', models.BooleanField(default=True, verbose_name='sample')),
            ],
            options={
                'verbose_name': 'level benefit',
                'verbose_name_plural': 'level benefits',
                'constraints': [models.UniqueConstraint(fields=('level', 'service_level', 'country'), name='level_benefit_once', violation_error_message='This level already has an entry for that service level and country.'), models.CheckConstraint(condition=models.Q(('maintenance_discount__lte', 100)), name='level_benefit_discount', violation_error_message='A discount can be 100 percent at most.')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='levelbenefit',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "members_levelbenefitevent" ("country", "courtesy_loan", "fast_track_days", "first_answer_hours", "free_return", "id", "level", "maintenance_discount", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sample", "service_level") VALUES (NEW."country", NEW."courtesy_loan", NEW."fast_track_days", NEW."first_answer_hours", NEW."free_return", NEW."id", NEW."level", NEW."maintenance_discount", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."sample", NEW."service_level"); RETURN NULL;', hash='4e363021ff8211fb7af34a4fa6e89645134af927', operation='INSERT', pgid='pgtrigger_insert_insert_4f05b', table='members_levelbenefit', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='levelbenefit',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "members_levelbenefitevent" ("country", "courtesy_loan", "fast_track_days", "first_answer_hours", "free_return", "id", "level", "maintenance_discount", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "sample", "service_level") VALUES (NEW."country", NEW."courtesy_loan", NEW."fast_track_days", NEW."first_answer_hours", NEW."free_return", NEW."id", NEW."level", NEW."maintenance_discount", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."sample", NEW."service_level"); RETURN NULL;', hash='9eac3f1e072057425655ec8291cc56ed78c6f1b8', operation='UPDATE', pgid='pgtrigger_update_update_1d9db', table='members_levelbenefit', when='AFTER')),
        ),
        migrations.CreateModel(
            name='LevelThreshold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.CharField(choices=[('red', 'Red'), ('silver', 'Silver'), ('gold', 'Gold'), ('platinum', 'Platinum')], max_length=10, verbose_name='level')),
                ('points_from', models.PositiveIntegerField(verbose_name='points from')),
                ('valid_from', models.DateField(verbose_name='from')),
            ],
            options={
                'verbose_name': 'level threshold',
                'verbose_name_plural': 'level thresholds',
                'ordering': ['points_from'],
                'constraints': [models.UniqueConstraint(fields=('level', 'valid_from'), name='level_threshold_once_a_day', violation_error_message='This level already has a threshold from that day.'), models.CheckConstraint(condition=models.Q(models.Q(('level', 'red'), ('points_from', 0)), models.Q(models.Q(('level', 'red'), _negated=True), ('points_from__gt', 0)), _connector='OR'), name='level_threshold_red_is_zero', violation_error_message='Red starts at 0 points, every other level above 0.')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='levelthreshold',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "members_levelthresholdevent" ("id", "level", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "points_from", "valid_from") VALUES (NEW."id", NEW."level", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."points_from", NEW."valid_from"); RETURN NULL;', hash='94b16fc3dd15bc10e9582ce32819ede13efe2232', operation='INSERT', pgid='pgtrigger_insert_insert_2b6a9', table='members_levelthreshold', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='levelthreshold',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "members_levelthresholdevent" ("id", "level", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "points_from", "valid_from") VALUES (NEW."id", NEW."level", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."points_from", NEW."valid_from"); RETURN NULL;', hash='fc60c788187e13c6b227f9786e6982b2fd272d07', operation='UPDATE', pgid='pgtrigger_update_update_0a248', table='members_levelthreshold', when='AFTER')),
        ),
        migrations.CreateModel(
            name='Member',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(editable=False, max_length=12, unique=True, verbose_name='member number')),
                ('first_name', models.CharField(max_length=80, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=80, verbose_name='last name')),
                ('name_words', cps_portal.core.lib.name_search.NameWordsField(sources=('first_name', 'last_name'), base_field=models.TextField(), default=list, editable=False, size=None)),
                ('country', django_countries.fields.CountryField(max_length=2, verbose_name='country')),
                ('specialty', models.CharField(blank=True, choices=[('weddings', 'Weddings and portraits'), ('sport', 'Sport'), ('news', 'News'), ('wildlife', 'Wildlife'), ('commercial', 'Commercial'), ('film', 'Film and video'), ('other', 'Something else')], max_length=20, verbose_name='mostly shoots')),
                ('language', models.CharField(default='en', max_length=10, verbose_name='language')),
                ('theme', models.CharField(choices=[('auto', 'Auto'), ('light', 'Light'), ('dark', 'Dark')], default='auto', max_length=5, verbose_name='appearance')),
                ('wants_news', models.BooleanField(default=False, verbose_name='wants e-mails about events and offers')),
                ('wants_counted', models.BooleanField(db_default=False, default=False, verbose_name='wants an e-mail when a product counts')),
                ('wants_reminders', models.BooleanField(db_default=True, default=True, verbose_name='wants reminders of unfinished products')),
                ('points', models.PositiveIntegerField(default=0, editable=False, verbose_name='points')),
                ('level', models.CharField(choices=[('red', 'Red'), ('silver', 'Silver'), ('gold', 'Gold'), ('platinum', 'Platinum')], default='red', editable=False, max_length=10, verbose_name='level')),
                ('joined_at', models.DateTimeField(verbose_name='joined')),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='closed')),
                ('erased_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='erased')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='member', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'member',
                'verbose_name_plural': 'members',
                'indexes': [django.contrib.postgres.indexes.GinIndex(cps_portal.core.lib.name_search.Words('name_words'), name='member_name_words'), models.Index(fields=['level'], name='member_level'), models.Index(condition=models.Q(('closed_at__isnull', False), ('erased_at', None)), fields=['closed_at'], name='member_closing')],
                'constraints': [models.CheckConstraint(condition=models.Q(('number__regex', '^\\d{12}$')), name='member_number_form'), models.CheckConstraint(condition=models.Q(('level__in', ['red', 'silver', 'gold', 'platinum'])), name='member_level_known'), models.CheckConstraint(condition=models.Q(('erased_at', None), models.Q(('closed_at__isnull', False), ('first_name', ''), ('last_name', ''), ('specialty', '')), _connector='OR'), name='member_erased_is_nobody')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='member',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "members_memberevent" ("closed_at", "country", "erased_at", "first_name", "id", "joined_at", "language", "last_name", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "specialty", "user_id", "wants_counted", "wants_news", "wants_reminders") VALUES (NEW."closed_at", NEW."country", NEW."erased_at", NEW."first_name", NEW."id", NEW."joined_at", NEW."language", NEW."last_name", NEW."number", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."specialty", NEW."user_id", NEW."wants_counted", NEW."wants_news", NEW."wants_reminders"); RETURN NULL;', hash='f5dcd169c9acb6b77217df4212d439c4caf6abdb', operation='INSERT', pgid='pgtrigger_insert_insert_2df50', table='members_member', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='member',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."closed_at" IS DISTINCT FROM (NEW."closed_at") OR OLD."country" IS DISTINCT FROM (NEW."country") OR OLD."erased_at" IS DISTINCT FROM (NEW."erased_at") OR OLD."first_name" IS DISTINCT FROM (NEW."first_name") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."joined_at" IS DISTINCT FROM (NEW."joined_at") OR OLD."language" IS DISTINCT FROM (NEW."language") OR OLD."last_name" IS DISTINCT FROM (NEW."last_name") OR OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."specialty" IS DISTINCT FROM (NEW."specialty") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id") OR OLD."wants_counted" IS DISTINCT FROM (NEW."wants_counted") OR OLD."wants_news" IS DISTINCT FROM (NEW."wants_news") OR OLD."wants_reminders" IS DISTINCT FROM (NEW."wants_reminders"))', func='INSERT INTO "members_memberevent" ("closed_at", "country", "erased_at", "first_name", "id", "joined_at", "language", "last_name", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "specialty", "user_id", "wants_counted", "wants_news", "wants_reminders") VALUES (NEW."closed_at", NEW."country", NEW."erased_at", NEW."first_name", NEW."id", NEW."joined_at", NEW."language", NEW."last_name", NEW."number", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."specialty", NEW."user_id", NEW."wants_counted", NEW."wants_news", NEW."wants_reminders"); RETURN NULL;', hash='0506ffa85b3a18905a677d5a532a9036271ab8db', operation='UPDATE', pgid='pgtrigger_update_update_b1bc1', table='members_member', when='AFTER')),
        ),
        migrations.CreateModel(
            name='ThresholdPlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('effective_on', models.DateField(verbose_name='from')),
                ('silver', models.PositiveIntegerField(verbose_name='points for Silver')),
                ('gold', models.PositiveIntegerField(verbose_name='points for Gold')),
                ('platinum', models.PositiveIntegerField(verbose_name='points for Platinum')),
                ('short_notice_reason', models.CharField(blank=True, max_length=200, verbose_name='reason for short notice')),
                ('state', models.CharField(choices=[('planned', 'Planned'), ('running', 'Being applied'), ('done', 'Applied'), ('cancelled', 'Cancelled')], default='planned', editable=False, max_length=10, verbose_name='state')),
                ('planned_at', models.DateTimeField(verbose_name='planned')),
                ('announced_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='all members notified')),
                ('begun_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='took effect')),
                ('finished_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='applied to all members')),
                ('cancelled_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='cancelled')),
                ('recalled_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='all members notified of the cancellation')),
                ('told', models.PositiveIntegerField(default=0, editable=False, verbose_name='members notified')),
                ('moved', models.PositiveIntegerField(default=0, editable=False, verbose_name='levels changed')),
                ('cursor', models.BigIntegerField(default=0, editable=False)),
                ('stepped_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('planned_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='planned by')),
            ],
            options={
                'verbose_name': 'planned threshold change',
                'verbose_name_plural': 'planned threshold changes',
                'ordering': ['-effective_on', '-pk'],
                'permissions': [('plan_thresholds', 'Can plan and cancel threshold changes')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ('planned', 'running'))), fields=('effective_on',), name='threshold_plan_once_a_day', violation_error_message='Another threshold change is already planned for that day.'), models.CheckConstraint(condition=models.Q(('gold__gt', models.F('silver')), ('platinum__gt', models.F('gold')), ('silver__gt', 0)), name='threshold_plan_rises', violation_error_message='Each level has to start above the level below it.'), models.CheckConstraint(condition=models.Q(models.Q(('begun_at', None), ('cancelled_at', None), ('finished_at', None), ('state', 'planned')), models.Q(('begun_at__isnull', False), ('cancelled_at', None), ('finished_at', None), ('state', 'running')), models.Q(('begun_at__isnull', False), ('cancelled_at', None), ('finished_at__isnull', False), ('state', 'done')), models.Q(('begun_at', None), ('cancelled_at__isnull', False), ('finished_at', None), ('state', 'cancelled')), _connector='OR'), name='threshold_plan_state_and_times')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='thresholdplan',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "members_thresholdplanevent" ("announced_at", "begun_at", "cancelled_at", "effective_on", "finished_at", "gold", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "planned_at", "planned_by_id", "platinum", "recalled_at", "short_notice_reason", "silver", "state") VALUES (NEW."announced_at", NEW."begun_at", NEW."cancelled_at", NEW."effective_on", NEW."finished_at", NEW."gold", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."planned_at", NEW."planned_by_id", NEW."platinum", NEW."recalled_at", NEW."short_notice_reason", NEW."silver", NEW."state"); RETURN NULL;', hash='df306a9482842a8d595ae91665651f2d12a7877a', operation='INSERT', pgid='pgtrigger_insert_insert_b00d4', table='members_thresholdplan', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='thresholdplan',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."announced_at" IS DISTINCT FROM (NEW."announced_at") OR OLD."begun_at" IS DISTINCT FROM (NEW."begun_at") OR OLD."cancelled_at" IS DISTINCT FROM (NEW."cancelled_at") OR OLD."effective_on" IS DISTINCT FROM (NEW."effective_on") OR OLD."finished_at" IS DISTINCT FROM (NEW."finished_at") OR OLD."gold" IS DISTINCT FROM (NEW."gold") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."planned_at" IS DISTINCT FROM (NEW."planned_at") OR OLD."planned_by_id" IS DISTINCT FROM (NEW."planned_by_id") OR OLD."platinum" IS DISTINCT FROM (NEW."platinum") OR OLD."recalled_at" IS DISTINCT FROM (NEW."recalled_at") OR OLD."short_notice_reason" IS DISTINCT FROM (NEW."short_notice_reason") OR OLD."silver" IS DISTINCT FROM (NEW."silver") OR OLD."state" IS DISTINCT FROM (NEW."state"))', func='INSERT INTO "members_thresholdplanevent" ("announced_at", "begun_at", "cancelled_at", "effective_on", "finished_at", "gold", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "planned_at", "planned_by_id", "platinum", "recalled_at", "short_notice_reason", "silver", "state") VALUES (NEW."announced_at", NEW."begun_at", NEW."cancelled_at", NEW."effective_on", NEW."finished_at", NEW."gold", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."planned_at", NEW."planned_by_id", NEW."platinum", NEW."recalled_at", NEW."short_notice_reason", NEW."silver", NEW."state"); RETURN NULL;', hash='07e8c0c0ca44ba1d378ab1337bfca4e388fbf8c6', operation='UPDATE', pgid='pgtrigger_update_update_cfac8', table='members_thresholdplan', when='AFTER')),
        ),
        migrations.CreateModel(
            name='LevelChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_level', models.CharField(choices=[('red', 'Red'), ('silver', 'Silver'), ('gold', 'Gold'), ('platinum', 'Platinum')], max_length=10, verbose_name='from')),
                ('to_level', models.CharField(choices=[('red', 'Red'), ('silver', 'Silver'), ('gold', 'Gold'), ('platinum', 'Platinum')], max_length=10, verbose_name='to')),
                ('points', models.PositiveIntegerField(verbose_name='points')),
                ('cause', models.CharField(choices=[('validated', 'Counted'), ('removed', 'Removed'), ('superseded', 'Superseded'), ('unserviceable', 'No longer serviceable'), ('restored', 'Current again'), ('revalued', 'Points of the product changed'), ('check', 'Did not pass a check'), ('adjusted', 'Adjusted by staff'), ('adjustment_ended', 'An adjustment ended'), ('thresholds', 'The points needed for the levels have changed'), ('mended', 'Corrected by an audit'), ('transferred', 'Handed over'), ('returned', 'Taken back into the Kitbag')], max_length=20, verbose_name='cause')),
                ('about', models.CharField(blank=True, db_default='', max_length=120, verbose_name='product')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='level_changes', to='members.member', verbose_name='member')),
            ],
            options={
                'verbose_name': 'level change',
                'verbose_name_plural': 'level changes',
                'ordering': ['-at', '-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('from_level', models.F('to_level')), _negated=True), name='level_change_is_one')],
                'indexes': [models.Index(fields=['member', '-at'], name='level_change_by_member')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='levelchange',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='2e219544f20c30b1a8c58ba3eaf30f4a069d839c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_cb0d0', table='members_levelchange', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='levelchange',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'members_levelchange is append-only';", hash='320fe02b47e64cec3938652f73d93fd923a26faa', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_9cae2', table='members_levelchange', when='BEFORE')),
        ),
        migrations.CreateModel(
            name='CountryProgrammeEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('country', django_countries.fields.CountryField(max_length=2, verbose_name='country')),
                ('region', models.CharField(max_length=40, verbose_name='region')),
                ('kind', models.CharField(choices=[('free', 'Free programme'), ('subscription', 'Subscription programme'), ('none', 'No programme')], max_length=12, verbose_name='programme')),
                ('service_level', models.CharField(blank=True, choices=[('full', 'Full'), ('silver', 'Up to Silver')], max_length=6, verbose_name='service level')),
                ('link', models.URLField(blank=True, verbose_name='page of the country')),
                ('valid_from', models.DateField(verbose_name='from')),
                ('sample', models.BooleanField(default=False, help_text='Assumed, not published by the programme.', verbose_name='sample')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='members.countryprogramme')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='LevelBenefitEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('level', models.CharField(choices=[('red', 'Red'), ('silver', 'Silver'), ('gold', 'Gold'), ('platinum', 'Platinum')], max_length=10, verbose_name='level')),
                ('service_level', models.CharField(choices=[('full', 'Full'), ('silver', 'Up to Silver')], max_length=6, verbose_name='service level')),
                ('country', django_countries.fields.CountryField(blank=True, default='', max_length=2, verbose_name='only in')),
                ('fast_track_days', models.PositiveSmallIntegerField(blank=True, help_text='Working days at the service centre. Leave empty for no Fast Track.', null=True, verbose_name='Fast Track target')),
                ('maintenance_discount', models.PositiveSmallIntegerField(default=0, verbose_name='maintenance discount in percent')),
                ('free_return', models.BooleanField(default=False, verbose_name='free return shipping')),
                ('courtesy_loan', models.BooleanField(default=False, verbose_name='courtesy loan')),
                ('first_answer_hours', models.PositiveSmallIntegerField(verbose_name='first answer in working hours')),
                ('sample', models.BooleanField(default=True, verbose_name='sample')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='members.levelbenefit')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='LevelThresholdEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('level', models.CharField(choices=[('red', 'Red'), ('silver', 'Silver'), ('gold', 'Gold'), ('platinum', 'Platinum')], max_length=10, verbose_name='level')),
                ('points_from', models.PositiveIntegerField(verbose_name='points from')),
                ('valid_from', models.DateField(verbose_name='from')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='members.levelthreshold')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='MemberEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('number', models.CharField(editable=False, max_length=12, verbose_name='member number')),
                ('first_name', models.CharField(max_length=80, verbose_name='first name')),
                ('last_name', models.CharField(blank=True, max_length=80, verbose_name='last name')),
                ('country', django_countries.fields.CountryField(max_length=2, verbose_name='country')),
                ('specialty', models.CharField(blank=True, choices=[('weddings', 'Weddings and portraits'), ('sport', 'Sport'), ('news', 'News'), ('wildlife', 'Wildlife'), ('commercial', 'Commercial'), ('film', 'Film and video'), ('other', 'Something else')], max_length=20, verbose_name='mostly shoots')),
                ('language', models.CharField(default='en', max_length=10, verbose_name='language')),
                ('wants_news', models.BooleanField(default=False, verbose_name='wants e-mails about events and offers')),
                ('wants_counted', models.BooleanField(db_default=False, default=False, verbose_name='wants an e-mail when a product counts')),
                ('wants_reminders', models.BooleanField(db_default=True, default=True, verbose_name='wants reminders of unfinished products')),
                ('joined_at', models.DateTimeField(verbose_name='joined')),
                ('closed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='closed')),
                ('erased_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='erased')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='members.member')),
                ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200, unique=True)),
                ('code', models.CharField(choices=[('level_up', 'Level reached'), ('level_down', 'Level lost'), ('registration_approved', 'Registration approved'), ('registration_refused', 'Registration refused'), ('points_will_change', 'Points will change'), ('plan_cancelled', 'An announced change was cancelled'), ('points_adjusted', 'Points adjusted'), ('levels_will_change', 'Levels will change'), ('levels_stay', 'Change of levels was cancelled'), ('case_answered', 'Case answered'), ('case_asked', 'Case needs a reply'), ('case_closed', 'Case closed'), ('handed_over', 'Product handed over'), ('came_to_you', 'Product received from another member'), ('stolen_presented', 'Stolen product presented'), ('stolen_lifted', 'Stolen report lifted'), ('moved', 'Moved to another country'), ('welcome_pack', 'Welcome Pack available'), ('pack_dispatched', 'Welcome Pack dispatched'), ('pack_returned', 'Welcome Pack returned'), ('pack_sent_again', 'Welcome Pack sent again'), ('pack_late', 'Welcome Pack delayed'), ('pack_cancelled', 'Welcome Pack cancelled'), ('card_replaced', 'Card replaced'), ('place_free', 'Place at an event'), ('offer_changed', 'Event changed'), ('ticket', 'Update of a service ticket'), ('offer_withdrawn', 'Event cancelled')], max_length=40, verbose_name='what')),
                ('params', models.JSONField(default=dict, verbose_name='details')),
                ('path', models.CharField(blank=True, max_length=200, verbose_name='leads to')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('read_at', models.DateTimeField(blank=True, null=True, verbose_name='read')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='members.member', verbose_name='member')),
            ],
            options={
                'verbose_name': 'notice',
                'verbose_name_plural': 'notices',
                'ordering': ['-at', '-pk'],
                'indexes': [models.Index(condition=models.Q(('read_at', None)), fields=['member', '-at'], name='notice_unread')],
            },
        ),
        migrations.CreateModel(
            name='TermsAcceptance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='terms_accepted', to='members.member', verbose_name='member')),
                ('terms', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='members.termsversion', verbose_name='version')),
            ],
            options={
                'verbose_name': 'acceptance of the terms',
                'verbose_name_plural': 'acceptances of the terms',
                'constraints': [models.UniqueConstraint(fields=('member', 'terms'), name='terms_accepted_once')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='termsacceptance',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5822d716eb36fb9040cd81898a02a278d5ba7c10', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_d9fcf', table='members_termsacceptance', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='termsacceptance',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'members_termsacceptance is append-only';", hash='f92c38bb3b2a63a1b6c3306760d7f493ac384eb5', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_16e82', table='members_termsacceptance', when='BEFORE')),
        ),
        migrations.CreateModel(
            name='ThresholdAnnouncement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('letter', models.CharField(max_length=80)),
                ('at', models.DateTimeField(verbose_name='at')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='withdrawn')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.member')),
                ('plan', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='announcements', to='members.thresholdplan')),
            ],
            options={
                'verbose_name': 'threshold announcement',
                'verbose_name_plural': 'threshold announcements',
                'constraints': [models.UniqueConstraint(fields=('plan', 'member'), name='threshold_announcement_once')],
            },
        ),
        migrations.CreateModel(
            name='ThresholdPlanEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('effective_on', models.DateField(verbose_name='from')),
                ('silver', models.PositiveIntegerField(verbose_name='points for Silver')),
                ('gold', models.PositiveIntegerField(verbose_name='points for Gold')),
                ('platinum', models.PositiveIntegerField(verbose_name='points for Platinum')),
                ('short_notice_reason', models.CharField(blank=True, max_length=200, verbose_name='reason for short notice')),
                ('state', models.CharField(choices=[('planned', 'Planned'), ('running', 'Being applied'), ('done', 'Applied'), ('cancelled', 'Cancelled')], default='planned', editable=False, max_length=10, verbose_name='state')),
                ('planned_at', models.DateTimeField(verbose_name='planned')),
                ('announced_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='all members notified')),
                ('begun_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='took effect')),
                ('finished_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='applied to all members')),
                ('cancelled_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='cancelled')),
                ('recalled_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='all members notified of the cancellation')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='members.thresholdplan')),
                ('planned_by', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='planned by')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='PendingLevelNotice',
            fields=[
                ('change', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='pending_notice', serialize=False, to='members.levelchange')),
                ('member', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='members.member')),
            ],
            options={
                'verbose_name': 'level change to be announced',
                'verbose_name_plural': 'level changes to be announced',
                'db_table': 'members_untoldlevelchange',
            },
        ),
    ]
