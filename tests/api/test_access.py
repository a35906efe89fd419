"""Who may ask what of the partner API: one table, and a route that is not in it fails (R55)."""

import re
from datetime import timedelta

import pytest
from django.urls import URLPattern
from django.utils import timezone
from oauth2_provider.models import AccessToken

from cps_portal import api
from cps_portal.partners.enums import SCOPES, PartnerKind
from servicing.models import Ticket
from tests.api.machines import Machine, machine
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

OPEN = {"oauth/token", "oauth/revoke", "schema", "docs"}
SIGNED = {"fulfilment/requests/<str:reference>/events"}  # by Standard Webhooks, without a token
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
HOOK = "webhook-endpoints/<id:pk>"
JOB = "tickets/<str:reference>"
PACK = "fulfilment/requests/<str:reference>"
# The scope that each method needs. What has no entry is answered 405.
TABLE: dict[str, dict[str, str]] = {
    "products": {"GET": "catalogue"},
    "products/search": {"GET": "catalogue"},
    "products/changes": {"GET": "catalogue"},
    "products/stage-changes": {"GET": "catalogue"},
    "products/<slug:slug>": {"GET": "catalogue"},
    "fulfilment/requests": {"GET": "packs:read"},
    PACK: {"GET": "packs:read"},
    f"{PACK}/reports": {"POST": "packs:write"},
    "sales": {"GET": "sales:read", "POST": "sales:write"},
    "sales/batch": {"POST": "sales:write"},
    "sales/<id:pk>": {"GET": "sales:read"},
    "sales/<id:pk>/withdraw": {"POST": "sales:write"},
    "tickets": {"GET": "tickets:read", "POST": "intake"},
    "tickets/events": {"POST": "tickets:write"},
    JOB: {"GET": "tickets:read"},
    f"{JOB}/events": {"GET": "tickets:read", "POST": "tickets:write"},
    f"{JOB}/estimates": {"GET": "tickets:read", "POST": "tickets:write"},
    f"{JOB}/parts": {"GET": "tickets:read", "POST": "tickets:write"},
    f"{JOB}/parts/<id:pk>/expected": {"POST": "tickets:write"},
    f"{JOB}/parts/<id:pk>/arrived": {"POST": "tickets:write"},
    f"{JOB}/messages": {"GET": "tickets:read", "POST": "tickets:write"},
    f"{JOB}/documents": {"GET": "tickets:read", "POST": "tickets:write"},
    f"{JOB}/documents/<id:pk>/content": {"GET": "tickets:read"},
    "loans": {"GET": "loans:read"},
    "loans/<id:pk>": {"GET": "loans:read"},
    "loans/<id:pk>/hand-out": {"POST": "loans:write"},
    "loans/<id:pk>/extend": {"POST": "loans:write"},
    "loans/<id:pk>/take-back": {"POST": "loans:write"},
    "loans/<id:pk>/cancel": {"POST": "loans:write"},
    "loan-units": {"GET": "loans:read"},
    "intake-checks": {"POST": "intake"},
    "visitors": {"GET": "intake", "POST": "intake"},
    "visitors/<id:pk>": {"GET": "intake"},
    "visitors/<id:pk>/card-photo": {"GET": "intake", "POST": "intake"},
    "card-checks": {"POST": "cards"},
    "webhook-endpoints": {"GET": "webhooks", "POST": "webhooks"},
    HOOK: {"GET": "webhooks", "PATCH": "webhooks"},
    f"{HOOK}/rotate-secret": {"POST": "webhooks"},
    f"{HOOK}/suspend": {"POST": "webhooks"},
    f"{HOOK}/resume": {"POST": "webhooks"},
    f"{HOOK}/attempts": {"GET": "webhooks"},
    f"{HOOK}/messages": {"GET": "webhooks"},
    f"{HOOK}/messages/<id:message>/replay": {"POST": "webhooks"},
}
MOUNTED = [str(found.pattern) for found in api.urlpatterns if isinstance(found, URLPattern)]
GUARDED = [route for route in MOUNTED if route not in OPEN | SIGNED]


def address(route: str, ticket: Ticket) -> str:
    """Of the centre's ticket; for everything else of something that nobody has."""
    path = route.replace("<str:reference>", ticket.reference) if route.startswith("tickets/") else route
    path = path.replace("<str:reference>", "3F7K2M9A").replace("<slug:slug>", "no-such-product")
    return re.sub(r"<id:\w+>", "999999999", path)


def none_of(found: Machine) -> Machine:
    """Its token stays; what it was given for is taken away."""
    assert found.fetch().status_code == 200
    AccessToken.objects.filter(application=found.credential).update(scope="")
    return found


@pytest.fixture
def ticket(world: World) -> Ticket:
    own = machine("joburg")
    return a_request(world, a_centre(partner=own.partner))


def test_every_route_is_in_the_table() -> None:
    assert sorted(set(GUARDED) - set(TABLE)) == []


def test_without_a_token_that_works_nothing_is_answered(ticket: Ticket) -> None:
    late = machine("late")
    assert late.fetch().status_code == 200
    AccessToken.objects.filter(application=late.credential).update(expires=timezone.now() - timedelta(seconds=1))
    nobody = machine("nobody")
    nobody.token = "unknown"
    wrong = []
    for route in GUARDED:
        for method in METHODS:
            path = address(route, ticket)
            bare = nobody.client.generic(method, f"/api/v1/{path}", b"", content_type="application/json")
            for name, answer in (("none", bare), ("late", late.ask(method, path)), ("wrong", nobody.ask(method, path))):
                if answer.status_code != 401 or not answer.get("WWW-Authenticate", "").startswith("Bearer"):
                    wrong.append((name, method, route, answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("kind", PartnerKind)
def test_a_partner_may_what_its_scopes_say_and_sees_nothing_of_others(kind: PartnerKind, ticket: Ticket) -> None:
    stranger = machine("stranger", kind)
    bare = none_of(machine("bare", kind))
    wrong = []
    for route in GUARDED:
        for method in METHODS:
            wanted = TABLE[route].get(method)
            path = address(route, ticket)
            for name, who, held in (("all", stranger, SCOPES[kind]), ("none", bare, ())):
                answer = who.post(path, {}) if method == "POST" else who.ask(method, path)
                got = answer.status_code
                if wanted is None:
                    expected = {405}
                    there = {*TABLE[route], "HEAD"} if "GET" in TABLE[route] else set(TABLE[route])
                    if set(answer.get("Allow", "").split(", ")) != there:
                        wrong.append((name, method, route, got, [405, answer.get("Allow")]))
                elif wanted not in held:
                    expected = {403}
                elif method in ("POST", "PATCH"):
                    # An empty body may be refused before the object is looked for: the same for any object.
                    expected = {400, 404, 415} if "<" in route else {200, 201, 400}  # 415: a form is wanted
                else:
                    expected = {404} if "<" in route else {200, 400}  # 400: a parameter that it cannot do without
                if got not in expected:
                    wrong.append((name, method, route, got, sorted(expected)))
    assert not wrong, "\n".join(map(str, wrong))


def test_the_owner_reads_what_the_stranger_does_not(ticket: Ticket) -> None:
    assert machine("joburg").get(f"tickets/{ticket.reference}").status_code == 200
    assert machine("stranger").get(f"tickets/{ticket.reference}").status_code == 404


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", ["nowhere", "tickets/", "tickets/x/y/z"])
def test_an_unknown_path_is_told_to_a_program(db: None, method: str, path: str) -> None:
    answer = machine("joburg").ask(method, path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"
