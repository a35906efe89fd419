"""Read a form of a page as a browser does, and send it."""

from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client

from cps_portal.core.submissions import tokens
from tests.submissions.stage import TypedForm

SITE = "http://testserver"
Data = dict[str, list[str]]


class FormReader(HTMLParser):
    """The forms of a page: where each leads, and what a browser would send without its buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, Data]] = []
        self._textarea = self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name = values.get("name", "")
        if tag == "form":
            self.forms.append((values.get("action", ""), {}))
        elif tag == "input" and name and values.get("type") not in ("submit", "button", "file"):
            is_box = values.get("type") in ("checkbox", "radio")
            if not is_box or "checked" in values:
                self._add(name, values.get("value", "on" if is_box else ""))
        elif tag == "textarea":
            self._textarea = name
            self._add(name, "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in values:
            self._add(self._select, values["value"])

    def handle_data(self, data: str) -> None:
        if self._textarea:
            values = self.forms[-1][1][self._textarea]
            values[-1] = values[-1] + data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            values = self.forms[-1][1][self._textarea]
            values[-1] = values[-1].removeprefix("\n")  # as HTML says
            self._textarea = ""
        elif tag == "select":
            self._select = ""

    def _add(self, name: str, value: str) -> None:
        if self.forms:
            self.forms[-1][1].setdefault(name, []).append(value)


def read_form(html: str, *, page: str, action: str) -> Data:
    """What the form with a token that leads to `action` would send."""
    for leads_to, data in FormReader(html).forms:
        if tokens.FIELD in data and (leads_to or page).partition("?")[0] == action:
            return data
    raise AssertionError(f"no form with a token on {page} leads to {action}")


def open_form(client: Client, form: TypedForm) -> Data:
    """What the form would send as it is on its page now."""
    response = client.get(form.page)
    assert response.status_code == 200, response
    return read_form(response.text, page=form.page, action=form.action)


def type_in(client: Client, form: TypedForm) -> Data:
    """Open the form and type into it: what a browser would send then."""
    return {**open_form(client, form), **form.typed}


def send(client: Client, form: TypedForm, data: Data, **headers: str) -> HttpResponse:
    response: HttpResponse = client.post(form.action, data, headers={"Origin": SITE, **headers})
    return response


def end_session(client: Client) -> None:
    """Delete the session, as its end or signing out elsewhere does. The browser still has the cookie."""
    client.session.delete()


def shown(client: Client, form: TypedForm) -> Data:
    """What stands in the fields of the form now."""
    data = open_form(client, form)
    return {name: data.get(name, []) for name in form.typed}


def kept_line(response: Any) -> bool:
    return "We kept what you typed." in response.text
