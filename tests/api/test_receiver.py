"""The receiver that the guide to webhooks gives out takes what we sign, and nothing else (R38, R55)."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from standardwebhooks import Webhook

from cps_portal.dev.embedded.ports import free_port

GUIDE = Path(settings.BASE_DIR, "docs", "api", "webhooks.md")
SECRET = "whsec_c2FtcGxlIHNlY3JldCBvZiB0aGlzIGd1aWRlLCAzMiBieXRlcw=="
OTHER = "whsec_YW5vdGhlciBzZWNyZXQgdGhhdCBzaWducyBub3RoaW5nIGhlcmU="
BODY = json.dumps({"type": "sale.matched", "subject": "sales/7", "sequence": 1, "data": {"sale": 7}})


def send(port: int, secret: str) -> int:
    """The status that a message signed with this secret is answered with."""
    at = datetime.now(UTC)
    headers = {
        "Webhook-Id": "sale-matched-7",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("sale-matched-7", at, BODY),
    }
    request = urllib.request.Request(f"http://127.0.0.1:{port}/hooks", BODY.encode(), headers)
    for _try in range(100):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (our own, just started)
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
        except urllib.error.URLError:
            time.sleep(0.1)  # it is starting
    raise AssertionError("the receiver does not listen")


def test_what_we_sign_is_received_and_nothing_else(tmp_path: Path, socket_enabled: None) -> None:
    (block,) = re.findall(r"^```py\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    port = free_port()
    assert block.count("9000") == 1
    (tmp_path / "receiver.py").write_text(block.replace("9000", str(port)), encoding="utf-8")
    (tmp_path / "endpoint.json").write_text(json.dumps({"endpoint": {"id": 1}, "secret": SECRET}), encoding="utf-8")
    running = subprocess.Popen([sys.executable, "receiver.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert (send(port, SECRET), send(port, OTHER)) == (204, 400)
    finally:
        running.terminate()
        said, _nothing = running.communicate(timeout=10)
    received, refused = said.splitlines()
    assert received == 'sale.matched sales/7 1 {"sale": 7}'
    assert refused.startswith("Refused: ")
