"""Reading writes nothing: every address answers GET inside a snapshot that refuses writes (docs/decisions/0012).

SnapshotMiddleware is on in all tests, so every other test with a GET proves it for its page, too. Here no address is
forgotten: one that the table does not know fails.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.core import signing
from django.core.files.base import ContentFile
from django.db import InternalError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLResolver, get_resolver, resolve, reverse
from django.utils import timezone

from cps_portal.core.files.actions import file_storage
from cps_portal.core.files.models import StoredFile
from cps_portal.core.lib.snapshot import SnapshotMiddleware, after_snapshot, read_snapshot
from cps_portal.core.outbox.models import Message
from cps_portal.core.partners.actions import add_endpoint
from cps_portal.core.partners.enums import PartnerKind
from cps_portal.site.emails import stop_path
from cps_portal.site.presenters.guides import all_guides
from kitbag.models import Evidence, KitGroup, Product, Registration, Sale
from members.emails import undo_path
from members.models import Device, EmailChange, LostAddress, Member, MemberNote
from members.offers.models import Card, CardRequest, Offer, WelcomePack
from members.support.actions import Visitor, open_case
from members.support.emails import RATING_SALT
from members.support.enums import CaseKind
from members.support.models import Case
from servicing.models import Loan, Part, ServiceCentre, Shipment, Ticket, TicketFile, VisitingMember
from tests.admin.conftest import signed_in
from tests.admin.crowd import add_crowd
from tests.api.machines import API, machine
from tests.factories import UserFactory, draft
from tests.offers.packing import asked
from tests.world import World

ANSWERED = {200, 204, 302, 304, 400, 405, 422}  # with anything else the address was not really read
OF_PARCEL = {f"servicing:{name}" for name in ("parcel", "parcel_sent", "parcel_cancel", "label", "packing_list")}


def names(
    resolver: URLResolver, space: tuple[str, ...] = (), before: tuple[str, ...] = ()
) -> Iterator[tuple[str, list[str]]]:
    """The names of all addresses with their namespaces, and the arguments of each. Without a name it is left out."""
    for pattern in resolver.url_patterns:
        arguments = (*before, *(pattern.pattern.converters or pattern.pattern.regex.groupindex))
        if isinstance(pattern, URLResolver):
            yield from names(pattern, (*space, pattern.namespace) if pattern.namespace else space, arguments)
        elif pattern.name:
            yield ":".join([*space, pattern.name]), list(arguments)


ADDRESSES = dict(names(get_resolver()))


def read(client: Client, name: str, choices: dict[str, list[Any]]) -> set[int]:
    """Get the address with each row that `choices` has for its arguments; the answers. KeyError: add a choice."""
    arguments = ADDRESSES[name]
    rows = zip(*(choices[f"{name}.{argument}"] for argument in arguments), strict=True) if arguments else [()]
    urls = [reverse(name, kwargs=dict(zip(arguments, row, strict=True))) for row in rows]
    assert urls, name
    return {client.get(url).status_code for url in urls}


@pytest.fixture
def owner(world: World) -> Member:
    """A member with a row of every kind."""
    add_crowd(range(1), world.terms)
    member = Member.objects.get(first_name="person-0")
    draft(member, world.grip)
    signed_in(member.user).post(reverse("mfa_generate_recovery_codes"))
    return member


def choices_of(member: Member) -> dict[str, list[Any]]:
    """For each argument of an address that a member can open: the member's rows, and what belongs to nobody."""
    kit = list(Registration.objects.of(member).values_list("pk", flat=True))
    ticket = Ticket.objects.filter(member=member).latest("pk")
    evidence = Evidence.objects.filter(registration__member=member).latest("pk")
    visitor = open_case(
        kind=CaseKind.CONTACT,
        subject="S",
        text="T",
        visitor=Visitor("Vi", "vi@example.org"),
        by=None,
        at=timezone.now(),
    )
    address = EmailAddress.objects.create(user=member.user, email="new@example.org")
    change = EmailChange.objects.create(
        user=member.user, old_email="old@example.org", new_email=member.user.email, at=timezone.now()
    )
    reset_key = default_token_generator.make_token(member.user)
    kept = StoredFile.objects.filter(owner=member.user).latest("pk")
    group = KitGroup.objects.get(member=member).pk
    choices: dict[str, list[Any]] = {
        "cases:visitor.token": [visitor.access_token],
        "account_confirm_email.key": [EmailConfirmationHMAC(address).key],
        "account_reset_password_from_key.uidb36": [user_pk_to_url_str(member.user)] * 2,
        "account_reset_password_from_key.key": [reset_key, "set-password"],
        "mfa_edit_webauthn.pk": [member.user.authenticator_set.latest("pk").pk],  # type: ignore[attr-defined]
        "mfa_remove_webauthn.pk": [member.user.authenticator_set.latest("pk").pk],  # type: ignore[attr-defined]
        "members:end_session.key": [Device.objects.filter(user=member.user).latest("pk").pk],
        "members:undo_email.token": [undo_path(change).split("/")[-2]],
        "stop_account.token": [stop_path(LostAddress.objects.get(member=member)).split("/")[-2]],
        "cases:rate.token": [signing.dumps(Case.objects.filter(member=member).latest("pk").pk, salt=RATING_SALT)],
        "submissions:discard.pk": [1],
        "files:file.key": [kept.key],
        "card_check.token": [Card.objects.get(member=member).token],
        "kitbag:evidence_remove.pk": [evidence.registration_id],
        "kitbag:evidence_remove.evidence_pk": [evidence.pk],
        "kitbag:group.group": [group],
        "kitbag:delete_group.group": [group],
        "servicing:centre.slug": [ticket.centre.slug],
        "servicing:estimate.number": [1],
        "servicing:estimate_pdf.number": [1],
        "guide.slug": [all_guides()[0].slug],
        "going_to_country.country": ["KE"],
        "read_in.language": ["en"],
        "unsubscribe.token": [member.unsubscribe_url("wants_news").rstrip("/").split("/")[-1]],
    }
    for name, arguments in ADDRESSES.items():
        by_argument = {
            "pk": kit,
            "slug": [Offer.objects.latest("pk").slug],
            "reference": [ticket.parcel.reference if name in OF_PARCEL else ticket.reference],
        }
        if name.startswith("cases:"):
            by_argument["reference"] = [Case.objects.filter(member=member).latest("pk").reference]
        for argument in arguments:
            if argument in by_argument:
                choices.setdefault(f"{name}.{argument}", by_argument[argument])
    return choices


