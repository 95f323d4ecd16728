"""Grants on the workspace's own Unity Catalog and registry: given, kept, taken back, and honest about failures."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from mlflow import MlflowClient

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.governance.apply import apply_approvals, require_no_failure
from ml_code.platform.marketplace.governance.approvals import Approval
from ml_code.platform.marketplace.governance.grants import Grants, grants_of
from tests.ml_code.conftest import Place

DAY = datetime.date(2026, 11, 21)


def approval(model: str, *principals: str, until: datetime.date = DAY) -> Approval:
    return Approval(
        model=model,
        principals=principals,
        until=until,
        approved_by="board@example.com",
        reason="validated by the board",
    )


@pytest.fixture
def groups(place: Place) -> Iterator[tuple[str, str]]:
    names = (f"{place.schema}_analysts", f"{place.schema}_nurses")
    made = [place.client.groups.create(display_name=name) for name in names]
    yield names
    for group in made:
        place.client.groups.delete(str(group.id))


@pytest.fixture(params=["unity_catalog", "workspace"])
def model(request: pytest.FixtureRequest, place: Place) -> Iterator[tuple[str, Grants]]:
    """A registered model's full name and the grants of its registry."""
    name = place.model if request.param == "unity_catalog" else f"{place.schema}-risk"
    client = MlflowClient()
    client.create_registered_model(name)
    yield name, grants_of(place.client, request.param)
    client.delete_registered_model(name)


def states(approvals: list[Approval], model: str, grants: Grants, day: datetime.date = DAY) -> list[tuple[str, str]]:
    return [(line.principal, line.state) for line in apply_approvals(approvals, {"risk": model}, grants, day)]


def test_an_approval_is_granted_kept_and_taken_back(model: tuple[str, Grants], groups: tuple[str, str]) -> None:
    name, grants = model
    first, second = groups
    both = [approval("risk", first), approval("risk", second, until=DAY + datetime.timedelta(days=9))]
    assert states(both, name, grants) == [(first, "granted"), (second, "granted")]
    assert grants.users(name) == {first, second}
    assert states(both, name, grants) == [(first, "kept"), (second, "kept")]
    assert states(both, name, grants, DAY + datetime.timedelta(days=1)) == [(first, "revoked"), (second, "kept")]
    assert grants.users(name) == {second}
    assert states([], name, grants) == [(second, "revoked")]
    assert grants.users(name) == frozenset()
    assert states([], name, grants) == []


def test_a_dry_run_tells_the_same_and_does_nothing(model: tuple[str, Grants], groups: tuple[str, str]) -> None:
    name, grants = model
    (line,) = apply_approvals([approval("risk", groups[0])], {"risk": name}, grants, DAY, dry_run=True)
    assert (line.state, line.until, line.approved_by) == ("granted", DAY, "board@example.com")
    assert grants.users(name) == frozenset()


def test_what_cannot_be_granted_is_told_and_stops_nothing(model: tuple[str, Grants], groups: tuple[str, str]) -> None:
    name, grants = model
    lines = apply_approvals(
        [approval("risk", "nobody-at-all", groups[0]), approval("absent", groups[1])], {"risk": name}, grants, DAY
    )
    assert {(line.principal, line.state) for line in lines} == {
        ("nobody-at-all", "failed"),
        (groups[0], "granted"),
        (groups[1], "failed"),
    }
    with pytest.raises(
        StepError, match=r"2 of 3 could not be applied(.|\n)*absent for .*: the hub has no model absent"
    ):
        require_no_failure(lines)


def test_a_model_that_is_gone_fails_alone(place: Place, groups: tuple[str, str]) -> None:
    grants = grants_of(place.client, "unity_catalog")
    gone = f"{place.model}_gone"
    (line,) = apply_approvals([approval("risk", groups[0])], {"risk": gone}, grants, DAY)
    assert line.state == "failed"
    assert "does not exist" in str(line.reason)


def test_other_rights_are_left_alone_and_wider_ones_taken_back(place: Place, groups: tuple[str, str]) -> None:
    MlflowClient().create_registered_model(place.model)
    first, second = groups
    changes = [
        PermissionsChange(principal=first, add=[Privilege.ALL_PRIVILEGES]),
        PermissionsChange(principal=second, add=[Privilege.MANAGE]),
    ]
    place.client.grants.update("FUNCTION", place.model, changes=changes)
    (line,) = apply_approvals([], {"risk": place.model}, grants_of(place.client, "unity_catalog"), DAY)
    assert (line.principal, line.state) == (first, "revoked")
    assert "no approval in" in str(line.reason)
    left = place.client.grants.get("FUNCTION", place.model).privilege_assignments or []
    assert [(each.principal, each.privileges) for each in left] == [(second, [Privilege.MANAGE])]


def test_a_registry_of_another_kind_is_refused_by_name(place: Place) -> None:
    with pytest.raises(StepError, match="registry 'hive': expected unity_catalog or workspace"):
        grants_of(place.client, "hive")
