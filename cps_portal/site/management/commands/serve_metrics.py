"""The exporter: a process of its own that gives Prometheus everything that is about the whole portal."""

from collections.abc import Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.utils import timezone
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cps_portal.core.lib.databases import direct_connection
from cps_portal.core.lib.time_limits import limit_waiting, time_budget
from cps_portal.site.queries.figures import COUNTERS, METRICS, Sample, read_figures

STATEMENT_MILLISECONDS = 2_000
SOCKET_SECONDS = 5  # for a client to say what it wants
SCRAPE_SECONDS = 8.0  # for all questions together; Prometheus gives up after ten


class PortalCollector(Collector):
    """Reads the figures anew for each scrape."""

    def describe(self) -> Iterator[Metric]:
        """Without this the registry would read all figures when the collector is registered."""
        return iter([_family(name, []) for name in METRICS])

    def collect(self) -> Iterator[Metric]:
        with time_budget(SCRAPE_SECONDS):
            samples = read_figures(timezone.now())
        for name in METRICS:
            if own := [sample for sample in samples if sample.metric == name]:
                yield _family(name, own)


def _family(name: str, samples: list[Sample]) -> Metric:
    labels = sorted({label for sample in samples for label in sample.labels})
    family = (CounterMetricFamily if name in COUNTERS else GaugeMetricFamily)(name, METRICS[name], labels=labels)
    for sample in samples:
        family.add_metric([sample.labels[label] for label in labels], sample.value)
    return family


class _Handler(WSGIRequestHandler):
    timeout = SOCKET_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Scrapes are not worth a line."""


def exporter(*, port: int, address: str) -> WSGIServer:
    """A server for one scrape at a time, in one thread: it has one connection to the database."""
    registry = CollectorRegistry()
    registry.register(PortalCollector())
    metrics = make_wsgi_app(registry)

    def answer(environ: Any, start_response: Any) -> Any:
        connection.close_if_unusable_or_obsolete()
        return metrics(environ, start_response)

    return make_server(address, port, answer, handler_class=_Handler)


class Command(BaseCommand):
    help = "Gives metrics to Prometheus. Its port must not be reachable from outside."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.METRICS_PORT)
        parser.add_argument("--address", default="0.0.0.0", help="where to listen")  # noqa: S104 (in a container)

    def handle(self, *_args: Any, port: int, address: str, **_options: Any) -> None:
        limit_waiting("web")
        read_only_and_short(connection)
        self.stdout.write(f"metrics at http://{address}:{port}/metrics")
        exporter(port=port, address=address).serve_forever()


def read_only_and_short(database: Any) -> None:
    """Let this connection only read, and never for long. Directly: a pool takes no options."""
    direct = direct_connection(settings.DATABASE_DIRECT, kind="web", max_age=settings.DATABASE_DIRECT["CONN_MAX_AGE"])
    limits = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_MILLISECONDS}"
    direct["OPTIONS"]["options"] += f" {limits}"
    database.settings_dict.update({**direct, "NAME": database.settings_dict["NAME"]})