NOT_SET_UP = {"outbox:mail_events", "security_txt"}  # 404 without a provider of mail, without SECURITY_CONTACT


@pytest.mark.wide
def test_no_page_writes_when_it_is_read(owner: Member) -> None:
    """Except for the session and settings.VIEWS_OUTSIDE_SNAPSHOT."""
    choices = choices_of(owner)
    member, visitor = signed_in(owner.user), Client()
    for name in ADDRESSES:
        if not name.startswith(("admin:", "api-", "mailbox:", "account_logout")):
            answers = read(member, name, choices) | read(visitor, name, choices)
            assert answers & ANSWERED or name in NOT_SET_UP, (name, answers)


@pytest.mark.wide
def test_no_call_of_the_api_writes_when_it_is_read(world: World, owner: Member) -> None:
    """Except for the log of calls, which is buffered in Redis."""
    ticket = Ticket.objects.filter(member=owner).latest("pk")
    shops = machine("shops", PartnerKind.RETAILER)
    centre = machine("centre", PartnerKind.CENTRE)
    house = machine("house", PartnerKind.FULFILMENT)
    ServiceCentre.objects.filter(pk=ticket.centre_id).update(partner=centre.partner)
    pack = asked(world.ana)
    WelcomePack.objects.update(partner=house.partner)
    Sale.objects.update(partner=shops.partner)
    CardRequest.objects.update(
        partner=house.partner, state="requested", asked_at=timezone.now(), card=Card.objects.latest("pk")
    )
    document = TicketFile.objects.get()
    file_storage().save(document.file.stored_as, ContentFile(b"x"))
    endpoint, _secret = add_endpoint(partner=centre.partner, url="https://example.org/", by=None, at=timezone.now())
    rows = {
        "reference": ticket.reference,
        "pk": endpoint.pk,
        "message": 1,
        "slug": Product.objects.latest("pk").slug,
        "api-sale": Sale.objects.get().pk,
        "api-loan": Loan.objects.get().pk,
        "api-visitor": VisitingMember.objects.get().pk,
        "api-card-photo": VisitingMember.objects.get().pk,
        "api-document": document.pk,
        "api-part": Part.objects.get().pk,
    }
    for name, arguments in ADDRESSES.items():
        if name.startswith("api-") and name != "api-pack-events":  # that one checks the signature first
            kind = next((kind for kind in rows if name.startswith(kind)), "pk")
            references = {"api-pack": pack.reference, "api-card": CardRequest.objects.get().reference}
            values = {"reference": references.get(name, rows["reference"]), "pk": rows[kind]}
            path = reverse(name, kwargs={key: {**rows, **values}[key] for key in arguments}).removeprefix(API)
            answers = {caller.get(path).status_code for caller in (shops, centre, house)}
            assert answers & {*ANSWERED, 404 if name == "api-card-photo" else 200}, (name, answers)  # nobody took one


