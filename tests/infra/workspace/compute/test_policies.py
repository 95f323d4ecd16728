"""Cluster policies: their language, and who may keep and use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.workspace.compute.policies import PolicyBook
from infra.workspace.compute.policy_rules import enforce, flatten, parse_definition, unflatten
from infra.workspace.control.clock import Clock
from infra.workspace.gateway.errors import BadRequest, NotFound, NotSupported, PermissionDenied
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.store.database import Store

FIXED = {"spark_version": {"type": "fixed", "value": "15.4.x-scala2.12"}}


@pytest.mark.parametrize(
    ("rule", "value", "problem"),
    [
        ({"type": "fixed", "value": 3}, 3, None),
        ({"type": "fixed", "value": "true"}, True, None),
        ({"type": "fixed", "value": 3}, 4, "must be 3"),
        ({"type": "forbidden"}, 1, "must not be present"),
        ({"type": "allowlist", "values": ["a", "b"]}, "b", None),
        ({"type": "allowlist", "values": ["a", "b"]}, "c", "must be one of"),
        ({"type": "blocklist", "values": ["a"]}, "a", "must not be one of"),
        ({"type": "blocklist", "values": ["a"]}, "b", None),
        ({"type": "regex", "pattern": "Standard_.*"}, "Standard_D4", None),
        ({"type": "regex", "pattern": "Standard_"}, "Standard_D4", "must match"),
        ({"type": "range", "minValue": 1, "maxValue": 5}, 5, None),
        ({"type": "range", "maxValue": 5}, 6, "must be at most 5"),
        ({"type": "range", "minValue": 2}, 1, "must be at least 2"),
        ({"type": "unlimited"}, "anything", None),
    ],
)
def test_each_type_of_limit(rule: dict[str, Any], value: object, problem: str | None) -> None:
    definition = parse_definition(json.dumps({"custom_tags.x": rule}))
    spec = {"custom_tags": {"x": value}}
    if problem is None:
        assert enforce(definition, spec, "job") == spec
    else:
        with pytest.raises(BadRequest, match=f"Validation failed for custom_tags.x, the value {problem}"):
            enforce(definition, spec, "job")


def test_what_is_left_out_is_filled_in_or_missed() -> None:
    definition = parse_definition(
        json.dumps(
            {
                "spark_conf.spark.speculation": {"type": "fixed", "value": "true"},
                "node_type_id": {"type": "allowlist", "values": ["a", "b"], "defaultValue": "a"},
                "custom_tags.team": {"type": "unlimited", "isOptional": True},
            }
        )
    )
    with pytest.raises(BadRequest, match="node_type_id, the value must be present"):
        enforce(definition, {"num_workers": 1}, "job")
    filled = enforce(definition, {"num_workers": 1, "apply_policy_default_values": True}, "job")
    assert filled["node_type_id"] == "a"
    assert filled["spark_conf"] == {"spark.speculation": "true"}
    assert "custom_tags" not in filled


def test_limits_on_elements_and_on_the_type_of_cluster() -> None:
    paths = parse_definition(
        json.dumps({"init_scripts.*.workspace.destination": {"type": "regex", "pattern": "/Shared/.*"}})
    )
    scripts = [{"workspace": {"destination": "/Shared/a"}}, {"workspace": {"destination": "/Users/b"}}]
    with pytest.raises(BadRequest, match=r"init_scripts\.1\.workspace\.destination"):
        enforce(paths, {"init_scripts": scripts}, "job")
    jobs_only = parse_definition('{"cluster_type": {"type": "fixed", "value": "job"}}')
    assert enforce(jobs_only, {}, "job") == {}
    with pytest.raises(BadRequest, match="cluster_type"):
        enforce(jobs_only, {}, "all-purpose")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be a JSON object"),
        ('{"a": {"type": "maybe"}}', "'a': type must be one of"),
        ('{"a": {"type": "fixed"}}', "type fixed needs value"),
        ('{"a": {"type": "range"}}', "needs minValue or maxValue"),
        ('{"a": {"type": "regex", "pattern": "("}}', "no regular expression"),
        ('{"a": {"type": "allowlist", "values": [], "color": 1}}', "does not know color"),
    ],
)
def test_a_bad_definition_is_refused_by_attribute(text: str, problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        parse_definition(text)


def test_prices_are_not_supported() -> None:
    with pytest.raises(NotSupported, match="dbus_per_hour"):
        parse_definition('{"dbus_per_hour": {"type": "range", "maxValue": 3}}')


keys = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(lambda key: not key.isdigit())
specs = st.dictionaries(
    keys,
    st.one_of(
        st.integers(), st.text(max_size=5), st.lists(st.dictionaries(keys, st.integers(), min_size=1), min_size=1)
    ),
    max_size=5,
)


@given(specs, st.dictionaries(st.from_regex(r"[a-z.]{1,12}", fullmatch=True), st.text(max_size=4), min_size=1))
def test_flattening_loses_nothing(spec: dict[str, Any], conf: dict[str, str]) -> None:
    whole = {**spec, "spark_conf": conf}
    assert unflatten(flatten(whole)) == whole


class Book:
    def __init__(self, path: Path) -> None:
        store, clock = Store(path / "db"), Clock()
        self.identity = IdentityService(store, clock)
        self.admin = self.identity.authenticate(self.identity.bootstrap("admin@example.com"))
        self.permissions = Permissions(store, self.identity)
        self.policies = PolicyBook(store, clock, self.permissions, self.identity)

    def service_principal(self) -> Principal:
        made = self.identity.scim.create(self.admin, ResourceType.SERVICE_PRINCIPALS, {"displayName": "sp"})
        return self.identity.find(made["applicationId"])


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def test_a_policy_is_used_by_those_it_was_given_to(book: Book) -> None:
    policy_id = book.policies.create_policy(book.admin, {"name": "p", "definition": json.dumps(FIXED)})["policy_id"]
    user = book.service_principal()
    assert book.policies.list_policies(user)["policies"] == []
    with pytest.raises(PermissionDenied):
        book.policies.enforce(user, {"policy_id": policy_id}, "job")
    grant = {"access_control_list": [{"service_principal_name": user.name, "permission_level": "CAN_USE"}]}
    book.permissions.update_permissions(book.admin, "cluster-policies", policy_id, grant)
    assert book.policies.enforce(user, {"policy_id": policy_id}, "job")["spark_version"] == "15.4.x-scala2.12"
    assert [policy["name"] for policy in book.policies.list_policies(user)["policies"]] == ["p"]
    with pytest.raises(PermissionDenied):
        book.policies.delete_policy(user, policy_id)


def test_without_a_policy_a_cluster_takes_an_entitlement(book: Book) -> None:
    with pytest.raises(PermissionDenied, match="without a cluster policy"):
        book.policies.enforce(book.service_principal(), {"num_workers": 1}, "job")
    assert book.policies.enforce(book.admin, {"num_workers": 1}, "job") == {"num_workers": 1}


def test_a_policy_reads_back_as_it_was_written(book: Book) -> None:
    body = {"name": "p", "definition": json.dumps(FIXED, indent=2), "max_clusters_per_user": 2}
    policy_id = book.policies.create_policy(book.admin, body)["policy_id"]
    assert body.items() <= book.policies.get_policy(book.admin, policy_id).items()
    with pytest.raises(BadRequest, match="'p' is already taken"):
        book.policies.create_policy(book.admin, body)
    book.policies.edit_policy(book.admin, {**body, "policy_id": policy_id, "name": "q"})
    assert book.policies.get_policy(book.admin, policy_id)["name"] == "q"
    book.policies.delete_policy(book.admin, policy_id)
    with pytest.raises(NotFound):
        book.policies.get_policy(book.admin, policy_id)


def test_a_family_gives_the_definition_and_overrides_change_it(book: Book) -> None:
    overrides = json.dumps({"num_workers": {"type": "range", "maxValue": 2, "isOptional": True}})
    body = {"name": "p", "policy_family_id": "job-cluster", "policy_family_definition_overrides": overrides}
    policy_id = book.policies.create_policy(book.admin, body)["policy_id"]
    with pytest.raises(BadRequest, match="num_workers"):
        book.policies.enforce(book.admin, {"policy_id": policy_id, "num_workers": 3}, "job")
    with pytest.raises(BadRequest, match="cluster_type"):
        book.policies.enforce(book.admin, {"policy_id": policy_id}, "all-purpose")
