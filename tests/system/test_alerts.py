"""The alert rules and the dashboard in deploy/ say what the portal says, and Prometheus understands them."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from cps_portal.core.lib import http_metrics
from cps_portal.site.alerts import ALERTS, RATE_ALERTS
from cps_portal.site.queries.figures import METRICS

ROOT = Path(settings.BASE_DIR)
PROMETHEUS, GRAFANA = ROOT / "deploy" / "prometheus", ROOT / "deploy" / "grafana"
METRIC = re.compile(r"\bportal_\w+")
SUFFIXES = ("_bucket", "_count", "_sum")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    return list(group["rules"])


def dashboard() -> dict[str, Any]:
    return dict(json.loads((GRAFANA / "portal.json").read_text()))


def test_the_alert_rules_are_the_thresholds_of_the_portal() -> None:
    written = {
        rule["alert"]: (rule["expr"], rule["for"], rule["labels"]["severity"], rule["annotations"]["summary"])
        for rule in rules()
    }
    expected = {
        alert.name: (alert.expression, alert.lasting, str(alert.severity), str(alert.sentence))
        for alert in (*ALERTS, *RATE_ALERTS)
    }
    assert written == expected


def test_rules_and_dashboard_name_only_metrics_that_there_are() -> None:
    given = set(METRICS) | set(http_metrics.METRICS)
    given |= {name + suffix for name in http_metrics.METRICS for suffix in SUFFIXES}
    expressions = [rule["expr"] for rule in rules()]
    targets = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    assert len(targets) > 15
    named = {metric for expression in [*expressions, *targets] for metric in METRIC.findall(expression)}
    assert named - given == set()
    shown = {metric for expression in targets for metric in METRIC.findall(expression)}
    assert set(METRICS) - shown == set()


def test_the_dashboard_has_a_row_for_each_question() -> None:
    panels = dashboard()["panels"]
    assert [panel["title"] for panel in panels if panel["type"] == "row"] == ["Users", "Queues", "Programme", "Machine"]
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_each_alert_is_explained_to_who_has_to_act() -> None:
    document = (ROOT / "docs" / "operations.md").read_text()
    explained = re.findall(r"^\| `(\w+)` \|", document, re.MULTILINE)
    assert explained == [alert.name for alert in (*ALERTS, *RATE_ALERTS)]


def test_prometheus_fires_the_alerts_when_it_should() -> None:
    """promtool is in Debian's package prometheus, which the gate installs."""
    promtool = shutil.which("promtool")
    if not promtool and not os.environ.get("CI"):
        pytest.skip("promtool is missing: on Debian, apt-get install prometheus")
    assert promtool, "promtool is missing in the gate"
    for command in (
        ["check", "rules", "rules.yml"],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "rules.test.yml"],
    ):
        done = subprocess.run([promtool, *command], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tested() -> None:
    tested = {
        case["alertname"]
        for test in yaml.safe_load((PROMETHEUS / "rules.test.yml").read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert tested == {rule["alert"] for rule in rules()}
