from django.db import migrations, models


class Migration(migrations.Migration):
    """A loan that follows the repair has no date yet; a ticket knows whether its loan is out (R53)."""

    dependencies = [("servicing", "0009_conversation")]

    operations = [
        migrations.AddField(
            model_name="ticket",
            name="loan_out",
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name="loan is out"),
        ),
        migrations.RemoveConstraint(model_name="loan", name="loan_state_agrees"),
        migrations.AddConstraint(
            model_name="loan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cancelled_at", None), ("out_at", None), ("returned_at", None), ("state", "reserved")),
                    models.Q(
                        ("agreed_at__isnull", False),
                        ("cancelled_at", None),
                        ("out_at__isnull", False),
                        ("returned_at", None),
                        ("state", "out"),
                    ),
                    models.Q(
                        ("cancelled_at", None),
                        ("out_at__isnull", False),
                        ("returned_at__gte", models.F("out_at")),
                        ("state", "returned"),
                    ),
                    models.Q(
                        ("cancelled_at__isnull", False), ("out_at", None), ("returned_at", None), ("state", "cancelled")
                    ),
                    _connector="OR",
                ),
                name="loan_state_agrees",
            ),
        ),
    ]
