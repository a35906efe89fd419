"""A client that a library makes from the contract tells a whole repair (R47, R52, R55)."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from servicing.models import Ticket
from tests.api.machines import machine
from tests.files import samples
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

NAME = "portal_client"


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Path(sys.executable).parent / "openapi-python-client"
    contract = Path(settings.BASE_DIR, "docs", "openapi.yaml")
    command = [generator, "generate", "--path", contract, "--meta", "none", "--output-path", tmp_path / NAME]
    # Its last step calls a formatter, which is in the same folder.
    path = os.pathsep.join([str(generator.parent), os.environ["PATH"]])
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PATH": path})
    monkeypatch.syspath_prepend(tmp_path)


def part(name: str) -> Any:
    return import_module(f"{NAME}.{name}")


@pytest.mark.wide
def test_a_generated_client_drives_a_whole_repair(
    generated: None, committed_world: World, live_server: LiveServer
) -> None:
    found = machine()
    a_request(committed_world, a_centre(partner=found.partner), at=timezone.now() - timedelta(days=3))
    found.fetch()
    models = part("models")
    client = part("client").AuthenticatedClient(base_url=live_server.url, token=found.token)
    page = part("api.tickets.list_tickets").sync(client=client, state=models.TicketState.REQUESTED)
    reference = page.results[0].reference

    def ask(name: str, *given: Any, status: int = 201, **body: Any) -> Any:
        answer = part(f"api.{name}").sync_detailed(*given, client=client, idempotency_key=uuid4().hex, **body)
        assert answer.status_code == status, answer.content
        return answer.parsed

    def happened(kind: str, **more: Any) -> Any:
        report = models.Report(
            kind=models.ReportedKind(kind), external_id=uuid4().hex, occurred_at=datetime.now(UTC), **more
        )
        return ask("tickets.record_ticket_event", reference, body=report)

    assert happened("booked_in", condition="Scratched").due_at
    happened("assessed")
    line = models.Line(text="Shutter unit", price="4200.00", tax_percent="15")
    until = (timezone.now() + timedelta(days=10)).date()
    estimate = models.EstimateIn(currency="ZAR", valid_until=until, lines=[line])
    sent = ask("work.send_estimate", reference, body=estimate)
    assert sent.total == "4830.00"
    assert happened("estimate_approved").paused is False
    ordered = ask("work.order_part", reference, body=models.PartIn(name="Shutter unit"))
    ask("work.record_part_arrived", reference, ordered.id, body=models.Step(), status=200)
    photo = part("types").File(payload=BytesIO(samples.jpeg()), file_name="a.jpg", mime_type="image/jpeg")
    kept = ask("work.add_document", reference, body=models.DocumentIn(kind=models.DocumentKind.FAULT, file=photo))
    assert (kept.content_type, kept.kind) == ("image/jpeg", "fault")
    for kind in ("repair_started", "ready", "shipped", "closed"):
        happened(kind)
    assert part("api.tickets.get_ticket").sync(reference, client=client).state == "closed"
    client.get_httpx_client().close()
    assert Ticket.objects.get(reference=reference).ended_at
