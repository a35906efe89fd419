"""What the guides for partners tell people to type is typed here, in order, against a running portal (R55)."""

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
from tests.api.machines import machine
from tests.files import samples
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

GUIDES = Path(settings.BASE_DIR, "docs", "api")
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
KINDS = {"centres": PartnerKind.CENTRE, "retailers": PartnerKind.RETAILER, "webhooks": PartnerKind.CENTRE}


@pytest.mark.parametrize("guide", KINDS)
def test_the_commands_of_every_guide_work(
    guide: str, committed_world: World, live_server: LiveServer, tmp_path: Path
) -> None:
    if not shutil.which("curl"):
        assert not os.environ.get("CI"), "the gate installs curl"
        pytest.skip("needs curl")
    found = machine(guide, KINDS[guide])
    now = timezone.now()
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(samples.jpeg())
    if guide == "centres":
        a_request(committed_world, a_centre(partner=found.partner), at=now - timedelta(days=3))
    names = {
        "BASE": live_server.url,
        "CLIENT_ID": found.credential.client_id,
        "CLIENT_SECRET": found.secret,
        "PHOTO": str(photo),
        "DAY": str((now - timedelta(days=2)).date()),
        "UNTIL": str((now + timedelta(days=10)).date()),
    }
    blocks = BLOCK.findall((GUIDES / f"{guide}.md").read_text(encoding="utf-8"))
    assert blocks
    for n, (language, text) in enumerate(blocks):
        script = tmp_path / f"{n}"
        script.write_text(text, encoding="utf-8")
        command = ["bash", "-euo", "pipefail", str(script)] if language == "bash" else [sys.executable, str(script)]
        done = subprocess.run(  # noqa: PLW1510
            command, env={**os.environ, **names}, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"{guide}.md, block {n + 1}: {done.stderr}{done.stdout}"
