import cps_portal.core.lib.name_search
import django.contrib.postgres.indexes
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('files', '0001_initial'),
        ('members', '0002_members'),
        ('members', '__first__'),
        # Its 22 migrations take three times as long once all our models are in the migration state.
        ('oauth2_provider', '__latest__'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='CannedAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=80, verbose_name='title')),
                ('language', models.CharField(default='en', max_length=10, verbose_name='language')),
                ('text', models.TextField(help_text='{name} is replaced by the first name, {reference} by the reference of the case.', max_length=5000, verbose_name='text')),
            ],
            options={
                'verbose_name': 'canned answer',
                'verbose_name_plural': 'canned answers',
                'ordering': ['title', 'language'],
                'constraints': [models.UniqueConstraint(fields=('title', 'language'), name='canned_answer_once', violation_error_message='There already is an answer with this title in this language.')],
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(editable=False, max_length=8, unique=True, verbose_name='reference')),
                ('kind', models.CharField(choices=[('contact', 'A question'), ('kit', 'My Kitbag or my points'), ('second_hand', 'Second-hand kit'), ('repair', 'A repair or a loan'), ('lost_card', 'Lost card'), ('missing_pack', 'Missing Welcome Pack'), ('pack_late', 'Welcome Pack not confirmed by the fulfilment partner'), ('claim', 'Claim on a serial number'), ('appeal', 'Appeal against a refusal')], max_length=12, verbose_name='topic')),
                ('subject', models.CharField(blank=True, max_length=120, verbose_name='subject')),
                ('visitor_name', models.CharField(blank=True, max_length=80, verbose_name='name')),
                ('visitor_words', cps_portal.core.lib.name_search.NameWordsField(sources=('visitor_name',), base_field=models.TextField(), default=list, editable=False, size=None)),
                ('visitor_email', models.EmailField(blank=True, max_length=254, verbose_name='email')),
                ('visitor_language', models.CharField(blank=True, max_length=10, verbose_name='language')),
                ('access_token', models.CharField(blank=True, editable=False, max_length=43, null=True, unique=True)),
                ('about_id', models.PositiveBigIntegerField(blank=True, editable=False, null=True)),
                ('state', models.CharField(choices=[('open', 'With support'), ('waiting', 'Waiting for the member'), ('answered', 'Answered'), ('closed', 'Closed')], default='open', editable=False, max_length=8, verbose_name='state')),
                ('opened_at', models.DateTimeField(verbose_name='opened')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='answer due')),
                ('first_answer_due_at', models.DateTimeField(blank=True, null=True, verbose_name='first answer due')),
                ('first_answered_at', models.DateTimeField(blank=True, null=True, verbose_name='first answered')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed')),
                ('erased_at', models.DateTimeField(blank=True, null=True, verbose_name='erased')),
                ('about_type', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='contenttypes.contenttype')),
                ('assigned_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='assigned to')),
                ('member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='members.member', verbose_name='member')),
                ('link_revoked_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='link revoked')),
                ('assigned_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='assigned')),
            ],
            options={
                'verbose_name': 'case',
                'verbose_name_plural': 'cases',
                'ordering': [models.OrderBy(models.F('due_at'), nulls_last=True), '-pk'],
                'permissions': [('answer_case', 'Can answer cases')],
                'indexes': [models.Index(condition=models.Q(('state', 'open')), fields=['due_at', 'id'], name='case_queue'), models.Index(fields=['about_type', 'about_id'], name='case_about'), django.contrib.postgres.indexes.GinIndex(cps_portal.core.lib.name_search.Words('visitor_words'), name='case_visitor_words')],
                'constraints': [models.CheckConstraint(condition=models.Q(('reference__regex', '^[0-9A-Z]{8}$')), name='case_reference_form'), models.CheckConstraint(condition=models.Q(('kind__in', ['contact', 'kit', 'second_hand', 'repair', 'lost_card', 'missing_pack', 'pack_late', 'claim', 'appeal'])), name='case_kind_known'), models.CheckConstraint(condition=models.Q(('state__in', ['open', 'waiting', 'answered', 'closed'])), name='case_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('member__isnull', False), ('access_token', None), ('visitor_email', ''), ('visitor_name', '')), models.Q(('member', None), models.Q(models.Q(('visitor_email', ''), _negated=True), ('erased_at__isnull', False), _connector='OR')), _connector='OR'), name='case_member_or_visitor', violation_error_message='A case belongs to a member or to a visitor.'), models.CheckConstraint(condition=models.Q(models.Q(('about_id', None), ('about_type', None)), models.Q(('about_id__isnull', False), ('about_type__isnull', False)), _connector='OR'), name='case_about_is_whole'), models.CheckConstraint(condition=models.Q(models.Q(('due_at__isnull', False), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('due_at', None)), _connector='OR'), name='case_due_on_supports_turn'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'answered'), _negated=True), ('first_answered_at__isnull', False), _connector='OR'), name='case_answered_has_an_answer'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', False), ('state', 'closed')), models.Q(models.Q(('state', 'closed'), _negated=True), ('closed_at', None)), _connector='OR'), name='case_closed_has_a_date'), models.CheckConstraint(condition=models.Q(('erased_at', None), models.Q(('subject', ''), ('access_token', None), ('visitor_email', ''), ('visitor_name', '')), _connector='OR'), name='case_erased_is_empty')],
            },
        ),
        migrations.CreateModel(
            name='CaseMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('author', models.CharField(choices=[('member', 'Member'), ('visitor', 'Visitor'), ('staff', 'Support'), ('portal', 'The portal')], max_length=8, verbose_name='author')),
                ('text', models.TextField(blank=True, max_length=5000, verbose_name='text')),
                ('internal', models.BooleanField(default=False, verbose_name='internal note')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('erased_at', models.DateTimeField(blank=True, null=True, verbose_name='erased')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='cases.case', verbose_name='case')),
            ],
            options={
                'verbose_name': 'case message',
                'verbose_name_plural': 'case messages',
                'ordering': ['pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('author__in', ['member', 'visitor', 'staff', 'portal'])), name='case_message_author_known'), models.CheckConstraint(condition=models.Q(('internal', False), ('author', 'staff'), _connector='OR'), name='case_message_notes_are_of_staff'), models.CheckConstraint(condition=models.Q(models.Q(('erased_at', None), models.Q(('text', ''), _negated=True)), models.Q(('erased_at__isnull', False), ('text', '')), _connector='OR'), name='case_message_says_something'), models.CheckConstraint(condition=models.Q(models.Q(('author__in', ['member', 'staff']), ('by__isnull', False)), models.Q(('author__in', ['visitor', 'portal']), ('by', None)), _connector='OR'), name='case_message_has_its_writer')],
            },
        ),
        migrations.CreateModel(
            name='CaseAttachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='case_attachment', to='files.storedfile', verbose_name='file')),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='cases.casemessage', verbose_name='case message')),
            ],
            options={
                'verbose_name': 'case attachment',
                'verbose_name_plural': 'case attachments',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='CaseEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('state', models.CharField(choices=[('open', 'With support'), ('waiting', 'Waiting for the member'), ('answered', 'Answered'), ('closed', 'Closed')], default='open', editable=False, max_length=8, verbose_name='state')),
                ('assigned_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='assigned')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed')),
                ('link_revoked_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='link revoked')),
                ('assigned_to', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL, verbose_name='assigned to')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='cases.case')),
            ],
            options={
                'abstract': False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='case',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "cases_caseevent" ("assigned_at", "assigned_to_id", "closed_at", "link_revoked_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (NEW."assigned_at", NEW."assigned_to_id", NEW."closed_at", NEW."link_revoked_at", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."state"); RETURN NULL;', hash='7f3de8136c6c0264295a9ed0242df34507064dd1', operation='INSERT', pgid='pgtrigger_insert_insert_0b483', table='cases_case', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='case',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."assigned_at" IS DISTINCT FROM (NEW."assigned_at") OR OLD."assigned_to_id" IS DISTINCT FROM (NEW."assigned_to_id") OR OLD."closed_at" IS DISTINCT FROM (NEW."closed_at") OR OLD."link_revoked_at" IS DISTINCT FROM (NEW."link_revoked_at") OR OLD."state" IS DISTINCT FROM (NEW."state"))', func='INSERT INTO "cases_caseevent" ("assigned_at", "assigned_to_id", "closed_at", "link_revoked_at", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (NEW."assigned_at", NEW."assigned_to_id", NEW."closed_at", NEW."link_revoked_at", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."state"); RETURN NULL;', hash='1e5f83f4271d32a70d1bce4d4bc901b2b15bfd5e', operation='UPDATE', pgid='pgtrigger_update_update_f5146', table='cases_case', when='AFTER')),
        ),
    ]
