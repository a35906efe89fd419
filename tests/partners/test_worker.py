"""Real workers of the webhooks' queue, killed as the machine kills them."""

import signal

import pytest
from django.db import transaction
from django.utils import timezone

from cps_portal.core.lib.background import queue_task
from cps_portal.core.outbox.enums import State
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions
from cps_portal.core.partners.models import WebhookEndpoint
from tests.partners.conftest import TYPE
from tests.partners.receiver import Receiver
from tests.workers import StartWorker, wait_until

MESSAGES = 30
HOOKS = ("-Q", "webhooks", "-P", "threads", "-c", "4")


@pytest.mark.launcher
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_sending_a_webhook_loses_nothing(
    start_worker: StartWorker, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.hold_from = 5  # however slow the machine is, the worker is killed in the middle
    with transaction.atomic():
        for n in range(MESSAGES):
            actions.enqueue_webhook(
                partner=endpoint.partner,
                type=TYPE,
                key=f"pack-{n}",
                subject="packs/1",
                sequence=1,
                renderer="tests.sum_up",
                at=timezone.now(),
            )
    worker = start_worker(*HOOKS)
    wait_until(lambda: len(receiver.got) >= 5)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    receiver.hold_from = 0
    receiver.go_on.set()
    assert Message.objects.exclude(state=State.SENT).count() >= MESSAGES // 3
    start_worker(*HOOKS)

    def all_told() -> bool:
        queue_task("outbox.send_in_order", endpoint.ordering_key)  # as the sweep does by the clock
        return not Message.objects.exclude(state=State.SENT).exists()

    wait_until(all_told)
    told = [one.headers["webhook-id"] for one in receiver.got]
    assert len(set(told)) == MESSAGES
    assert len(told) <= MESSAGES + 1  # only what the dead had in hand went out twice
    assert receiver.most_at_once == 1
