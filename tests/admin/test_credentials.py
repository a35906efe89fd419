"""Staff issue, replace and revoke credentials (R54, R55)."""

import pytest
from django.contrib.auth.hashers import check_password
from django.contrib.contenttypes.models import ContentType
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from cps_portal.core.partners.models import Credential, Partner
from tests.admin.conftest import SignIn
from tests.rows import each_row

ADD = "/admin/partners/credential/add/"


@pytest.fixture
def centre(db: None) -> Partner:
    return Partner.objects.create(name="Workshop", slug="workshop", kind="centre")


def issue(client: Client, partner: Partner, **changes: object) -> HttpResponse:
    data = {"name": "Till", "scopes": ["tickets:read"], "networks": "192.0.2.0/24", "rate": 60, **changes}
    return client.post(f"{ADD}?partner={partner.pk}", data)


def test_a_credential_is_shown_once_and_kept_hashed(staff: SignIn, centre: Partner) -> None:
    client = staff("Programme")
    assert b"Workshop" in client.get(ADD).content  # for which partner?
    answer = issue(client, centre)
    made = Credential.objects.get()
    assert "no-store" in answer["Cache-Control"]
    secret = answer.context["secret"]
    assert check_password(secret, made.client_secret)
    page = client.get(reverse("admin:partners_credential_change", args=[made.pk]))
    assert secret not in page.content.decode()


@each_row(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"scopes": ["sales:write"]}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"networks": "somewhere"}, "networks"),
        ({"rate": 0}, "rate"),
        ({"expires_at_0": "2001-01-01", "expires_at_1": "00:00"}, "expires_at"),
    ],
)
def test_errors_are_shown_at_their_fields(
    staff: SignIn, centre: Partner, changes: dict[str, object], field: str
) -> None:
    answer = issue(staff("Programme"), centre, **changes)
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not Credential.objects.exists()


def test_replaced_and_revoked(staff: SignIn, centre: Partner) -> None:
    client = staff("Programme")
    issue(client, centre)
    old = Credential.objects.get()
    assert b"7 days" in client.get(reverse("admin:partners_credential_rotate", args=[old.pk])).content
    shown = client.post(reverse("admin:partners_credential_rotate", args=[old.pk]))
    new = Credential.objects.exclude(pk=old.pk).get()
    assert check_password(shown.context["secret"], new.client_secret)
    assert (new.replaces, new.scopes) == (old, old.scopes)
    client.post(reverse("admin:partners_credential_revoke", args=[new.pk]))
    new.refresh_from_db()
    assert new.revoked_at is not None


@pytest.mark.parametrize("group", ["Support", "Centre", ""])
def test_others_issue_nothing(staff: SignIn, centre: Partner, group: str) -> None:
    client = staff(group)
    assert client.get(ADD).status_code == 403
    assert issue(client, centre).status_code == 403


def test_a_partners_page_shows_what_belongs_to_it_and_leads_nowhere_else(as_root: Client, centre: Partner) -> None:
    issue(as_root, centre)
    page = as_root.get(reverse("admin:partners_partner_change", args=[centre.pk])).content.decode()
    assert "Till" in page and "View on site" not in page
    kind = ContentType.objects.get_for_model(Credential)
    assert as_root.get(f"/admin/r/{kind.pk}/{Credential.objects.get().pk}/").status_code == 404
    assert as_root.get("/admin/oauth2_provider/accesstoken/").status_code == 404


def test_a_replaced_credential_names_the_next_one_and_is_not_replaced_twice(staff: SignIn, centre: Partner) -> None:
    client = staff("Programme")
    issue(client, centre)
    old = Credential.objects.get()
    rotate = reverse("admin:partners_credential_rotate", args=[old.pk])
    client.post(rotate)
    new = Credential.objects.get(replaces=old)
    assert (
        reverse("admin:partners_credential_change", args=[new.pk]) in client.post(rotate, follow=True).content.decode()
    )
    assert Credential.objects.count() == 2


def test_what_is_changed_is_in_its_history(staff: SignIn, centre: Partner) -> None:
    client = staff("Programme")
    issue(client, centre)
    made = Credential.objects.get()
    page = reverse("admin:partners_credential_change", args=[made.pk])
    form = {"name": "Till", "scopes": ["tickets:read"], "networks": "192.0.2.0/24\n2001:db8::/32", "rate": 61}
    assert client.post(page, form).status_code == 302
    made.refresh_from_db()
    assert (made.networks, made.rate) == (["192.0.2.0/24", "2001:db8::/32"], 61)
    assert "“60” → “61”" in client.get(page).content.decode()
    client.post(reverse("admin:partners_credential_revoke", args=[made.pk]))
    assert client.post(page, form).status_code == 403
