"""A person's browser over https: cookies, forms, redirects. What is refused or breaks is sent again as it was."""

import http.client
import re
import socket
import ssl
import threading
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass

from tests.launcher.front import HOST, Front
from tests.submissions.pages import Data, FormReader

REFUSED = frozenset({429, 502, 503, 504, 507})  # "try again": a person presses the button again
TIMEOUT_SECONDS = 30
PATIENCE_SECONDS = 180
MAX_REDIRECTS = 5
BOUNDARY = "----boundary-of-the-chaos-run"


class JourneyFailed(Exception):
    """An answer that no person should get."""


@dataclass(frozen=True)
class Page:
    path: str
    status: int
    text: str
    redirected: bool = False

    def describe(self) -> str:
        """Address, status and first words, for the report of a failure."""
        words = " ".join(re.sub(r"<[^>]*>", " ", self.text.partition("<main")[2]).split())
        return f"{self.path} ({self.status}): {words[:300]}"


@dataclass(frozen=True)
class Attachment:
    field: str
    name: str
    content: bytes


class Browser:
    """`address`: where it connects from, on loopback, since the portal counts attempts by address."""

    def __init__(self, front: Front, address: str) -> None:
        self.front, self.address = front, address
        self.context = ssl.create_default_context(cafile=str(front.folder / "fullchain.pem"))
        self.cookies: dict[str, str] = {}
        self.repeats: Counter[str] = Counter()  # why requests were sent again
        self.slowest = 0.0

    def read(self, path: str) -> Page:
        return self._follow("GET", path, b"", "")

    def send(
        self,
        page: Page,
        action: str,
        typed: dict[str, str],
        *,
        attachment: Attachment | None = None,
        twice: bool = False,
    ) -> Page:
        """Fill in the form of the page that leads to `action`, and send it. `twice`: the button is pressed twice."""
        fields = {**find_form(page, action, next(iter(typed))), **{name: [value] for name, value in typed.items()}}
        kind, body = encode_form(fields, attachment)
        if twice:
            other = threading.Thread(target=self._request, args=("POST", action, body, kind))
            other.start()
        answer = self._follow("POST", action, body, kind)
        if twice:
            other.join()
        return answer

    def _follow(self, method: str, path: str, body: bytes, kind: str) -> Page:
        status, location, text = self._request(method, path, body, kind)
        for number in range(MAX_REDIRECTS):
            if status not in (301, 302, 303, 307, 308):
                return Page(path, status, text, redirected=number > 0)
            path = urllib.parse.urljoin(path, location)
            status, location, text = self._request("GET", path, b"", "")
        raise JourneyFailed(f"{path}: redirected without end")

    def _request(self, method: str, path: str, body: bytes, kind: str) -> tuple[int, str, str]:
        """Status, Location and text of the first answer that is no refusal."""
        began, pause = time.monotonic(), 0.3
        while True:
            try:
                status, location, text = self._try(method, path, body, kind)
            except (OSError, http.client.HTTPException) as error:
                reason = type(error).__name__
            else:
                if status not in REFUSED:
                    self.slowest = max(self.slowest, time.monotonic() - began)
                    if status >= 500:
                        raise JourneyFailed(f"{method} {path}: {status}")
                    return status, location, text
                reason = str(status)
            self.repeats[reason] += 1
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise JourneyFailed(f"{method} {path}: {reason} for {PATIENCE_SECONDS} seconds")
            time.sleep(pause)
            pause = min(pause * 1.5, 3)

    def _try(self, method: str, path: str, body: bytes, kind: str) -> tuple[int, str, str]:
        headers = {"Host": HOST, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if method == "POST":
            headers |= {"Origin": f"https://{HOST}", "Content-Type": kind}
        raw = socket.create_connection(("127.0.0.1", self.front.https), TIMEOUT_SECONDS, (self.address, 0))
        with raw, self.context.wrap_socket(raw, server_hostname=HOST) as secure:
            connection = http.client.HTTPConnection(HOST)
            connection.sock = secure
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            for line in answer.headers.get_all("Set-Cookie") or []:
                name, _equals, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.headers.get("Location", ""), text


def find_form(page: Page, action: str, field: str) -> Data:
    """What a browser would send of the form that leads to `action`; of several the one with `field`."""
    forms = [
        data
        for leads_to, data in FormReader(page.text).forms
        if "csrfmiddlewaretoken" in data and (leads_to or page.path).partition("?")[0] == action
    ]
    if not forms:
        raise JourneyFailed(f"no form leads to {action} on {page.describe()}")
    return next((data for data in forms if field in data), forms[0])


def encode_form(fields: Data, attachment: Attachment | None) -> tuple[str, bytes]:
    """Content type and body."""
    if attachment is None:
        return "application/x-www-form-urlencoded", urllib.parse.urlencode(fields, doseq=True).encode()
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, values in fields.items()
        for value in values
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{attachment.field}"; filename="{attachment.name}"\r\n'
    )
    parts += [f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + attachment.content + b"\r\n"]
    return f"multipart/form-data; boundary={BOUNDARY}", b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
