"""What the guides for partners tell people to type is typed here, in the sandbox of a fresh `make run` (R55)."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from cps_portal.core.partners.enums import PartnerKind
from cps_portal.dev.demo import partners
from members.offers.enums import PackState
from members.offers.models import WelcomePack
from tests.rows import each_row

DOCS = Path(settings.BASE_DIR, "docs")
GUIDES = [*sorted((DOCS / "api").glob("*.md")), DOCS / "fulfilment.md"]
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
KINDS = {
    "quickstart": PartnerKind.CENTRE,
    "sandbox": PartnerKind.CENTRE,
    "centres": PartnerKind.CENTRE,
    "retailers": PartnerKind.RETAILER,
    "webhooks": PartnerKind.CENTRE,
    "fulfilment": PartnerKind.FULFILMENT,
}
ELSEWHERE = "clients"  # needs a client that is made first, see test_generated_client.py


def test_no_guide_hides_failures() -> None:
    for guide in GUIDES:
        text = guide.read_text(encoding="utf-8")
        assert not re.search(r"curl (?!-sS --fail-with-body)(?!-s \"\$BASE/api/v1/oauth/token)", text), guide.name
        if "urlopen(" in text:
            assert text.count("urlopen(") <= text.count("except urllib.error.HTTPError") + 1, guide.name


@pytest.mark.wide
@pytest.mark.urls("tests.sandbox.urls")
def test_the_commands_of_every_guide_work_in_a_fresh_sandbox(
    demo: None, live_server: LiveServer, tmp_path: Path
) -> None:
    """One after the other in a folder of the guide's own, with nothing but what the guide says to set."""
    if not shutil.which("curl"):
        assert not os.environ.get("CI"), "the gate installs curl"
        pytest.skip("needs curl")
    blocks = {guide.stem: BLOCK.findall(guide.read_text(encoding="utf-8")) for guide in GUIDES}
    assert {name for name, found in blocks.items() if found} == {*KINDS, ELSEWHERE}
    failures = []
    for name, kind in KINDS.items():
        folder = tmp_path / name
        folder.mkdir()
        environment = {
            "BASE": live_server.url,
            "CLIENT_ID": partners.SANDBOX[kind][0],
            "CLIENT_SECRET": partners.SECRET,
        }
        for number, block in enumerate(blocks[name], start=1):
            if problem := run(*block, env=environment, script=folder / f"block{number}"):
                failures.append(f"{name}.md, block {number}: {problem}")
    assert failures == []
    packs = WelcomePack.objects.filter(partner__slug=partners.SANDBOX[PartnerKind.FULFILMENT][0])
    assert packs.get(tracking="SP123").state == PackState.DISPATCHED, "by token"
    assert packs.filter(state=PackState.PACKED).exists(), "by signed reports"


@each_row("name", KINDS)
def test_a_guide_says_itself_what_to_set(name: str) -> None:
    """A newcomer who opens it first need not look elsewhere for an address, a credential, or sample data."""
    guide = next(guide for guide in GUIDES if guide.stem == name).read_text(encoding="utf-8")
    commands = "".join(re.findall(r"^```(?:bash|python|sh)\n(.*?)^```", guide, re.DOTALL | re.MULTILINE))
    used = set(re.findall(r"\$\{?([A-Z_]{3,})", commands)) | set(re.findall(r'environ\["(\w+)"\]', commands))
    given = set(re.findall(r"\b([A-Z_]{3,})=", commands)) | set(re.findall(r"\bfor ([A-Z_]+) in", commands))
    assert used - given - {"RANDOM"} == set()


def run(language: str, text: str, *, env: dict[str, str], script: Path) -> str:
    """What went wrong; "" if nothing did."""
    script.write_text(text, encoding="utf-8")
    command = ["bash", "-euo", "pipefail", str(script)] if language == "bash" else [sys.executable, str(script)]
    done = subprocess.run(  # noqa: PLW1510
        command, env={**os.environ, **env}, cwd=script.parent, capture_output=True, text=True, timeout=300
    )
    return done.stderr + done.stdout if done.returncode else ""
