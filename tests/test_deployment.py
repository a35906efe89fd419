"""docker-compose.yml and deploy/kubernetes start the same processes, with limits, health checks and few rights."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from cps_portal.settings.environment import VARIABLES
from cps_portal.settings.variables import COMPOSE

ROOT = Path(settings.BASE_DIR)
OURS = {
    "migrate": "command",
    "web-a": "web",
    "web-b": "web",
    "worker": "worker",
    "webhooks": "worker",
    "beat": "worker",
    "exporter": "command",
}
ONE_OFF = {"migrate"}  # ends by itself
GRACE_SECONDS = {"web-a": 40, "web-b": 40, "worker": 310, "webhooks": 310, "beat": 10, "database": 60}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


def mappings_in(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _key, value in node.value:
            yield from mappings_in(value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from mappings_in(each)


def test_no_key_is_written_twice() -> None:
    """Docker and Kubernetes refuse such a file; PyYAML takes the last value."""
    twice = []
    for path in [ROOT / "docker-compose.yml", *sorted((ROOT / "deploy").rglob("*.y*ml"))]:
        for document in yaml.compose_all(path.read_text(), yaml.SafeLoader):
            for mapping in mappings_in(document):
                names = [key.value for key, _value in mapping.value]
                twice += [f"{path.name}: {name}" for name in set(names) if names.count(name) > 1]
    assert twice == []


def test_only_the_front_server_publishes_a_port(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["front"]
    assert all("network_mode" not in service for service in compose["services"].values())


def test_every_python_process_has_its_limits(compose: dict[str, Any]) -> None:
    ours = {name: service for name, service in compose["services"].items() if service.get("image") == "cps-portal"}
    assert {name: each["environment"].get("DATABASE_LIMITS", "command") for name, each in ours.items()} == OURS


def test_every_service_has_few_rights_bounds_and_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]) and service["pids_limit"] > 0, name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name
        assert "healthcheck" in service or name in ONE_OFF, name
        assert service["restart"] == ("no" if name in ONE_OFF else "unless-stopped"), name
        assert not {"SYS_ADMIN", "NET_ADMIN", "ALL"} & set(service.get("cap_add", [])), name
    added = {name for name, service in compose["services"].items() if "cap_add" in service}
    assert added == {"database", "broker", "cache", "backup", "backup-log"}, "none of ours needs any"


def test_services_have_time_to_finish_their_work(compose: dict[str, Any]) -> None:
    for name, seconds in GRACE_SECONDS.items():
        assert compose["services"][name]["stop_grace_period"] == f"{seconds}s", name
    assert GRACE_SECONDS["worker"] > settings.CELERY_TASK_TIME_LIMIT


def test_broker_and_cache_are_two_servers_with_the_settings_of_their_work(compose: dict[str, Any]) -> None:
    services = compose["services"]
    broker, cache = " ".join(services["broker"]["command"]), " ".join(services["cache"]["command"])
    assert "noeviction" in broker and "--appendonly yes" in broker
    assert "allkeys-lru" in cache and "--appendonly no" in cache and "--maxmemory 256mb" in cache
    environment = services["web-a"]["environment"]
    assert (environment["REDIS_URL"], environment["CACHE_URL"]) == ("redis://broker:6379/0", "redis://cache:6379/0")


def test_what_compose_reads_and_sets_is_declared(compose: dict[str, Any]) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    read = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    assert {variable.name for variable in COMPOSE} <= read
    assert read - {variable.name for variable in COMPOSE} <= set(VARIABLES)
    set_by_it = {name for service in OURS for name in compose["services"][service]["environment"]}
    assert set_by_it == {name for name, variable in VARIABLES.items() if variable.is_set_by_compose}
    assert all(compose["services"][name]["env_file"] == ".env" for name in OURS)


def test_the_image_runs_as_nobody_special_and_has_no_tools_of_the_build() -> None:
    build, final = (ROOT / "Dockerfile").read_text().split("\nFROM ", maxsplit=2)[-2:]
    assert " AS build\n" in build and "COPY locale" in build and "core/lib/catalogues.py" in build
    assert "USER 10001" in final and "apt-get" not in final and "pip" not in final
    assert "--access-logfile" not in final


def test_a_web_server_is_taken_out_of_the_front_and_put_back(tmp_path: Path) -> None:
    conf, pid = tmp_path / "portal.conf", tmp_path / "nginx.pid"
    server_a, server_b = "server web-a:8000 resolve max_fails=1;", "server web-b:8000 resolve max_fails=1;"
    conf.write_text(f"{server_a}\n{server_b}\n")
    down = server_a.replace("8000 ", "8000 down ")
    for arguments, status, lines in (
        (["take-out", "web-a:8000"], 0, [down, server_b]),
        (["take-out", "web-a:8000"], 0, [down, server_b]),
        (["put-back", "web-a:8000"], 0, [server_a, server_b]),
        (["put-back", "web-a:8000"], 0, [server_a, server_b]),
        (["take-out", "web-c:8000"], 1, [server_a, server_b]),
        (["take-out", "web-a:80"], 1, [server_a, server_b]),
        (["stop", "web-a:8000"], 2, [server_a, server_b]),
        (["take-out"], 2, [server_a, server_b]),
        ([], 2, [server_a, server_b]),
    ):
        with subprocess.Popen(["sleep", "60"]) as nginx:
            pid.write_text(str(nginx.pid))
            environment = {**os.environ, "PORTAL_FRONT_CONF": str(conf), "PORTAL_FRONT_PID": str(pid)}
            script = [ROOT / "deploy/nginx/portal-front", *arguments]
            assert subprocess.run(script, env=environment, capture_output=True, check=False).returncode == status
            if status:
                nginx.kill()
            assert nginx.wait(5) == (-signal.SIGKILL if status else -signal.SIGHUP), "told to load it again"
        assert conf.read_text().splitlines() == lines, arguments


# --- Kubernetes: what its schema does not say (.ci/run checks that) ----------------------------------


@pytest.fixture(scope="module")
def cluster() -> dict[str, dict[str, Any]]:
    """Deployments and Jobs by name."""
    base = ROOT / "deploy/kubernetes"
    listed = yaml.safe_load((base / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in base.glob("*.yaml")} == {*listed, "kustomization.yaml"}
    resources = [each for name in listed for each in yaml.safe_load_all((base / name).read_text())]
    return {each["metadata"]["name"]: each for each in resources if each["kind"] in ("Deployment", "Job")}


def pod_of(resource: dict[str, Any]) -> dict[str, Any]:
    return dict(resource["spec"]["template"]["spec"])


def test_the_cluster_runs_the_same_commands_as_compose(
    cluster: dict[str, dict[str, Any]], compose: dict[str, Any]
) -> None:
    services = {name.removesuffix("-a"): service for name, service in compose["services"].items() if name != "web-b"}
    assert cluster.keys() == {name.removesuffix("-a") for name in OURS} - {"web-b"}
    for name, resource in cluster.items():
        (container,) = pod_of(resource)["containers"]
        assert container.get("command") == services[name].get("command"), name
        environment = {variable["name"]: variable["value"] for variable in container["env"]}
        limits = services[name]["environment"].get("DATABASE_LIMITS", "command")
        assert environment["DATABASE_LIMITS"] == limits, name


def test_every_pod_has_few_rights_bounds_and_time_to_finish(cluster: dict[str, dict[str, Any]]) -> None:
    for name, resource in cluster.items():
        pod = pod_of(resource)
        (container,) = pod["containers"]
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True and rights["allowPrivilegeEscalation"] is False, name
        assert rights["capabilities"] == {"drop": ["ALL"]} and pod["securityContext"]["runAsNonRoot"] is True, name
        assert container["resources"]["limits"]["memory"] and pod["automountServiceAccountToken"] is False, name
        assert resource["kind"] == "Job" or "livenessProbe" in container, name
        assert pod["terminationGracePeriodSeconds"] >= GRACE_SECONDS.get(name, 10), name


def test_web_is_replaced_without_a_gap_and_beat_never_runs_twice(cluster: dict[str, dict[str, Any]]) -> None:
    web, beat = cluster["web"]["spec"], cluster["beat"]["spec"]
    (container,) = pod_of(cluster["web"])["containers"]
    assert web["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert container["livenessProbe"]["httpGet"]["path"] == settings.LIVE_PATH
    assert container["readinessProbe"]["httpGet"]["path"] == settings.READY_PATH
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "5"]
    assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})