@pytest.mark.wide
def test_no_page_of_the_admin_writes_when_it_is_read(owner: Member) -> None:
    """Every page of every model, and ours; the log of a downloaded guest list is written after the snapshot."""
    staff = signed_in(UserFactory(is_staff=True, is_superuser=True))
    rows = {model._meta.label_lower.replace(".", "_"): model for model in admin.site._registry}
    for name, arguments in ADDRESSES.items():
        if not name.startswith("admin:") or name in ("admin:logout", "admin:app_list"):
            continue
        model = rows.get("_".join(name.removeprefix("admin:").split("_")[:2]))
        row = model._default_manager.order_by("-pk").first() if model else None
        values = {
            "object_id": row and row.pk,
            "id": row and row.pk,
            "pk": row.pk if row else owner.pk,
            "member_pk": owner.pk,
            "mail": Message.objects.latest("pk").pk,
            "note": MemberNote.objects.latest("pk").pk,
            "parcel": Ticket.objects.latest("pk").parcel_id,
            "shipment": Shipment.objects.latest("pk").pk,
            "path": "dashboard/",  # what staff see as the member
            "app_label": "members",
            "model_name": "member",
        }
        if "content_type_id" in arguments:
            values |= {"content_type_id": ContentType.objects.get_for_model(Member).pk, "object_id": owner.pk}
        answer = staff.get(reverse(name, kwargs={key: values[key] for key in arguments}))
        assert answer.status_code in {*ANSWERED, 403, 404}, name


def test_a_page_that_writes_is_refused_and_a_form_is_not(world: World) -> None:
    def write(_request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            return HttpResponse(str(Member.objects.update(theme="dark")))

    def ask(method: str, url: str) -> HttpResponse:
        request = RequestFactory().generic(method, url)
        request.user, request.resolver_match = world.ana.user, resolve(url)  # type: ignore[attr-defined]
        middleware = SnapshotMiddleware(
            lambda _request: middleware.process_view(request, write, [], {}) or write(request)
        )
        return middleware(request)

    for method in ("GET", "HEAD"):
        with pytest.raises(InternalError, match="read-only"):
            ask(method, "/dashboard/")
    assert ask("POST", "/dashboard/").content == b"3"
    assert ask("GET", "/card/").content == b"3"


def test_what_is_noted_after_a_snapshot_is_written_once_it_has_ended(world: World) -> None:
    notes: list[str] = []
    with read_snapshot():
        with read_snapshot():
            after_snapshot(lambda: notes.append(str(Member.objects.update(theme="dark"))))
        assert notes == []
    assert notes == ["3"]
    after_snapshot(lambda: notes.append("at once"))
    assert notes == ["3", "at once"]


def test_nothing_is_noted_after_an_error(world: World) -> None:
    notes: list[str] = []

    def fail() -> None:
        with read_snapshot():
            after_snapshot(lambda: notes.append("never"))
            raise ValueError("an error of the page")

    with pytest.raises(ValueError, match="of the page"):
        fail()
    assert notes == []
    assert Member.objects.update(theme="dark") == 3
