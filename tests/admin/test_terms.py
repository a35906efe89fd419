"""Staff publish terms of all countries or of one, and see how many have accepted them (R9, R54)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from members.models import TermsAcceptance, TermsVersion
from tests.admin.conftest import SignIn
from tests.world import World

pytestmark = pytest.mark.django_db
NOW = timezone.now()
ENGLISH = "You own what you register."


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_staff_publish_terms_of_a_country(staff: SignIn, world: World) -> None:
    programme = staff("Programme")
    day = (timezone.localdate() + timedelta(days=2)).isoformat()
    data = {"version": "za-2027", "country": "ZA", "valid_from_0": day, "valid_from_1": "00:00:00", "text": ENGLISH}
    assert programme.post("/admin/members/termsversion/add/", data).status_code == 302
    made = TermsVersion.objects.get(version="za-2027")
    assert (made.country.code, made.text) == ("ZA", ENGLISH)
    page = text_of(programme.get("/admin/programme/countries/"))
    assert "za-2027" in page
    TermsVersion.objects.filter(pk=made.pk).update(valid_from=NOW - timedelta(days=1))
    assert programme.post(f"/admin/members/termsversion/{made.pk}/change/", data).status_code == 403


def test_the_desk_counts_acceptances_of_what_is_in_force_in_each_country(staff: SignIn, world: World) -> None:
    own = TermsVersion.objects.create(version="za-1", country="ZA", valid_from=NOW - timedelta(days=1))
    rows = {row.name: row for row in staff("Programme").get("/admin/programme/countries/").context["rows"]}
    assert (rows["South Africa"].members, rows["South Africa"].accepted) == (1, 0)
    TermsAcceptance.objects.create(member=world.ana, terms=own, at=NOW)
    rows = {row.name: row for row in staff("Programme").get("/admin/programme/countries/").context["rows"]}
    assert rows["South Africa"].accepted == 1
