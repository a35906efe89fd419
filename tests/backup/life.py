"""What happens before and after the moment to restore. The rehearsal calls this in `manage.py shell`.

Before it somebody closes their account, mails are written and files are stored. After it that person is erased, and the
mails leave. The restored database knows of none of that.
"""

import json
import sys
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import transaction
from django.utils import timezone

from cps_portal.core.files.actions import store
from cps_portal.core.files.models import StoredFile
from cps_portal.core.outbox.actions import enqueue, sweep
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.site.actions import close_account, erase_due
from members.models import Member, Session
from members.sessions import SessionStore
from tests.files import samples

FILES = 5  # the rehearsal counts them again


def before() -> None:
    """A session, stored files, and mails that are due, one of them about an account closed long ago."""
    erased, other = Member.objects.select_related("user").order_by("pk")[:2]
    now = timezone.now()
    close_account(member=erased, by=erased.user, at=now - timedelta(days=settings.CLOSING_DAYS + 1))
    for _number in range(FILES):
        store(upload=samples.upload(samples.jpeg()), purpose="case", by=other.user, at=now)
    with transaction.atomic():
        letter = {"subject": "Hello", "text": "Hello", "html": "<p>Hello</p>"}
        enqueue(key="rehearsal", kind="mail", to="rehearsal@example.org", payload=letter, at=now - timedelta(minutes=1))
    session = SessionStore()
    session[SESSION_KEY] = str(other.user_id)
    session.save()


def after() -> None:
    """What was due leaves, and who is due is erased."""
    sweep()
    assert erase_due(at=timezone.now(), limit=10)


def send() -> None:
    """What the workers of the restored portal send at first."""
    sweep()


def observe() -> None:
    """Print the facts that the rehearsal compares."""
    facts = {
        "erased": Member.objects.exclude(erased_at=None).count(),
        "held": Message.objects.filter(state=State.HELD).count(),
        "sent": Message.objects.filter(state=State.SENT).count(),
        "sessions": Session.objects.count(),
        "files": StoredFile.objects.kept().count(),
    }
    sys.stdout.write(json.dumps(facts))
