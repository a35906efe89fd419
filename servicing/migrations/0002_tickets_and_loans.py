import datetime
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django_countries.fields
import pgtrigger.compiler
import pgtrigger.migrations
import servicing.models.centres
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models
from django.utils.text import slugify


def name_pages(apps, schema_editor):
    for centre in apps.get_model("servicing", "ServiceCentre").objects.all():
        centre.slug = slugify(centre.name)
        centre.save(update_fields=["slug"])


class Migration(migrations.Migration):

    dependencies = [
        ('files', '0001_stored_files'),
        ('kitbag', '0009_holds'),
        ('members', '0009_notices_of_tickets'),
        ('members', '__first__'),
        ('partners', '0003_endpoint_history'),
        ('pghistory', '0007_auto_20250421_0444'),
        ('servicing', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='CentreStaff',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='staff', to='servicing.servicecentre', verbose_name='centre')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='works_at', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'person at a centre',
                'verbose_name_plural': 'people at centres',
                'constraints': [models.UniqueConstraint(fields=('centre', 'user'), name='centre_staff_once')],
            },
        ),
        migrations.CreateModel(
            name='Closure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first', models.DateField(verbose_name='first day')),
                ('last', models.DateField(verbose_name='last day')),
                ('why', models.CharField(blank=True, max_length=120, verbose_name='why')),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='closures', to='servicing.servicecentre', verbose_name='centre')),
            ],
            options={
                'verbose_name': 'closure',
                'verbose_name_plural': 'closures',
                'ordering': ['first'],
                'constraints': [models.CheckConstraint(condition=models.Q(('last__gte', models.F('first')), ('last__lte', django.db.models.expressions.CombinedExpression(models.F('first'), '+', models.Value(datetime.timedelta(days=30))))), name='closure_days', violation_error_message='The last day is not before the first, and at most 30 days later.')],
            },
        ),
        migrations.CreateModel(
            name='Parcel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(editable=False, max_length=8, unique=True, verbose_name='reference')),
                ('carrier', models.CharField(blank=True, max_length=60, verbose_name='carrier')),
                ('tracking', models.CharField(blank=True, max_length=60, verbose_name='tracking number')),
                ('made_at', models.DateTimeField(verbose_name='made')),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parcels', to='servicing.servicecentre', verbose_name='centre')),
            ],
            options={
                'verbose_name': 'parcel',
                'verbose_name_plural': 'parcels',
                'ordering': ['-made_at', '-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('reference__regex', '^[0-9A-Z]{8}$')), name='parcel_reference')],
            },
        ),
        migrations.CreateModel(
            name='VisitingMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('region', models.CharField(max_length=60, verbose_name='region of the card')),
                ('card_number', models.CharField(max_length=40, verbose_name='number on the card')),
                ('expires_on', models.DateField(verbose_name='card valid until')),
                ('name', models.CharField(blank=True, max_length=120, verbose_name='name')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email')),
                ('phone', models.CharField(blank=True, max_length=16, verbose_name='phone')),
                ('language', models.CharField(default='en', max_length=10, verbose_name='language')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('erased_at', models.DateTimeField(blank=True, null=True, verbose_name='erased')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('centre', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='servicing.servicecentre', verbose_name='looked at by')),
                ('partner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='partners.partner', verbose_name='partner')),
                ('photo', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='files.storedfile', verbose_name='photo of the card')),
            ],
            options={
                'verbose_name': 'visiting member',
                'verbose_name_plural': 'visiting members',
                'ordering': ['-at', '-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('erased_at', None), models.Q(('name', ''), _negated=True)), models.Q(('email', ''), ('erased_at__isnull', False), ('name', ''), ('phone', ''), ('photo', None)), _connector='OR'), name='visiting_member_erased_is_nobody')],
            },
        ),
        migrations.CreateModel(
            name='Ticket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(editable=False, max_length=8, unique=True, verbose_name='reference')),
                ('serial', models.CharField(blank=True, max_length=40, verbose_name='serial number')),
                ('serial_key', models.CharField(blank=True, editable=False, max_length=40, null=True)),
                ('service', models.CharField(choices=[('repair', 'Repair'), ('maintenance', 'Maintenance'), ('upgrade', 'Upgrade')], max_length=12, verbose_name='service')),
                ('fault', models.TextField(blank=True, max_length=2000, verbose_name='what is wrong')),
                ('condition', models.TextField(blank=True, max_length=1000, verbose_name='condition at intake')),
                ('accessories', models.CharField(blank=True, max_length=300, verbose_name='came with')),
                ('warranty_asked', models.BooleanField(default=False, verbose_name='warranty asked for')),
                ('warranty', models.CharField(choices=[('chargeable', 'Chargeable'), ('in_warranty', 'In warranty'), ('refused', 'Warranty refused')], default='chargeable', max_length=12, verbose_name='warranty')),
                ('why_no_warranty', models.CharField(blank=True, choices=[('not_a_repair', 'The warranty covers repairs only.'), ('outside_region', 'It was bought outside the region and has no local warranty.'), ('not_authorised', 'It came from a shop that is not authorised and has no local warranty.'), ('proof_missing', 'A warranty repair needs a proof of purchase. Add one.'), ('expired', 'The warranty period is over.'), ('not_covered', 'The warranty does not cover this damage.')], max_length=16, verbose_name='why no warranty')),
                ('level', models.CharField(blank=True, choices=[('red', 'Red'), ('silver', 'Silver'), ('gold', 'Gold'), ('platinum', 'Platinum')], max_length=10, verbose_name='level at intake')),
                ('track', models.CharField(choices=[('fast', 'Fast Track'), ('standard', 'Standard')], max_length=8, verbose_name='track')),
                ('why_standard', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('visiting', 'Visiting members are served at standard speed.'), ('no_programme', 'The centre’s country is not in the free programme.'), ('level', 'Your level does not give Fast Track there.'), ('model', 'This model is not eligible for Fast Track.'), ('not_registered', 'It is not in your Kitbag.'), ('not_validated', 'Its registration does not count yet.'), ('no_serial', 'It has no serial number.'), ('centre_kind', 'Service partners do maintenance and upgrades at standard speed.'), ('places', 'All your places in servicing are taken.')], max_length=16), blank=True, default=list, size=None, verbose_name='why standard')),
                ('target_days', models.PositiveSmallIntegerField(verbose_name='target in working days')),
                ('discount', models.PositiveSmallIntegerField(default=0, verbose_name='discount in percent')),
                ('free_return', models.BooleanField(default=False, verbose_name='free return shipping')),
                ('loan_possible', models.BooleanField(default=False, verbose_name='courtesy loan possible')),
                ('wish', models.CharField(choices=[('wait', 'Wait for a place'), ('standard', 'Send it now, at standard speed')], default='wait', max_length=8, verbose_name='if all places are taken')),
                ('place', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='place')),
                ('place_since', models.DateTimeField(blank=True, null=True, verbose_name='has the place since')),
                ('waiting_since', models.DateTimeField(blank=True, null=True, verbose_name='waits since')),
                ('state', models.CharField(choices=[('waiting', 'Waiting for a place'), ('requested', 'Requested'), ('accepted', 'Accepted'), ('in_transit', 'On its way to the centre'), ('booked_in', 'Booked in'), ('assessed', 'Assessed'), ('estimate_sent', 'Estimate sent'), ('approved', 'Estimate approved'), ('declined', 'Estimate declined'), ('waiting_parts', 'Waiting for parts'), ('in_repair', 'In repair'), ('ready', 'Ready to ship'), ('shipped', 'Shipped'), ('closed', 'Closed'), ('cancelled', 'Cancelled')], default='requested', max_length=14, verbose_name='state')),
                ('opened_at', models.DateTimeField(verbose_name='asked for')),
                ('booked_in_at', models.DateTimeField(blank=True, null=True, verbose_name='booked in')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='due')),
                ('paused', models.BooleanField(default=False, verbose_name='paused')),
                ('ready_at', models.DateTimeField(blank=True, null=True, verbose_name='ready')),
                ('missed_at', models.DateTimeField(blank=True, null=True, verbose_name='target missed')),
                ('expected_on', models.DateField(blank=True, null=True, verbose_name='last part expected')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='closed or cancelled')),
                ('carrier', models.CharField(blank=True, max_length=60, verbose_name='carrier back')),
                ('tracking', models.CharField(blank=True, max_length=60, verbose_name='tracking number back')),
                ('tracking_url', models.URLField(blank=True, max_length=300, verbose_name='tracking page back')),
                ('changed_at', models.DateTimeField(verbose_name='last change')),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='servicing.servicecentre', verbose_name='centre')),
                ('member', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='members.member', verbose_name='member')),
                ('parcel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='servicing.parcel', verbose_name='parcel')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='kitbag.product', verbose_name='product')),
                ('registration', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='kitbag.registration', verbose_name='registration')),
                ('visitor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='servicing.visitingmember', verbose_name='visiting member')),
            ],
            options={
                'verbose_name': 'service ticket',
                'verbose_name_plural': 'service tickets',
                'ordering': ['-opened_at', '-pk'],
                'permissions': [('view_every_ticket', 'Can see the tickets of every centre'), ('work_on_ticket', 'Can work on the tickets of the own centre')],
                'indexes': [models.Index(fields=['member', '-opened_at'], name='ticket_of_member'), models.Index(condition=models.Q(('ended_at', None)), fields=['centre', 'due_at'], name='ticket_centre_queue'), models.Index(condition=models.Q(('missed_at', None), ('paused', False), ('state__in', ('booked_in', 'assessed', 'estimate_sent', 'approved', 'declined', 'waiting_parts', 'in_repair'))), fields=['due_at'], name='ticket_to_flag'), models.Index(condition=models.Q(('booked_in_at', None), ('place__isnull', False)), fields=['place_since'], name='ticket_to_lapse'), models.Index(condition=models.Q(('state', 'waiting')), fields=['member', 'waiting_since', 'id'], name='ticket_line'), models.Index(fields=['serial_key'], name='ticket_serial')],
                'constraints': [models.CheckConstraint(condition=models.Q(('reference__regex', '^[0-9A-Z]{8}$')), name='ticket_reference'), models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'requested', 'accepted', 'in_transit', 'booked_in', 'assessed', 'estimate_sent', 'approved', 'declined', 'waiting_parts', 'in_repair', 'ready', 'shipped', 'closed', 'cancelled'])), name='ticket_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('member__isnull', False), ('visitor', None)), models.Q(('member', None), ('visitor__isnull', False)), _connector='OR'), name='ticket_one_customer'), models.CheckConstraint(condition=models.Q(('registration', None), ('member__isnull', False), _connector='OR'), name='ticket_registration_is_a_members'), models.CheckConstraint(condition=models.Q(('place', None), ('place__range', (1, 3)), _connector='OR'), name='ticket_three_places'), models.CheckConstraint(condition=models.Q(models.Q(('place', None), ('place_since', None)), models.Q(('member__isnull', False), ('place__isnull', False), ('place_since__isnull', False), ('state__in', ['requested', 'accepted', 'in_transit', 'booked_in', 'assessed', 'estimate_sent', 'approved', 'declined', 'waiting_parts', 'in_repair']), ('track', 'fast')), _connector='OR'), name='ticket_place_of_fast_track'), models.UniqueConstraint(fields=('member', 'place'), name='ticket_one_a_place'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'waiting'), ('waiting_since__isnull', False)), models.Q(('state', 'waiting'), _negated=True), _connector='OR'), name='ticket_waiting_since'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('state__in', ('closed', 'cancelled'))), models.Q(models.Q(('state__in', ('closed', 'cancelled')), _negated=True), ('ended_at', None)), _connector='OR'), name='ticket_ended'), models.CheckConstraint(condition=models.Q(('due_at', None), ('booked_in_at__isnull', False), _connector='OR'), name='ticket_clock_from_intake'), models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('registration',), name='ticket_one_open_a_registration', violation_error_message='This product is in service already.')],
            },
        ),
        migrations.CreateModel(
            name='Estimate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField(verbose_name='number')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('valid_until', models.DateField(verbose_name='valid until')),
                ('note', models.TextField(blank=True, max_length=2000, verbose_name='what was found')),
                ('state', models.CharField(choices=[('open', 'Waits for an answer'), ('approved', 'Approved'), ('declined', 'Declined'), ('withdrawn', 'Withdrawn'), ('expired', 'Expired')], default='open', max_length=10, verbose_name='state')),
                ('sent_at', models.DateTimeField(verbose_name='sent')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='answered')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='estimates', to='servicing.ticket', verbose_name='ticket')),
            ],
            options={
                'verbose_name': 'estimate',
                'verbose_name_plural': 'estimates',
                'ordering': ['ticket', 'number'],
                'constraints': [models.UniqueConstraint(fields=('ticket', 'number'), name='estimate_number'), models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('ticket',), name='estimate_one_open'), models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='estimate_currency'), models.CheckConstraint(condition=models.Q(models.Q(('answered_at', None), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('answered_at__isnull', False)), _connector='OR'), name='estimate_answered')],
            },
        ),
        migrations.CreateModel(
            name='EstimateHistoryEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('state', models.CharField(choices=[('open', 'Waits for an answer'), ('approved', 'Approved'), ('declined', 'Declined'), ('withdrawn', 'Withdrawn'), ('expired', 'Expired')], default='open', max_length=10, verbose_name='state')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='state_events', to='servicing.estimate')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='EstimateLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField(verbose_name='position')),
                ('text', models.CharField(max_length=200, verbose_name='what')),
                ('quantity', models.DecimalField(decimal_places=2, default=Decimal('1'), max_digits=7, verbose_name='quantity')),
                ('price', models.DecimalField(decimal_places=2, max_digits=12, verbose_name='price for one')),
                ('tax_percent', models.DecimalField(decimal_places=2, default=Decimal('0'), max_digits=4, validators=[django.core.validators.MinValueValidator(Decimal('0')), django.core.validators.MaxValueValidator(Decimal('99'))], verbose_name='tax in percent')),
                ('estimate', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='servicing.estimate', verbose_name='estimate')),
            ],
            options={
                'verbose_name': 'line of an estimate',
                'verbose_name_plural': 'lines of estimates',
                'ordering': ['estimate', 'position'],
                'constraints': [models.UniqueConstraint(fields=('estimate', 'position'), name='estimate_line_position'), models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='estimate_line_quantity', violation_error_message='The quantity is more than 0.'), models.CheckConstraint(condition=models.Q(('tax_percent__range', (0, 99))), name='estimate_line_tax')],
            },
        ),
        migrations.CreateModel(
            name='LoanUnit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('serial', models.CharField(max_length=40, verbose_name='serial number')),
                ('condition', models.CharField(blank=True, max_length=300, verbose_name='condition')),
                ('in_pool', models.BooleanField(default=True, verbose_name='in the pool')),
                ('sample', models.BooleanField(default=False, verbose_name='sample')),
                ('centre', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='loan_units', to='servicing.servicecentre', verbose_name='centre')),
                ('product', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='kitbag.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'loan unit',
                'verbose_name_plural': 'loan units',
                'ordering': ['centre', 'product', 'serial'],
                'constraints': [models.UniqueConstraint(fields=('product', 'serial'), name='loan_unit_once', violation_error_message='This item is in a pool already.')],
            },
        ),
        migrations.CreateModel(
            name='Loan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('reserved', 'Reserved'), ('out', 'Out'), ('returned', 'Returned'), ('cancelled', 'Cancelled')], default='reserved', max_length=10, verbose_name='state')),
                ('reserved_at', models.DateTimeField(verbose_name='reserved')),
                ('agreed_at', models.DateTimeField(blank=True, null=True, verbose_name='agreement accepted')),
                ('agreement', models.CharField(blank=True, max_length=20, verbose_name='version of the agreement')),
                ('out_at', models.DateTimeField(blank=True, null=True, verbose_name='handed out')),
                ('condition_out', models.CharField(blank=True, max_length=500, verbose_name='condition when handed out')),
                ('due_back', models.DateField(blank=True, null=True, verbose_name='due back')),
                ('reminded_on', models.DateField(blank=True, null=True, verbose_name='last reminded')),
                ('returned_at', models.DateTimeField(blank=True, null=True, verbose_name='returned')),
                ('condition_in', models.CharField(blank=True, max_length=500, verbose_name='condition when returned')),
                ('cancelled_at', models.DateTimeField(blank=True, null=True, verbose_name='cancelled')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='loans', to='members.member', verbose_name='member')),
                ('unit', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='loans', to='servicing.loanunit', verbose_name='unit')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='loans', to='servicing.ticket', verbose_name='ticket')),
            ],
            options={
                'verbose_name': 'loan',
                'verbose_name_plural': 'loans',
                'ordering': ['-reserved_at', '-pk'],
                'indexes': [models.Index(condition=models.Q(('state', 'out')), fields=['due_back'], name='loan_due_back')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ('reserved', 'out'))), fields=('unit',), name='loan_one_a_unit', violation_error_message='Somebody else has this unit.'), models.UniqueConstraint(condition=models.Q(('state__in', ('reserved', 'out'))), fields=('ticket',), name='loan_one_a_ticket'), models.CheckConstraint(condition=models.Q(models.Q(('cancelled_at', None), ('out_at', None), ('returned_at', None), ('state', 'reserved')), models.Q(('agreed_at__isnull', False), ('cancelled_at', None), ('due_back__isnull', False), ('out_at__isnull', False), ('returned_at', None), ('state', 'out')), models.Q(('cancelled_at', None), ('out_at__isnull', False), ('returned_at__gte', models.F('out_at')), ('state', 'returned')), models.Q(('cancelled_at__isnull', False), ('out_at', None), ('returned_at', None), ('state', 'cancelled')), _connector='OR'), name='loan_state_agrees')],
            },
        ),
        migrations.CreateModel(
            name='LoanHistoryEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('state', models.CharField(choices=[('reserved', 'Reserved'), ('out', 'Out'), ('returned', 'Returned'), ('cancelled', 'Cancelled')], default='reserved', max_length=10, verbose_name='state')),
                ('due_back', models.DateField(blank=True, null=True, verbose_name='due back')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='state_due_back_events', to='servicing.loan')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='LoanUnitEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('serial', models.CharField(max_length=40, verbose_name='serial number')),
                ('condition', models.CharField(blank=True, max_length=300, verbose_name='condition')),
                ('in_pool', models.BooleanField(default=True, verbose_name='in the pool')),
                ('sample', models.BooleanField(default=False, verbose_name='sample')),
                ('centre', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='servicing.servicecentre', verbose_name='centre')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='servicing.loanunit')),
                ('product', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='kitbag.product', verbose_name='product')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Part',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='part')),
                ('ordered_at', models.DateTimeField(verbose_name='ordered')),
                ('expected_on', models.DateField(blank=True, null=True, verbose_name='expected')),
                ('arrived_at', models.DateTimeField(blank=True, null=True, verbose_name='arrived')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='servicing.ticket', verbose_name='ticket')),
            ],
            options={
                'verbose_name': 'part',
                'verbose_name_plural': 'parts',
                'ordering': ['ticket', 'ordered_at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='ServiceCentreEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('slug', models.SlugField(db_index=False, max_length=80, verbose_name='address of its page')),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('kind', models.CharField(choices=[('PSC', 'Professional Service Centre'), ('CEC', 'Customer Experience Centre'), ('ASP', 'Authorised Service Partner')], max_length=3, verbose_name='kind')),
                ('country', django_countries.fields.CountryField(max_length=2, verbose_name='country')),
                ('city', models.CharField(max_length=80, verbose_name='city')),
                ('address', models.TextField(blank=True, max_length=300, verbose_name='postal address')),
                ('phone', models.CharField(blank=True, max_length=30, verbose_name='phone')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='email')),
                ('latitude', models.DecimalField(decimal_places=5, max_digits=8, verbose_name='latitude')),
                ('longitude', models.DecimalField(decimal_places=5, max_digits=8, verbose_name='longitude')),
                ('zone', models.CharField(db_default='UTC', default='UTC', max_length=50, validators=[servicing.models.centres.check_zone], verbose_name='time zone')),
                ('weekdays', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), default=servicing.models.centres.monday_to_friday, size=None, verbose_name='working days')),
                ('opens', models.TimeField(db_default=datetime.time(9, 0), default=datetime.time(9, 0), verbose_name='opens')),
                ('closes', models.TimeField(db_default=datetime.time(17, 0), default=datetime.time(17, 0), verbose_name='closes')),
                ('services', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('repair', 'Repair'), ('maintenance', 'Maintenance'), ('upgrade', 'Upgrade')], max_length=12), default=list, size=None, verbose_name='services')),
                ('shelves', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('bodies', 'Bodies'), ('lenses', 'Lenses'), ('video', 'Video'), ('flash', 'Flash'), ('printers', 'Printers'), ('other', 'Other kit')], max_length=10), default=list, size=None, verbose_name='kinds of product')),
                ('programme', models.CharField(choices=[('free', 'Free programme'), ('subscription', 'Subscription programme'), ('none', 'No programme')], max_length=12, verbose_name='programme')),
                ('status', models.CharField(choices=[('open', 'Open'), ('suspended', 'Suspended')], default='open', max_length=10, verbose_name='status')),
                ('notice', models.CharField(blank=True, max_length=200, verbose_name='notice')),
                ('sample', models.BooleanField(default=False, verbose_name='sample')),
                ('partner', models.ForeignKey(blank=True, db_constraint=False, help_text='Whose credentials work for it through the API.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='partners.partner', verbose_name='partner')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='servicing.servicecentre')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='TicketEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('requested', 'Service requested'), ('place_awaited', 'Waiting for a place'), ('place_given', 'A place became free'), ('chose_standard', 'Standard speed chosen'), ('accepted', 'Accepted by the centre'), ('sent', 'Sent to the centre'), ('place_lapsed', 'The place lapsed'), ('booked_in', 'Booked in at the centre'), ('became_fast_track', 'Became Fast Track'), ('assessed', 'Assessed'), ('warranty_decided', 'Warranty decided'), ('question_asked', 'The centre asked a question'), ('question_answered', 'The question was answered'), ('estimate_sent', 'Estimate sent'), ('estimate_withdrawn', 'Estimate withdrawn'), ('estimate_approved', 'Estimate approved'), ('estimate_declined', 'Estimate declined'), ('part_ordered', 'Part ordered'), ('part_expected', 'Part expected'), ('part_arrived', 'Part arrived'), ('repair_started', 'Work started'), ('target_missed', 'Target missed'), ('loan_offered', 'Loan offered'), ('loan_declined', 'Loan not needed'), ('loan_reserved', 'Loan reserved'), ('loan_cancelled', 'Loan cancelled'), ('loan_out', 'Loan handed out'), ('loan_returned', 'Loan returned'), ('ready', 'Ready to ship'), ('shipped', 'Shipped'), ('closed', 'Closed'), ('cancelled', 'Cancelled')], max_length=20, verbose_name='what')),
                ('occurred_at', models.DateTimeField(verbose_name='happened')),
                ('received_at', models.DateTimeField(verbose_name='heard')),
                ('external_id', models.CharField(blank=True, max_length=100, null=True, verbose_name='number at the partner')),
                ('data', models.JSONField(default=dict, verbose_name='details')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('partner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='partners.partner', verbose_name='partner')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='servicing.ticket', verbose_name='ticket')),
            ],
            options={
                'verbose_name': 'event of a ticket',
                'verbose_name_plural': 'events of tickets',
                'ordering': ['occurred_at', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('ticket', 'external_id'), name='ticket_event_heard_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['requested', 'place_awaited', 'place_given', 'chose_standard', 'accepted', 'sent', 'place_lapsed', 'booked_in', 'became_fast_track', 'assessed', 'warranty_decided', 'question_asked', 'question_answered', 'estimate_sent', 'estimate_withdrawn', 'estimate_approved', 'estimate_declined', 'part_ordered', 'part_expected', 'part_arrived', 'repair_started', 'target_missed', 'loan_offered', 'loan_declined', 'loan_reserved', 'loan_cancelled', 'loan_out', 'loan_returned', 'ready', 'shipped', 'closed', 'cancelled'])), name='ticket_event_kind_known'), models.CheckConstraint(condition=models.Q(('by', None), ('partner', None), _connector='OR'), name='ticket_event_one_author')],
            },
        ),
        migrations.CreateModel(
            name='TicketMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_member', models.BooleanField(verbose_name='from the member')),
                ('text', models.TextField(blank=True, max_length=3000, verbose_name='text')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('partner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='partners.partner', verbose_name='partner')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='servicing.ticket', verbose_name='ticket')),
            ],
            options={
                'verbose_name': 'message of a ticket',
                'verbose_name_plural': 'messages of tickets',
                'ordering': ['at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='TicketFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('fault', 'Photo of the fault'), ('proof', 'Proof of purchase'), ('document', 'Document')], max_length=10, verbose_name='kind')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('file', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='files.storedfile', verbose_name='file')),
                ('ticket', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='files', to='servicing.ticket', verbose_name='ticket')),
                ('message', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='files', to='servicing.ticketmessage', verbose_name='message')),
            ],
            options={
                'verbose_name': 'file of a ticket',
                'verbose_name_plural': 'files of tickets',
                'ordering': ['at', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='TicketHistoryEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('warranty', models.CharField(choices=[('chargeable', 'Chargeable'), ('in_warranty', 'In warranty'), ('refused', 'Warranty refused')], default='chargeable', max_length=12, verbose_name='warranty')),
                ('why_no_warranty', models.CharField(blank=True, choices=[('not_a_repair', 'The warranty covers repairs only.'), ('outside_region', 'It was bought outside the region and has no local warranty.'), ('not_authorised', 'It came from a shop that is not authorised and has no local warranty.'), ('proof_missing', 'A warranty repair needs a proof of purchase. Add one.'), ('expired', 'The warranty period is over.'), ('not_covered', 'The warranty does not cover this damage.')], max_length=16, verbose_name='why no warranty')),
                ('track', models.CharField(choices=[('fast', 'Fast Track'), ('standard', 'Standard')], max_length=8, verbose_name='track')),
                ('wish', models.CharField(choices=[('wait', 'Wait for a place'), ('standard', 'Send it now, at standard speed')], default='wait', max_length=8, verbose_name='if all places are taken')),
                ('centre', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='servicing.servicecentre', verbose_name='centre')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='centre_warranty_why_no_warranty_track_wish_events', to='servicing.ticket')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='address',
            field=models.TextField(blank=True, max_length=300, verbose_name='postal address'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='closes',
            field=models.TimeField(db_default=datetime.time(17, 0), default=datetime.time(17, 0), verbose_name='closes'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='email',
            field=models.EmailField(blank=True, max_length=254, verbose_name='email'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='opens',
            field=models.TimeField(db_default=datetime.time(9, 0), default=datetime.time(9, 0), verbose_name='opens'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='partner',
            field=models.ForeignKey(blank=True, help_text='Whose credentials work for it through the API.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='centres', to='partners.partner', verbose_name='partner'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='phone',
            field=models.CharField(blank=True, max_length=30, verbose_name='phone'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='services',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('repair', 'Repair'), ('maintenance', 'Maintenance'), ('upgrade', 'Upgrade')], max_length=12), default=list, size=None, verbose_name='services'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='shelves',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('bodies', 'Bodies'), ('lenses', 'Lenses'), ('video', 'Video'), ('flash', 'Flash'), ('printers', 'Printers'), ('other', 'Other kit')], max_length=10), default=list, size=None, verbose_name='kinds of product'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='slug',
            field=models.CharField(default='', max_length=80),  # a slug would make its index twice
            preserve_default=False,
        ),
        migrations.RunPython(
            code=name_pages,
            reverse_code=migrations.RunPython.noop,
        ),
        migrations.AlterField(
            model_name='servicecentre',
            name='slug',
            field=models.SlugField(max_length=80, unique=True, verbose_name='address of its page'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='weekdays',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), default=servicing.models.centres.monday_to_friday, size=None, verbose_name='working days'),
        ),
        migrations.AddField(
            model_name='servicecentre',
            name='zone',
            field=models.CharField(db_default='UTC', default='UTC', max_length=50, validators=[servicing.models.centres.check_zone], verbose_name='time zone'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='servicecentre',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "servicing_servicecentreevent" ("address", "city", "closes", "country", "email", "id", "kind", "latitude", "longitude", "name", "notice", "opens", "partner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "programme", "sample", "services", "shelves", "slug", "status", "weekdays", "zone") VALUES (NEW."address", NEW."city", NEW."closes", NEW."country", NEW."email", NEW."id", NEW."kind", NEW."latitude", NEW."longitude", NEW."name", NEW."notice", NEW."opens", NEW."partner_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."phone", NEW."programme", NEW."sample", NEW."services", NEW."shelves", NEW."slug", NEW."status", NEW."weekdays", NEW."zone"); RETURN NULL;', hash='ad2674cccd10227318160b45fd3853e92f6fada1', operation='INSERT', pgid='pgtrigger_insert_insert_063ba', table='servicing_servicecentre', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='servicecentre',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "servicing_servicecentreevent" ("address", "city", "closes", "country", "email", "id", "kind", "latitude", "longitude", "name", "notice", "opens", "partner_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "programme", "sample", "services", "shelves", "slug", "status", "weekdays", "zone") VALUES (NEW."address", NEW."city", NEW."closes", NEW."country", NEW."email", NEW."id", NEW."kind", NEW."latitude", NEW."longitude", NEW."name", NEW."notice", NEW."opens", NEW."partner_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."phone", NEW."programme", NEW."sample", NEW."services", NEW."shelves", NEW."slug", NEW."status", NEW."weekdays", NEW."zone"); RETURN NULL;', hash='c1faa899e9405dbf935fd39fb7ce4c3277f49435', operation='UPDATE', pgid='pgtrigger_update_update_8457c', table='servicing_servicecentre', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='servicecentre',
            constraint=models.CheckConstraint(condition=models.Q(('weekdays__contained_by', [1, 2, 3, 4, 5, 6, 7]), ('weekdays__len__gte', 1)), name='service_centre_week', violation_error_message='Choose at least one working day.'),
        ),
        migrations.AddConstraint(
            model_name='servicecentre',
            constraint=models.CheckConstraint(condition=models.Q(('closes__gt', models.F('opens'))), name='service_centre_hours', violation_error_message='It closes before it opens. Choose a later time.'),
        ),
        migrations.AddConstraint(
            model_name='servicecentre',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['open', 'suspended'])), name='service_centre_status'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='loanunit',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "servicing_loanunitevent" ("centre_id", "condition", "id", "in_pool", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "sample", "serial") VALUES (NEW."centre_id", NEW."condition", NEW."id", NEW."in_pool", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."product_id", NEW."sample", NEW."serial"); RETURN NULL;', hash='b1e78e2aed45a816b897e9aa3b2d2e1bf4a0cc3c', operation='INSERT', pgid='pgtrigger_insert_insert_81dc9', table='servicing_loanunit', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='loanunit',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "servicing_loanunitevent" ("centre_id", "condition", "id", "in_pool", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "product_id", "sample", "serial") VALUES (NEW."centre_id", NEW."condition", NEW."id", NEW."in_pool", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."product_id", NEW."sample", NEW."serial"); RETURN NULL;', hash='70fa4f5fdc371c2e7828a86848256fdaf687bd80', operation='UPDATE', pgid='pgtrigger_update_update_b72e3', table='servicing_loanunit', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='loan',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "servicing_loanhistoryevent" ("due_back", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (NEW."due_back", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."state"); RETURN NULL;', hash='41c5d93316ee5b1cba63d3fdcdd155ed79649162', operation='INSERT', pgid='pgtrigger_insert_insert_81f28', table='servicing_loan', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='loan',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."due_back" IS DISTINCT FROM (NEW."due_back") OR OLD."state" IS DISTINCT FROM (NEW."state"))', func='INSERT INTO "servicing_loanhistoryevent" ("due_back", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (NEW."due_back", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."state"); RETURN NULL;', hash='6f02ae05d5b51ef88f5415b378342ed46c230540', operation='UPDATE', pgid='pgtrigger_update_update_200de', table='servicing_loan', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='estimate',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "servicing_estimatehistoryevent" ("pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (_pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."state"); RETURN NULL;', hash='53b5c104e4b5f8da2c29806f60f04ea9325ea9ee', operation='INSERT', pgid='pgtrigger_insert_insert_0ff84', table='servicing_estimate', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='estimate',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."state" IS DISTINCT FROM (NEW."state"))', func='INSERT INTO "servicing_estimatehistoryevent" ("pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "state") VALUES (_pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."state"); RETURN NULL;', hash='ebd748e7b430d339b39f99bf0a3f83bfd3026450', operation='UPDATE', pgid='pgtrigger_update_update_bc100', table='servicing_estimate', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ticketevent',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='2a6f47c7fa3b76fd306e71619e4d61e947da2f1a', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f4092', table='servicing_ticketevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ticketevent',
            trigger=pgtrigger.compiler.Trigger(name='no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'servicing_ticketevent is append-only';", hash='d9c769e7f655a2575a0af2b9a3edb678596497ac', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_no_truncate_63659', table='servicing_ticketevent', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ticket',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "servicing_tickethistoryevent" ("centre_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "track", "warranty", "why_no_warranty", "wish") VALUES (NEW."centre_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."track", NEW."warranty", NEW."why_no_warranty", NEW."wish"); RETURN NULL;', hash='5f02df1c9470fa558a00acfc74005d31961716ba', operation='INSERT', pgid='pgtrigger_insert_insert_eb7f2', table='servicing_ticket', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ticket',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."centre_id" IS DISTINCT FROM (NEW."centre_id") OR OLD."track" IS DISTINCT FROM (NEW."track") OR OLD."warranty" IS DISTINCT FROM (NEW."warranty") OR OLD."why_no_warranty" IS DISTINCT FROM (NEW."why_no_warranty") OR OLD."wish" IS DISTINCT FROM (NEW."wish"))', func='INSERT INTO "servicing_tickethistoryevent" ("centre_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "track", "warranty", "why_no_warranty", "wish") VALUES (NEW."centre_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."track", NEW."warranty", NEW."why_no_warranty", NEW."wish"); RETURN NULL;', hash='4e73133e0d0933281762a7ada4db1e7c68ab8c43', operation='UPDATE', pgid='pgtrigger_update_update_4249e', table='servicing_ticket', when='AFTER')),
        ),
    ]
