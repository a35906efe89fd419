"""What the guides for partners tell people to type is typed here, in the sandbox of a fresh `make run` (R55)."""

import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from cps_portal.core.partners.enums import PartnerKind
from cps_portal.dev.demo import partners
from cps_portal.dev.embedded.simulator_partner import register_simulator
from members.models import Member
from members.offers.enums import PackState
from members.offers.models import WelcomePack
from tests.files import samples
from tests.offers import packing as packs

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
    if not shutil.which("curl"):
        assert not os.environ.get("CI"), "the gate installs curl"
        pytest.skip("needs curl")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(samples.jpeg())
    pack, secret = requested_pack(tmp_path / "secret")
    blocks = {guide.stem: BLOCK.findall(guide.read_text(encoding="utf-8")) for guide in GUIDES}
    assert {name for name, found in blocks.items() if found} == {*KINDS, ELSEWHERE}
    failures = [
        f"{name}.md, block {number}: {problem}"
        for name, kind in KINDS.items()
        for number, block in enumerate(blocks[name], start=1)
        if (
            problem := run(
                *block,
                env={**sandbox(live_server.url, kind, photo), "SECRET": secret, "REFERENCE": pack.reference},
                script=tmp_path / f"{name}{number}",
            )
        )
    ]
    assert failures == []
    pack.refresh_from_db()
    assert (pack.state, pack.tracking) == (PackState.DISPATCHED, "SP123")


def requested_pack(secret_file: Path) -> tuple[WelcomePack, str]:
    """A pack that Ana has asked for, and the secret that the simulator's endpoint signs with."""
    register_simulator("https://house.example/hooks", secret_file)
    ana = Member.objects.get(user__email="ana@example.org")
    return packs.asked(ana, timezone.now()), secret_file.read_text(encoding="utf-8")


def sandbox(url: str, kind: PartnerKind, photo: Path) -> dict[str, str]:
    """The environment that docs/api/README.md sets."""
    today = timezone.localdate()
    return {
        "BASE": url,
        "CLIENT_ID": partners.SANDBOX[kind][0],
        "CLIENT_SECRET": partners.SECRET,
        "PHOTO": str(photo),
        "DAY": str(today - timedelta(days=2)),
        "UNTIL": str(today + timedelta(days=10)),
    }


def run(language: str, text: str, *, env: dict[str, str], script: Path) -> str:
    """What went wrong; "" if nothing did."""
    script.write_text(text, encoding="utf-8")
    command = ["bash", "-euo", "pipefail", str(script)] if language == "bash" else [sys.executable, str(script)]
    done = subprocess.run(  # noqa: PLW1510
        command, env={**os.environ, **env}, cwd=script.parent, capture_output=True, text=True, timeout=60
    )
    return done.stderr + done.stdout if done.returncode else ""
