"""Directory records as SCIM resources, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from infra.workspace.identity.directory import SYSTEM_GROUPS, Directory, Kind, Record
from infra.workspace.identity.errors import ScimBadRequest
from infra.workspace.identity.scim_patch import value_list

_CORE = "urn:ietf:params:scim:schemas:core:2.0:"
_WORKSPACE_USER = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User"
LIST_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ENTITLEMENTS = frozenset(
    {
        "allow-cluster-create",
        "allow-instance-pool-create",
        "databricks-sql-access",
        "workspace-access",
        "workspace-consume",
    }
)
# Terraform's provider does not ask for the application id and counts on it, as Databricks always answers it.
_ALWAYS = frozenset({"id", "schemas", "applicationId"})


class ResourceType(StrEnum):
    """SCIM's resource types, by the last part of their address."""

    USERS = "Users"
    GROUPS = "Groups"
    SERVICE_PRINCIPALS = "ServicePrincipals"

    @property
    def kind(self) -> Kind:
        return _KINDS[self]


_KINDS = {
    ResourceType.USERS: Kind.USER,
    ResourceType.GROUPS: Kind.GROUP,
    ResourceType.SERVICE_PRINCIPALS: Kind.SERVICE_PRINCIPAL,
}
_TYPES = {kind: resource_type for resource_type, kind in _KINDS.items()}


def as_resource(record: Record, directory: Directory) -> dict[str, Any]:
    """The whole resource; attributes without a value are left out, as Databricks does."""
    resource: dict[str, Any] = {"schemas": _schemas(record.kind), "id": str(record.id)}
    if record.kind is Kind.USER:
        resource["userName"] = record.name
    if record.kind is Kind.SERVICE_PRINCIPAL:
        resource["applicationId"] = record.name
    resource["displayName"] = record.display_name
    if record.kind is Kind.GROUP:
        resource["meta"] = {"resourceType": "WorkspaceGroup"}
        resource["members"] = [_reference(member, direct=False) for member in directory.members(record.id)]
    else:
        resource["active"] = record.active
    resource |= record.profile
    resource["entitlements"] = [{"value": value} for value in record.entitlements]
    resource["roles"] = [{"value": value} for value in record.roles]
    resource["groups"] = [_reference(group, direct=True) for group in directory.direct_groups(record.id)]
    resource["externalId"] = record.external_id
    return {key: value for key, value in resource.items() if value not in (None, [], {})}


def as_current_user(record: Record, directory: Directory) -> dict[str, Any]:
    """What /Me answers: a service principal too appears as a user, named by its application id."""
    resource = as_resource(record, directory)
    if record.kind is Kind.SERVICE_PRINCIPAL:
        resource |= {"schemas": _schemas(Kind.USER), "userName": resource.pop("applicationId")}
    return resource


def with_attributes(resource: dict[str, Any], attributes: str | None, excluded: str | None) -> dict[str, Any]:
    """The resource cut to `attributes` (comma-separated; none means all), without the `excluded` ones."""
    wanted, unwanted = _names(attributes), _names(excluded)
    return {
        key: value
        for key, value in resource.items()
        if key in _ALWAYS or ((not wanted or key.lower() in wanted) and key.lower() not in unwanted)
    }


def from_resource(record: Record, resource: Mapping[str, Any]) -> Record:
    """`record` with the writable attributes of a resource; raises ScimBadRequest for one that cannot be."""
    entitlements = tuple(item["value"] for item in value_list(resource.get("entitlements")))
    unknown = sorted(set(entitlements) - ENTITLEMENTS)
    if unknown:
        raise ScimBadRequest(f"unknown entitlements: {', '.join(unknown)}", "invalidValue")
    changed = replace(
        record,
        external_id=_text(resource, "externalId") or None,
        entitlements=entitlements,
        roles=tuple(item["value"] for item in value_list(resource.get("roles"))),
    )
    if record.kind is Kind.GROUP:
        return _group(changed, resource)
    changed = replace(changed, active=_active(resource.get("active", True)))
    if record.kind is Kind.SERVICE_PRINCIPAL:
        return _service_principal(changed, resource)
    return _user(changed, resource)


def _group(record: Record, resource: Mapping[str, Any]) -> Record:
    name = _text(resource, "displayName")
    if not name:
        raise ScimBadRequest("a group needs a displayName", "invalidValue")
    if record.name in SYSTEM_GROUPS and name != record.name:
        raise ScimBadRequest(f"the group {record.name} cannot be renamed", "mutability")
    return replace(record, name=name, display_name=name)


def _user(record: Record, resource: Mapping[str, Any]) -> Record:
    name = _text(resource, "userName") or record.name
    if not name:
        raise ScimBadRequest("a user needs a userName", "invalidValue")
    if record.name and name.lower() != record.name.lower():
        raise ScimBadRequest("a userName cannot be changed", "mutability")
    emails = value_list(resource.get("emails")) or [{"type": "work", "value": name, "primary": True}]
    profile: dict[str, Any] = {"emails": emails}
    if resource.get("name"):
        profile["name"] = dict(resource["name"])
    display_name = _text(resource, "displayName") or _full_name(profile) or name
    return replace(record, name=record.name or name, display_name=display_name, profile=profile)


def _service_principal(record: Record, resource: Mapping[str, Any]) -> Record:
    application_id = _text(resource, "applicationId")
    if application_id and application_id.lower() != record.name.lower():
        raise ScimBadRequest("an applicationId cannot be changed", "mutability")
    return replace(record, display_name=_text(resource, "displayName") or record.name)


def _reference(record: Record, *, direct: bool) -> dict[str, str]:
    reference = {
        "display": record.display_name,
        "value": str(record.id),
        "$ref": f"{_TYPES[record.kind]}/{record.id}",
    }
    return {**reference, "type": "direct"} if direct else reference


def _schemas(kind: Kind) -> list[str]:
    if kind is Kind.USER:
        return [f"{_CORE}User", _WORKSPACE_USER]
    return [f"{_CORE}{'Group' if kind is Kind.GROUP else 'ServicePrincipal'}"]


def _names(attributes: str | None) -> frozenset[str]:
    """Attribute names in lower case; a sub-attribute stands for its attribute."""
    parts = (part.strip().rpartition(":")[2] for part in (attributes or "").split(","))
    return frozenset(part.partition(".")[0].lower() for part in parts if part)


def _text(resource: Mapping[str, Any], key: str) -> str:
    value = resource.get(key)
    if value is not None and not isinstance(value, str):
        raise ScimBadRequest(f"{key} is a string", "invalidValue")
    return (value or "").strip()


def _active(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise ScimBadRequest(f"active is true or false, not {value!r}", "invalidValue")
    return value


def _full_name(profile: Mapping[str, Any]) -> str:
    name = profile.get("name", {})
    return " ".join(part for part in (name.get("givenName"), name.get("familyName")) if part)
