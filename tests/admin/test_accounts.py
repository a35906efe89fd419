"""Accounts of staff, and what each group may see and do."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from members.models import User
from tests.admin.conftest import SignIn
from tests.factories import UserFactory
from tests.rows import each_row
from tests.world import World

ADD = "/admin/members/user/add/"
NEW = {"usable_password": "true", "password1": "a long one for staff", "password2": "a long one for staff"}

SEEN = {
    "Support": {
        "members": {
            "member",
            "accountfreeze",
            "accountmerge",
            "accountmergeevent",
            "lostaddress",
            "lostaddressevent",
            "lostaddressfile",
            "membernote",
            "levelchange",
            "termsacceptance",
            "notice",
            "memberevent",
            "memberview",
            "staffaccess",
            "countryplan",
            "countryprogramme",
            "levelthreshold",
            "levelbenefit",
            "termsversion",
            "thresholdplan",
            "thresholdannouncement",
        },
        "kitbag": {
            "registration",
            "registrationinreview",
            "registrationevent",
            "pointsentry",
            "product",
            "productname",
            "serialshape",
            "adjustment",
            "adjustmentevent",
            "announcement",
            "appeal",
            "appealevent",
            "authorisedperiod",
            "claim",
            "claimevent",
            "sighting",
            "handover",
            "handoverevent",
            "helddecision",
            "hold",
            "ledgercheck",
            "mergedadjustment",
            "mergedregistration",
            "retailer",
            "sale",
            "stagechange",
            "stolenreport",
            "stolenreportevent",
            "serialchange",
            "serialchangeevent",
        },
        "servicing": {
            "cardrule",
            "carrier",
            "packedticket",
            "readyset",
            "readysetline",
            "shipment",
            "servicereport",
            "servicereporthistoryevent",
            "ticketnote",
            "servicecentre",
            "ticket",
            "ticketevent",
            "ticketmessage",
            "ticketfile",
            "estimate",
            "estimateline",
            "estimatedraft",
            "part",
            "parcel",
            "visitingmember",
            "loan",
            "loanunit",
            "tickethistoryevent",
            "estimatehistoryevent",
        },
        "cases": {"case", "caseevent", "casemessage", "casereader", "cannedanswer"},
        "offers": {"card", "cardevent", "cardrequest", "offer", "signup", "welcomepack", "packevent", "packitem"},
        "outbox": {"message", "suppression"},
        "partners": {"partner", "webhookendpoint", "attempt", "credential", "apicall", "idempotencyrecord"},
    },
    "Programme": {
        "members": {
            "member",
            "levelchange",
            "countryplan",
            "countryprogramme",
            "levelthreshold",
            "levelbenefit",
            "termsversion",
            "countryplanevent",
            "countryprogrammeevent",
            "levelthresholdevent",
            "levelbenefitevent",
            "thresholdplan",
            "thresholdannouncement",
            "thresholdplanevent",
        },
        "kitbag": {
            "registration",
            "pointsentry",
            "product",
            "productname",
            "serialshape",
            "catalogueproposal",
            "productevent",
            "adjustment",
            "announcement",
            "authorisedperiod",
            "authorisedperiodevent",
            "ledgercheck",
            "missedsearch",
            "retailer",
            "retailerevent",
            "sale",
            "stagechange",
            "stagechangeevent",
        },
        "cases": {"cannedanswer"},
        "offers": {"offer", "offerevent", "signup", "packitem"},
        "partners": {
            "partner",
            "webhookendpoint",
            "attempt",
            "partnerevent",
            "webhookendpointevent",
            "endpointsecretevent",
            "credential",
            "credentialevent",
            "apicall",
            "idempotencyrecord",
        },
        "servicing": {
            "cardrule",
            "carrier",
            "servicecentre",
            "servicecentreevent",
            "calendarexception",
            "centrestaff",
            "estimatedholiday",
            "ticket",
            "loan",
            "loanunit",
            "warrantyperiod",
            "readyset",
            "readysetline",
        },
        "system": {"tick"},
    },
    "Centre": {
        "servicing": {
            "cardrule",
            "servicecentre",
            "ticket",
            "visitingmember",
            "loan",
            "loanunit",
            "readyset",
            "readysetline",
        }
    },
    "": {},
}


def seen_by(client: Client) -> dict[str, set[str]]:
    apps = client.get("/admin/records/").context["available_apps"]
    return {app["app_label"]: {model["model"]._meta.model_name for model in app["models"]} for app in apps}


@each_row("group", SEEN)
def test_each_group_sees_only_what_it_needs(staff: SignIn, group: str) -> None:
    assert seen_by(staff(group)) == SEEN[group]


@pytest.mark.parametrize("group", ["Centre", ""])
def test_a_centre_does_not_open_a_member(staff: SignIn, world: World, group: str) -> None:
    client = staff(group)
    assert client.get("/admin/members/member/").status_code == 403
    assert client.get(reverse("admin:members_member_change", args=[world.ana.pk])).status_code == 403
    assert client.get("/admin/kitbag/registration/").status_code == 403
    assert client.get("/admin/kitbag/registrationinreview/").status_code == 403


def test_the_programme_reads_a_member_and_changes_nothing(staff: SignIn, world: World) -> None:
    client = staff("Programme")
    assert client.get(reverse("admin:members_member_change", args=[world.ana.pk])).status_code == 200
    for address in (reverse("admin:members_member_edit", args=[world.ana.pk]), "/admin/kitbag/adjustment/give/1/"):
        assert client.post(address, {"first_name": "Anna", "points": "5"}).status_code == 403
    assert client.get("/admin/kitbag/registrationinreview/").status_code == 403
    world.ana.refresh_from_db()
    assert world.ana.first_name == "Ana"


@pytest.mark.parametrize("group", ["Support", "Centre"])
def test_a_centre_is_not_edited_by_those_who_only_look(staff: SignIn, group: str) -> None:
    assert staff(group).get("/admin/servicing/servicecentre/add/").status_code == 403


def test_a_superuser_makes_staff(as_root: Client, groups: dict[str, Group]) -> None:
    assert as_root.post(ADD, {"email": "New@Example.org", **NEW}).status_code == 302
    user = User.objects.get(email="new@example.org")
    assert not user.is_staff
    change = reverse("admin:members_user_change", args=[user.pk])
    data = {"is_active": "on", "is_staff": "on", "groups": [groups["Support"].pk], "email": "else@example.org"}
    assert as_root.post(change, data).status_code == 302
    user.refresh_from_db()
    assert (user.is_staff, user.email, user.groups.get().name) == (True, "new@example.org", "Support")
    assert user.check_password(NEW["password1"])


def test_an_address_belongs_to_one_person(as_root: Client, world: World) -> None:
    answer = as_root.post(ADD, {"email": "ANA@example.org", **NEW})
    assert answer.context["adminform"].form.errors == {"email": ["Another account already uses this address."]}


def test_a_superuser_sets_a_password(as_root: Client, world: World) -> None:
    url = reverse("admin:auth_user_password_change", args=[world.ben.user_id])
    assert as_root.post(url, NEW).status_code == 302
    assert User.objects.get(pk=world.ben.user_id).check_password(NEW["password1"])


@pytest.fixture
def as_clerk(staff: SignIn) -> Client:
    """May edit accounts, but is no superuser."""
    client = staff()
    clerk = User.objects.get(pk=client.session["_auth_user_id"])
    rights = Group.objects.create(name="Clerks")
    rights.permissions.set(Permission.objects.filter(codename__in=["view_user", "add_user", "change_user"]))
    clerk.groups.add(rights)
    return client


def test_editing_accounts_cannot_give_more_permissions_than_ones_own(
    as_clerk: Client, world: World, groups: dict[str, Group]
) -> None:
    ben = world.ben.user
    data = {"is_active": "on", "is_staff": "on", "is_superuser": "on", "groups": [groups["Support"].pk]}
    assert as_clerk.post(reverse("admin:members_user_change", args=[ben.pk]), data).status_code == 302
    ben.refresh_from_db()
    assert not ben.is_staff
    assert not ben.is_superuser
    assert not ben.groups.exists()
    as_clerk.post(ADD, {"email": "mine@example.org", "is_superuser": "on", "is_staff": "on", **NEW})
    mine = User.objects.get(email="mine@example.org")
    assert not mine.is_staff
    assert not mine.is_superuser


@pytest.mark.parametrize("powers", [{"is_staff": True}, {"is_superuser": True}])
def test_an_account_of_staff_is_out_of_a_clerks_reach(as_clerk: Client, db: None, powers: dict[str, bool]) -> None:
    boss = UserFactory(**powers)
    assert as_clerk.post(reverse("admin:members_user_change", args=[boss.pk]), {"is_active": ""}).status_code == 403
    assert as_clerk.post(reverse("admin:auth_user_password_change", args=[boss.pk]), NEW).status_code == 403
    assert User.objects.get(pk=boss.pk).is_active


def test_the_secret_of_a_second_factor_is_never_shown_and_a_lost_one_can_be_removed(
    as_root: Client, world: World
) -> None:
    row = Authenticator.objects.create(user=world.ben.user, type="totp", data={"secret": "hush-hush"})
    page = as_root.get(reverse("admin:mfa_authenticator_change", args=[row.pk]))
    assert "hush-hush" not in page.content.decode()
    as_root.post(reverse("admin:mfa_authenticator_delete", args=[row.pk]), {"post": "yes"})
    assert not Authenticator.objects.filter(pk=row.pk).exists()
