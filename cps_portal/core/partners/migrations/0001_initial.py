import cps_portal.core.partners.models.credentials
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import oauth2_provider.generators
import oauth2_provider.models
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True
    # oauth2_provider's tables point at Credential, which is made here: otherwise its migrations could come first.
    run_before = [("oauth2_provider", "0001_initial")]

    dependencies = [
        ('members', '__first__'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='Partner',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, unique=True, verbose_name='name')),
                ('slug', models.SlugField(max_length=40, unique=True, verbose_name='short name')),
                ('kind', models.CharField(choices=[('fulfilment', 'Fulfilment partner'), ('centre', 'Service centre'), ('retailer', 'Retailer')], max_length=12, verbose_name='kind')),
                ('active', models.BooleanField(default=True, help_text='A partner that is not active gets no webhooks and no access to the API, at once. Webhooks wait until it is active again; then its credentials work again, too.', verbose_name='active')),
                ('since', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='since')),
            ],
            options={
                'verbose_name': 'partner',
                'verbose_name_plural': 'partners',
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['fulfilment', 'centre', 'retailer'])), name='partner_kind_known')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='partner',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "partners_partnerevent" ("active", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since", "slug") VALUES (NEW."active", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."since", NEW."slug"); RETURN NULL;', hash='9a2f846164c4141dc3a550e18d20e2ef4f173251', operation='INSERT', pgid='pgtrigger_insert_insert_71860', table='partners_partner', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='partner',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "partners_partnerevent" ("active", "id", "kind", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since", "slug") VALUES (NEW."active", NEW."id", NEW."kind", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."since", NEW."slug"); RETURN NULL;', hash='490f327dbd9393122bee4f31e432849c1b2a17a9', operation='UPDATE', pgid='pgtrigger_update_update_17ece', table='partners_partner', when='AFTER')),
        ),
        migrations.CreateModel(
            name='Credential',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('client_id', models.CharField(db_index=True, default=oauth2_provider.generators.generate_client_id, max_length=255, unique=True, verbose_name='client ID')),
                ('redirect_uris', models.TextField(blank=True, help_text='Allowed URIs list, space separated', verbose_name='redirect URIs')),
                ('post_logout_redirect_uris', models.TextField(blank=True, default='', help_text='Allowed Post Logout URIs list, space separated', verbose_name='post logout redirect URIs')),
                ('client_type', models.CharField(choices=[('confidential', 'Confidential'), ('public', 'Public')], max_length=32, verbose_name='client type')),
                ('authorization_grant_type', models.CharField(choices=[('authorization-code', 'Authorization code'), ('urn:ietf:params:oauth:grant-type:device_code', 'Device Code'), ('implicit', 'Implicit'), ('password', 'Resource owner password-based'), ('client-credentials', 'Client credentials'), ('openid-hybrid', 'OpenID connect hybrid')], max_length=44, verbose_name='authorization grant type')),
                ('client_secret', oauth2_provider.models.ClientSecretField(blank=True, db_index=True, default=oauth2_provider.generators.generate_client_secret, help_text='Client secret for authentication', max_length=255, verbose_name='client secret')),
                ('hash_client_secret', models.BooleanField(default=True, verbose_name='hash client secret')),
                ('name', models.CharField(blank=True, max_length=255, verbose_name='name')),
                ('skip_authorization', models.BooleanField(default=False, verbose_name='skip authorization')),
                ('created', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated', models.DateTimeField(auto_now=True, verbose_name='updated')),
                ('algorithm', models.CharField(blank=True, choices=[('', 'No OIDC support'), ('RS256', 'RSA with SHA-2 256'), ('HS256', 'HMAC with SHA-2 256')], default='', max_length=5, verbose_name='algorithm')),
                ('allowed_origins', models.TextField(blank=True, default='', help_text='Allowed origins list to enable CORS, space separated', verbose_name='allowed origins')),
                ('registration_source', models.CharField(choices=[('manual', 'Manual'), ('dcr', 'Dynamic Client Registration'), ('cimd', 'Client ID Metadata Document')], default='manual', help_text='How this application was registered (manual, DCR per RFC 7591, or CIMD)', max_length=32, verbose_name='registration source')),
                ('cimd_expires_at', models.DateTimeField(blank=True, default=None, help_text='When the cached Client ID Metadata Document should be re-fetched', null=True, verbose_name='CIMD expires at')),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('tickets:read', 'Read tickets and all that belongs to them'), ('tickets:write', 'Record what happens to tickets'), ('loans:read', 'Read loans and the units of the pool'), ('loans:write', 'Hand out and take back loans'), ('intake', 'Check what is brought in, open jobs at the counter, visiting members'), ('cards', 'Check membership cards'), ('sales:read', 'Read the own sales'), ('sales:write', 'Confirm and withdraw sales'), ('packs:read', 'Read the requests for Welcome Packs'), ('packs:write', 'Report on Welcome Packs'), ('catalogue', 'Read the catalogue'), ('webhooks', 'Manage the own webhook endpoints')], max_length=20), size=None, verbose_name='scopes')),
                ('networks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43, validators=[cps_portal.core.partners.models.credentials.check_network]), blank=True, default=list, help_text='From where it may be used, such as 192.0.2.0/24. None: from anywhere.', size=None, verbose_name='networks')),
                ('rate', models.PositiveIntegerField(default=600, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)], verbose_name='requests a minute')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='expires')),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='revoked')),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='last used')),
                ('last_used_from', models.GenericIPAddressField(blank=True, editable=False, null=True, verbose_name='last used from')),
                ('replaces', models.OneToOneField(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaced_by', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL, verbose_name='replaces')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='made by')),
                ('partner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='credentials', to='partners.partner', verbose_name='partner')),
            ],
            options={
                'verbose_name': 'credential',
                'verbose_name_plural': 'credentials',
                'ordering': ['partner', '-created'],
                'permissions': [('issue_credential', 'Can make, rotate and revoke credentials')],
                'constraints': [models.CheckConstraint(condition=models.Q(('authorization_grant_type', 'client-credentials'), ('client_type', 'confidential')), name='credential_for_machines'), models.CheckConstraint(condition=models.Q(('hash_client_secret', True)), name='credential_hashed'), models.CheckConstraint(condition=models.Q(('scopes__len__gte', 1)), name='credential_may_do_something', violation_error_message='Choose at least one scope.')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='credential',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "partners_credentialevent" ("expires_at", "name", "networks", "partner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "revoked_at", "scopes") VALUES (NEW."expires_at", NEW."name", NEW."networks", NEW."partner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rate", NEW."revoked_at", NEW."scopes"); RETURN NULL;', hash='5a4a555aa7de7f78b8016f5c5f7b356a5f837c9b', operation='INSERT', pgid='pgtrigger_insert_insert_3c2d0', table='partners_credential', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='credential',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."networks" IS DISTINCT FROM (NEW."networks") OR OLD."partner_id" IS DISTINCT FROM (NEW."partner_id") OR OLD."rate" IS DISTINCT FROM (NEW."rate") OR OLD."revoked_at" IS DISTINCT FROM (NEW."revoked_at") OR OLD."scopes" IS DISTINCT FROM (NEW."scopes"))', func='INSERT INTO "partners_credentialevent" ("expires_at", "name", "networks", "partner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rate", "revoked_at", "scopes") VALUES (NEW."expires_at", NEW."name", NEW."networks", NEW."partner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rate", NEW."revoked_at", NEW."scopes"); RETURN NULL;', hash='11ba6f4fd53f0177c87b0d5d825c06e3df0635dd', operation='UPDATE', pgid='pgtrigger_update_update_3ee14', table='partners_credential', when='AFTER')),
        ),
        migrations.CreateModel(
            name='PartnerEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('slug', models.SlugField(db_index=False, max_length=40, verbose_name='short name')),
                ('kind', models.CharField(choices=[('fulfilment', 'Fulfilment partner'), ('centre', 'Service centre'), ('retailer', 'Retailer')], max_length=12, verbose_name='kind')),
                ('active', models.BooleanField(default=True, help_text='A partner that is not active gets no webhooks and no access to the API, at once. Webhooks wait until it is active again; then its credentials work again, too.', verbose_name='active')),
                ('since', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='since')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='partners.partner')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.URLField(max_length=500, verbose_name='address')),
                ('types', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, size=None, verbose_name='events')),
                ('state', models.CharField(choices=[('active', 'Active'), ('suspended', 'Suspended')], default='active', max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='why suspended')),
                ('suspended_at', models.DateTimeField(blank=True, null=True, verbose_name='suspended')),
                ('failing_since', models.DateTimeField(blank=True, null=True, verbose_name='failing since')),
                ('quiet_until', models.DateTimeField(blank=True, null=True, verbose_name='left alone until')),
                ('since', models.DateTimeField(verbose_name='since')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='deleted')),
                ('partner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='endpoints', to='partners.partner', verbose_name='partner')),
            ],
            options={
                'verbose_name': 'webhook endpoint',
                'verbose_name_plural': 'webhook endpoints',
                'ordering': ['partner', 'pk'],
                'permissions': [('operate_webhookendpoint', 'Can suspend and resume webhook endpoints and send again')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('partner', 'url'), name='webhook_endpoint_once', violation_error_message='This partner has this address already.'), models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), ('state', 'active'), ('suspended_at', None)), models.Q(('state', 'suspended'), ('suspended_at__isnull', False), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='webhook_endpoint_suspended')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='webhookendpoint',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "partners_webhookendpointevent" ("ended_at", "id", "partner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "since", "state", "suspended_at", "types", "url") VALUES (NEW."ended_at", NEW."id", NEW."partner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."reason", NEW."since", NEW."state", NEW."suspended_at", NEW."types", NEW."url"); RETURN NULL;', hash='c5d4395125a64fb90ccbe768cda4f7235de488b5', operation='INSERT', pgid='pgtrigger_insert_insert_acdf6', table='partners_webhookendpoint', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='webhookendpoint',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."ended_at" IS DISTINCT FROM (NEW."ended_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."partner_id" IS DISTINCT FROM (NEW."partner_id") OR OLD."reason" IS DISTINCT FROM (NEW."reason") OR OLD."since" IS DISTINCT FROM (NEW."since") OR OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."suspended_at" IS DISTINCT FROM (NEW."suspended_at") OR OLD."types" IS DISTINCT FROM (NEW."types") OR OLD."url" IS DISTINCT FROM (NEW."url"))', func='INSERT INTO "partners_webhookendpointevent" ("ended_at", "id", "partner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "reason", "since", "state", "suspended_at", "types", "url") VALUES (NEW."ended_at", NEW."id", NEW."partner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."reason", NEW."since", NEW."state", NEW."suspended_at", NEW."types", NEW."url"); RETURN NULL;', hash='999a60114b25f19c53c39d651ebc56d6095a4c7b', operation='UPDATE', pgid='pgtrigger_update_update_b9594', table='partners_webhookendpoint', when='AFTER')),
        ),
        migrations.CreateModel(
            name='IdempotencyRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=100, verbose_name='key')),
                ('request_hash', models.CharField(max_length=64, verbose_name='hash of the request')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('status', models.PositiveSmallIntegerField(verbose_name='status')),
                ('headers', models.JSONField(default=dict, verbose_name='headers')),
                ('body', models.BinaryField(blank=True, verbose_name='body')),
                ('partner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='partners.partner', verbose_name='partner')),
            ],
            options={
                'verbose_name': 'idempotency record',
                'verbose_name_plural': 'idempotency records',
                'db_table': 'partners_keptanswer',
                'ordering': ['-at', '-pk'],
                'indexes': [models.Index(fields=['at'], name='kept_answer_to_delete')],
                'constraints': [models.UniqueConstraint(fields=('partner', 'key'), name='kept_answer_one_a_key')],
            },
        ),
        migrations.CreateModel(
            name='EndpointSecret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sealed', models.TextField(editable=False, verbose_name='secret')),
                ('since', models.DateTimeField(verbose_name='since')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to='partners.webhookendpoint', verbose_name='endpoint')),
            ],
            options={
                'verbose_name': 'secret of an endpoint',
                'verbose_name_plural': 'secrets of endpoints',
                'ordering': ['-since', '-pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('expires_at', None)), fields=('endpoint',), name='endpoint_secret_one_lasting')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='endpointsecret',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "partners_endpointsecretevent" ("endpoint_id", "expires_at", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since") VALUES (NEW."endpoint_id", NEW."expires_at", NEW."id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."since"); RETURN NULL;', hash='ee064bf75fdd83b28a25c7a93cb0477e82fdfbf0', operation='INSERT', pgid='pgtrigger_insert_insert_ff6a6', table='partners_endpointsecret', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='endpointsecret',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."endpoint_id" IS DISTINCT FROM (NEW."endpoint_id") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."since" IS DISTINCT FROM (NEW."since"))', func='INSERT INTO "partners_endpointsecretevent" ("endpoint_id", "expires_at", "id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "since") VALUES (NEW."endpoint_id", NEW."expires_at", NEW."id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."since"); RETURN NULL;', hash='24f3850de3a5257f06711339800690eab3a4e8e6', operation='UPDATE', pgid='pgtrigger_update_update_05bcd', table='partners_endpointsecret', when='AFTER')),
        ),
        migrations.CreateModel(
            name='CredentialEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('name', models.CharField(blank=True, max_length=255, verbose_name='name')),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('tickets:read', 'Read tickets and all that belongs to them'), ('tickets:write', 'Record what happens to tickets'), ('loans:read', 'Read loans and the units of the pool'), ('loans:write', 'Hand out and take back loans'), ('intake', 'Check what is brought in, open jobs at the counter, visiting members'), ('cards', 'Check membership cards'), ('sales:read', 'Read the own sales'), ('sales:write', 'Confirm and withdraw sales'), ('packs:read', 'Read the requests for Welcome Packs'), ('packs:write', 'Report on Welcome Packs'), ('catalogue', 'Read the catalogue'), ('webhooks', 'Manage the own webhook endpoints')], max_length=20), size=None, verbose_name='scopes')),
                ('networks', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43, validators=[cps_portal.core.partners.models.credentials.check_network]), blank=True, default=list, help_text='From where it may be used, such as 192.0.2.0/24. None: from anywhere.', size=None, verbose_name='networks')),
                ('rate', models.PositiveIntegerField(default=600, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(1000000)], verbose_name='requests a minute')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='expires')),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='revoked')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='partner_name_scopes_networks_rate_expires_at_revoked_at_events', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL)),
                ('partner', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='partners.partner', verbose_name='partner')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200, verbose_name='message')),
                ('type', models.CharField(max_length=60, verbose_name='event')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('status', models.PositiveSmallIntegerField(default=0, verbose_name='status')),
                ('took_ms', models.PositiveIntegerField(verbose_name='took (ms)')),
                ('answer', models.CharField(blank=True, max_length=500, verbose_name='answer')),
                ('error', models.CharField(blank=True, max_length=300, verbose_name='error')),
                ('endpoint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts', to='partners.webhookendpoint', verbose_name='endpoint')),
            ],
            options={
                'verbose_name': 'attempt',
                'verbose_name_plural': 'attempts',
                'ordering': ['-at', '-pk'],
                'indexes': [models.Index(fields=['endpoint', '-at'], name='attempt_of_endpoint'), models.Index(fields=['key'], name='attempt_of_message'), models.Index(fields=['at'], name='attempt_to_delete')],
            },
        ),
        migrations.CreateModel(
            name='WebhookEndpointEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('url', models.URLField(max_length=500, verbose_name='address')),
                ('types', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, size=None, verbose_name='events')),
                ('state', models.CharField(choices=[('active', 'Active'), ('suspended', 'Suspended')], default='active', max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, max_length=200, verbose_name='why suspended')),
                ('suspended_at', models.DateTimeField(blank=True, null=True, verbose_name='suspended')),
                ('since', models.DateTimeField(verbose_name='since')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='deleted')),
                ('partner', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='partners.partner', verbose_name='partner')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='partners.webhookendpoint')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ApiCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('request_id', models.CharField(max_length=64, unique=True, verbose_name='request')),
                ('method', models.CharField(max_length=7, verbose_name='method')),
                ('path', models.CharField(max_length=300, verbose_name='path')),
                ('status', models.PositiveSmallIntegerField(verbose_name='status')),
                ('code', models.CharField(blank=True, max_length=60, verbose_name='error')),
                ('took_ms', models.PositiveIntegerField(verbose_name='took (ms)')),
                ('address', models.GenericIPAddressField(blank=True, null=True, verbose_name='from')),
                ('credential', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='calls', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL, verbose_name='credential')),
            ],
            options={
                'verbose_name': 'API call',
                'verbose_name_plural': 'API calls',
                'db_table': 'partners_call',
                'ordering': ['-at', '-pk'],
                'indexes': [models.Index(fields=['credential', '-at'], name='call_of_credential'), models.Index(fields=['at'], name='call_to_delete')],
            },
        ),
        migrations.CreateModel(
            name='EndpointSecretEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('since', models.DateTimeField(verbose_name='since')),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='until')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='partners.endpointsecret')),
                ('endpoint', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='partners.webhookendpoint', verbose_name='endpoint')),
            ],
            options={
                'abstract': False,
            },
        ),
    ]
