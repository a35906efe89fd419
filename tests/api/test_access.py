"""Who may ask what of the partner API: one table, and a route that is not in it fails (R55)."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.models import Model
from django.http import HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from oauth2_provider.models import AccessToken

from cps_portal import api
from cps_portal.core.outbox.enums import Kind
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners import actions as partners
from cps_portal.core.partners.enums import SCOPES, PartnerKind
from cps_portal.core.partners.models import WebhookEndpoint
from kitbag.models import Sale
from members.offers.models import CardRequest, WelcomePack
from servicing.models import Loan, Part, Ticket, TicketFile, VisitingMember
from tests.api.machines import JSON, Machine, machine
from tests.api.stage import BODIES, furnish, set_stage, soon, step
from tests.files import samples
from tests.rows import each_row
from tests.servicing.jobs import a_centre, a_request
from tests.world import World

OPEN = {"oauth/token", "oauth/revoke", "schema", "docs"}
SIGNED = {"fulfilment/requests/<str:reference>/events"}  # by Standard Webhooks, without a token
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
HOOK = "webhook-endpoints/<id:pk>"
JOB = "tickets/<str:reference>"
PACK = "fulfilment/requests/<str:reference>"
CARD = "fulfilment/cards/<str:reference>"
# The scope that each method needs. What has no entry is answered 405.
TABLE: dict[str, dict[str, str]] = {
    "carriers": {"GET": "catalogue"},
    "centres": {"GET": "catalogue"},
    "countries": {"GET": "catalogue"},
    "levels": {"GET": "catalogue"},
    "products": {"GET": "catalogue"},
    "products/search": {"GET": "catalogue"},
    "products/changes": {"GET": "catalogue"},
    "products/stage-changes": {"GET": "catalogue"},
    "products/<slug:slug>": {"GET": "catalogue"},
    "fulfilment/requests": {"GET": "packs:read"},
    "fulfilment/cards": {"GET": "packs:read"},
    CARD: {"GET": "packs:read"},
    f"{CARD}/reports": {"POST": "packs:write"},
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
    f"{JOB}/shipping": {"GET": "tickets:read"},
    f"{JOB}/shipments": {"POST": "tickets:write"},
    f"{JOB}/report": {"GET": "tickets:read", "POST": "tickets:write"},
    f"{JOB}/follow-up": {"POST": "intake"},
    f"{JOB}/estimates": {"GET": "tickets:read", "POST": "tickets:write"},
    f"{JOB}/parts": {"GET": "tickets:read", "POST": "tickets:write"},
    f"{JOB}/parts/<id:pk>/expected": {"POST": "tickets:write"},
    f"{JOB}/parts/<id:pk>/arrived": {"POST": "tickets:write"},
    f"{JOB}/messages": {"GET": "tickets:read", "POST": "tickets:write"},
    f"{JOB}/messages/read": {"POST": "tickets:write"},
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
    HOOK: {"GET": "webhooks", "PATCH": "webhooks", "DELETE": "webhooks"},
    f"{HOOK}/rotate-secret": {"POST": "webhooks"},
    f"{HOOK}/suspend": {"POST": "webhooks"},
    f"{HOOK}/resume": {"POST": "webhooks"},
    f"{HOOK}/ping": {"POST": "webhooks"},
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
    ways: dict[str, Callable[[str, str], Any]] = {
        "none": lambda method, path: nobody.client.generic(method, f"/api/v1/{path}", b"", content_type=JSON),
        "late": late.ask,
        "wrong": nobody.ask,
    }
    wrong = []
    for place, route in enumerate(GUARDED):
        for turn, method in enumerate(METHODS):
            name = list(ways)[(place + turn) % len(ways)]  # each route is asked in all ways, and by each method in one
            answer = ways[name](method, address(route, ticket))
            if answer.status_code != 401 or not answer.get("WWW-Authenticate", "").startswith("Bearer"):
                wrong.append((name, method, route, answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))


@pytest.mark.parametrize("kind", PartnerKind)
def test_a_partner_may_what_its_scopes_say_and_sees_nothing_of_others(kind: PartnerKind, ticket: Ticket) -> None:
    stranger = machine("stranger", kind)
    bare = none_of(machine("bare", kind))
    asking = [("all", stranger, SCOPES[kind]), ("none", bare, ())]
    kinds = list(PartnerKind)
    wrong = []
    for place, route in enumerate(GUARDED):
        for turn, method in enumerate(METHODS):
            wanted = TABLE[route].get(method)
            path, share = address(route, ticket), (place + turn) % len(kinds)
            # A method that there is not is asked for by one kind of partner, and once.
            told = asking if wanted else asking[place % 2 :][:1] if share == kinds.index(kind) else []
            for name, who, held in told:
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


# --- What is another's, with what its owner may say there ---------------------------------------------------

EVERYBODYS = {"products/<slug:slug>"}
KEYS: dict[str, tuple[type[Model], str]] = {  # what a path names, and by what
    "fulfilment/requests": (WelcomePack, "reference"),
    "fulfilment/cards": (CardRequest, "reference"),
    "sales": (Sale, "pk"),
    "tickets": (Ticket, "reference"),
    "parts": (Part, "pk"),
    "documents": (TicketFile, "pk"),
    "loans": (Loan, "pk"),
    "visitors": (VisitingMember, "pk"),
    "webhook-endpoints": (WebhookEndpoint, "pk"),
    "messages": (Message, "pk"),
}
PLACE = re.compile(r"(fulfilment/(?:requests|cards)|[\w-]+)/<\w+:\w+>")
SAID: dict[str, Callable[[], dict[str, Any]]] = {  # where there is more to say than nothing
    f"POST {CARD}/reports": lambda: {**step(), "kind": "accepted"},
    f"POST {PACK}/reports": lambda: {**step(), "kind": "accepted", "sending": 1},
    "POST sales/<id:pk>/withdraw": lambda: {"why": "returned"},
    f"POST {JOB}/events": lambda: {**step(), "kind": "no_charge", "why_no_charge": "goodwill"},
    f"POST {JOB}/shipments": lambda: {"direction": "to_centre", "tracking": "SP 1"},
    f"POST {JOB}/report": lambda: BODIES["writeServiceReport"]({}),
    f"POST {JOB}/estimates": lambda: BODIES["sendEstimate"]({}),
    f"POST {JOB}/parts": lambda: {**step(), "name": "Shutter unit"},
    f"POST {JOB}/parts/<id:pk>/expected": lambda: {**step(), "expected_on": soon()},
    f"POST {JOB}/parts/<id:pk>/arrived": step,
    f"POST {JOB}/messages/read": lambda: {"until": 10**9},
    f"POST {JOB}/messages": lambda: {"text": "It is on the bench."},
    f"POST {JOB}/documents": lambda: {"kind": "document", "file": a_scan()},
    "POST loans/<id:pk>/hand-out": lambda: {"condition": "As new"},
    "POST loans/<id:pk>/extend": lambda: {"due_back": soon()},
    "POST loans/<id:pk>/take-back": lambda: {"condition": "As it was"},
    "POST visitors/<id:pk>/card-photo": lambda: {"file": a_scan()},
    f"PATCH {HOOK}": lambda: {"types": ["ticket.event"]},
    f"POST {HOOK}/suspend": lambda: {"reason": "We move."},
}
BEFORE = {  # what its owner has done before
    "POST loans/<id:pk>/extend": "POST loans/<id:pk>/hand-out",
    "POST loans/<id:pk>/take-back": "POST loans/<id:pk>/hand-out",
}
REFUSED = {f"POST {JOB}/follow-up": (409,)}  # to its owner too: the job is not finished
ROOMS = ("cases", "files", "kitbag", "members", "offers", "outbox", "partners", "servicing")
NOTED = ("partners_call", "partners_keptanswer", "partners_credential")  # of who asks


def a_scan() -> SimpleUploadedFile:
    return SimpleUploadedFile("scan.pdf", samples.pdf())


def there_is() -> dict[str, str]:
    found = {part: (name, model._default_manager.order_by("pk")) for part, (model, name) in KEYS.items()}
    found["messages"] = ("pk", Message.objects.filter(kind=Kind.WEBHOOK))
    return {part: str(row) for part, (name, rows) in found.items() for row in rows.values_list(name, flat=True)[:1]}


def path_of(route: str, keys: dict[str, str]) -> str:
    return PLACE.sub(lambda found: f"{found[1]}/{keys[found[1]]}", route)


def ask(who: Machine, what: str, keys: dict[str, str]) -> HttpResponse:
    method, route = what.split(" ")
    said = SAID.get(what, dict)() if method in ("POST", "PATCH") else None
    path, once = path_of(route, keys), {"Idempotency-Key": uuid4().hex}
    if said and "file" in said:
        return who.send(path, said)
    return who.ask(method, path, said, **(once if method == "POST" else {}))


def sums() -> dict[str, str]:
    """Of every table in the rooms with something of partners: all its rows in one number."""
    models = [model for room in ROOMS for model in apps.get_app_config(room).get_models()]
    tables = [model._meta.db_table for model in models if model._meta.managed and model._meta.db_table not in NOTED]
    one = "SELECT '{0}', md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {0} t"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(one.format(name) for name in tables))
        return dict(cursor.fetchall())


def settle(own: Machine, world: World) -> dict[str, str]:
    """The stranger has something of each kind that others stand under: what is below is not found there either."""
    hook, _secret = partners.add_endpoint(
        partner=own.partner, url="https://other.example.org/hooks", by=None, at=timezone.now()
    )
    keys = {"webhook-endpoints": str(hook.pk)}
    if own.partner.kind == PartnerKind.CENTRE:
        centre = a_centre("other", partner=own.partner)
        keys["tickets"] = a_request(world, centre, "012345678777", member=world.ben).reference
    return keys


@pytest.mark.parametrize("kind", PartnerKind)
def test_what_is_anothers_is_not_there_for_a_partner_and_stays_as_it_was(kind: PartnerKind, world: World) -> None:
    owner = furnish(world, set_stage(world, kind))
    theirs = there_is()
    nobodys = {part: "999999999" if name == "pk" else "9ZZZZZZ9" for part, (_model, name) in KEYS.items()}
    stranger = machine("stranger", kind)
    own = settle(stranger, world)
    assert [one.fetch().status_code for one in (owner, stranger)] == [200, 200]
    wrong, at_first = [], sums()
    for route in GUARDED:
        places = PLACE.findall(route)
        if not places or route in EVERYBODYS:
            continue
        for method, scope in TABLE[route].items():
            if scope not in SCOPES[kind]:
                continue
            what, begun = f"{method} {route}", transaction.savepoint()
            if what in BEFORE:
                assert ask(owner, BEFORE[what], theirs).status_code == 200
                was = sums()
            else:
                was = at_first
            missing = ask(stranger, what, nobodys)
            for name, keys in {"theirs": theirs, "under own": {**theirs, **own}}.items():
                if name == "under own" and len(places) == 1:
                    continue
                answer = ask(stranger, what, keys)
                if (answer.status_code, answer.content) != (404, missing.content):
                    wrong.append((name, what, answer.status_code, answer.content))
            changed = [table for table, summed in sums().items() if was[table] != summed]
            done = ask(owner, what, theirs)
            expected = REFUSED.get(what, (200, 201, 202, 204))
            if changed or missing.status_code != 404 or done.status_code not in expected:
                wrong.append((what, changed, missing.status_code, done.status_code, getattr(done, "content", b"")))
            transaction.savepoint_rollback(begun)
    assert not wrong, "\n".join(map(str, wrong))


@each_row("method", METHODS)
@each_row("path", ["nowhere", "tickets/", "tickets/x/y/z"])
def test_an_unknown_path_is_a_json_problem(db: None, method: str, path: str) -> None:
    answer = machine("joburg").ask(method, path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"
