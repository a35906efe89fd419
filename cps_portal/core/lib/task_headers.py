"""What a task carries in its headers: the id of the request that queued it, and when it was queued."""

import time
from typing import Any
from uuid import uuid4

from celery.signals import before_task_publish, task_postrun, task_prerun

from cps_portal.core.lib.logs import bind_request_id, current_request_id

REQUEST_ID_HEADER, QUEUED_AT_HEADER = "request_id", "queued_at"


@before_task_publish.connect
def add_headers(headers: dict[str, Any], **_kwargs: object) -> None:
    headers[REQUEST_ID_HEADER] = current_request_id()
    headers[QUEUED_AT_HEADER] = time.time()


@task_prerun.connect
def bind_id_of_task(task: Any, **_kwargs: object) -> None:
    """Log with the id of the request that queued the task. What the clock queued gets an id of its own."""
    bind_request_id(task.request.get(REQUEST_ID_HEADER) or uuid4().hex)


@task_postrun.connect
def unbind_id_of_task(**_kwargs: object) -> None:
    bind_request_id("")
