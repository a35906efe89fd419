"""Whatever a cookie contains, a page answers."""

import pytest
from django.test import Client

from tests.rows import each_row

pytestmark = pytest.mark.django_db
NAMES = ["sessionid", "csrftoken", "messages", "kept_forms", "anything"]


@each_row("name", NAMES)
@each_row(
    "value",
    ['"\\000"', '"' + "\\000" * 32 + '"', '"a\\033b"', "x" * 5000, "\u00e9", "%00", "a b", '"', "\\", "'; select 1"],
)
def test_a_broken_cookie_is_ignored(name: str, value: str) -> None:
    client = Client(headers={"cookie": f"{name}={value}"})
    assert client.get("/terms/").status_code == 200
    assert client.get("/dashboard/").status_code == 302
    assert client.post("/accounts/login/", {"login": "a@example.org", "password": "x"}).status_code == 200
