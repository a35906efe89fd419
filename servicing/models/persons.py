"""Accounts that became one share the three places of one person (R49, R69)."""

import pgtrigger
from django.db import models
from django.db.models import Func
from django.db.models.functions import Coalesce

# All accounts of the person whose job it is (R69): they share three places. Each is found by its key.
ACCOUNTS = Func(
    Func(
        Coalesce("member__merged_into__absorbed", "member__absorbed"),
        Coalesce("member__merged_into", "member"),
        function="array_append",
    ),
    function="unnest",
    output_field=models.BigIntegerField(),
)
# The unique constraint gives a place to one ticket of an account. This refuses it to a second account of the person.
PLACES_OF_A_PERSON_SQL = """
SELECT r.absorbed || r.id::bigint INTO accounts
FROM members_member m JOIN members_member r ON r.id = COALESCE(m.merged_into_id, m.id)
WHERE m.id = NEW.member_id
FOR NO KEY UPDATE OF r;
IF cardinality(accounts) > 1 AND EXISTS (
    SELECT FROM servicing_ticket t
    WHERE t.member_id = ANY(accounts) AND t.place = NEW.place AND t.id IS DISTINCT FROM NEW.id
) THEN
    RAISE EXCEPTION 'another account of this person has the place'
        USING ERRCODE = 'unique_violation', CONSTRAINT = 'ticket_places_of_a_person';
END IF;
RETURN NEW;
"""


def places_of_a_person() -> pgtrigger.Trigger:
    """The trigger of tickets that refuses a place which another account of the person has."""
    return pgtrigger.Trigger(
        name="places_of_a_person",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("place"),  # type: ignore[no-untyped-call]
        condition=pgtrigger.Condition("NEW.place IS NOT NULL"),
        declare=[("accounts", "bigint[]")],
        func=PLACES_OF_A_PERSON_SQL,
    )
