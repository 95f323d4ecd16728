from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.identity.errors import ScimBadRequest
from infra.workspace.identity.scim_filter import parse_filter

ADA = {
    "id": "7",
    "userName": "ada@example.org",
    "displayName": "Ada",
    "active": True,
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"type": "work", "value": "ada@example.org"}, {"type": "home", "value": "ada@home.org"}],
    "groups": [{"value": "70", "display": "engineers"}],
}


@pytest.mark.parametrize(
    ("filter", "matches"),
    [
        ('displayName eq "Ada"', True),
        ('DISPLAYNAME EQ "ada"', True),
        ('displayName ne "Ada"', False),
        ('id eq "7"', True),
        ('userName sw "ADA@" and active eq true', True),
        ('userName ew ".com" or active eq false', False),
        ('active eq true or active eq false and id eq "8"', True),
        ('not (displayName co "d")', False),
        ("externalId pr", False),
        ("name.familyName pr", True),
        ('emails[type eq "home" and value co "home"]', True),
        ('emails[type eq "work" and value co "home"]', False),
        ('emails co "home"', True),
        ('groups eq "70"', True),
        ('groups.display eq "engineers"', True),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada@example.org"', True),
        ('(id gt "6" and id lt "8") and not (id eq "6")', True),
    ],
)
def test_filters_choose_as_rfc_7644_says(filter: str, matches: bool) -> None:
    assert parse_filter(filter)(ADA) is matches


@pytest.mark.parametrize(
    "filter",
    ["", "displayName", "displayName is 5", "displayName eq 'x'", 'displayName eq "x" and', '(id eq "7"', 'id eq "7")'],
)
def test_what_cannot_be_read_is_an_invalid_filter(filter: str) -> None:
    with pytest.raises(ScimBadRequest) as refused:
        parse_filter(filter)
    assert refused.value.body()["scimType"] == "invalidFilter"


@given(st.text())
def test_any_name_can_be_looked_up(name: str) -> None:
    found = parse_filter(f"displayName eq {json.dumps(name)}")
    assert found({"displayName": name})
    assert not found({"displayName": name + "x"})
