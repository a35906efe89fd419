"""Requests are counted by view, by all web processes together, and only if that is asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from pytest_django import Settings

from cps_portal.core.lib.http_metrics import MetricsMiddleware, empty_folder
from cps_portal.dev.embedded.ports import free_port

PROGRAM = """
import os, sys, urllib.request
from multiprocessing import Process
import django
from django.conf import settings
settings.configure(METRICS_FOLDER=sys.argv[1], ROOT_URLCONF="urls", ALLOWED_HOSTS=["*"], SECRET_KEY="x")
django.setup()
from django.http import HttpResponse
from django.test import RequestFactory
from types import SimpleNamespace
from cps_portal.core.lib.http_metrics import MetricsMiddleware, serve_web_metrics

def answer(request):
    if request.path != "/nowhere/":
        request.resolver_match = SimpleNamespace(view_name="home")
    return HttpResponse(status=404 if request.path == "/nowhere/" else 200)

def work(n):
    middleware, requests = MetricsMiddleware(answer), RequestFactory()
    for _ in range(n):
        middleware(requests.get("/"))
    middleware(requests.generic("BREW", "/nowhere/"))

for n in (3, 4):
    process = Process(target=work, args=(n,))
    process.start()
    process.join()
port = int(sys.argv[2])
serve_web_metrics(folder=sys.argv[1], port=port)
serve_web_metrics(folder=sys.argv[1], port=port)  # as the next web process does
print(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())
"""


def test_without_a_folder_nothing_is_counted(settings: Settings) -> None:
    settings.METRICS_FOLDER = ""
    with pytest.raises(MiddlewareNotUsed):
        MetricsMiddleware(lambda request: HttpResponse())


def test_all_web_processes_are_counted_together(tmp_path: Path, unused_port: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(unused_port)],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        cwd=django_settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert 'portal_http_requests_total{method="GET",status="200",view="home"} 7.0' in done.stdout
    assert 'portal_http_requests_total{method="OTHER",status="404",view=""} 2.0' in done.stdout
    assert 'portal_http_request_seconds_count{view="home"} 7.0' in done.stdout


def test_the_folder_is_emptied_of_counts_and_of_nothing_else(tmp_path: Path) -> None:
    for name in ("counter_12.db", "histogram_12.db", "keep.txt"):
        (tmp_path / name).touch()
    empty_folder(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["keep.txt"]
    empty_folder(str(tmp_path / "new"))
    assert (tmp_path / "new").is_dir()


@pytest.fixture
def unused_port() -> int:
    return free_port()
