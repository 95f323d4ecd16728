"""What the catalog pages show: the tree of what a principal may see, and one object of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.workspace.catalog.service import CatalogService
from infra.workspace.gateway.errors import NotFound
from infra.workspace.identity.principal import Principal

_ALL = 1000


@dataclass(frozen=True)
class Tree:
    """Catalogs with their schemas, each with what it holds: (kind, object) pairs."""

    catalogs: list[dict[str, Any]]
    counts: dict[str, int]


def tree(catalog: CatalogService, principal: Principal) -> Tree:
    catalogs = []
    counts = {"tables": 0, "volumes": 0, "models": 0}
    for found in catalog.containers.list_catalogs(principal, _ALL, None)["catalogs"]:
        schemas = []
        for schema in catalog.containers.list_schemas(principal, found["name"], _ALL, None)["schemas"]:
            if schema["name"] == "information_schema":
                continue  # every catalog has one, and nothing of anybody's is in it
            held = _held(catalog, principal, found["name"], schema["name"])
            for kind, _ in held:
                counts[kind + "s"] += 1
            schemas.append({**schema, "held": held})
        catalogs.append({**found, "schemas": schemas})
    return Tree(catalogs, counts)


def detail(catalog: CatalogService, principal: Principal, kind: str, full_name: str) -> dict[str, Any]:
    """One object with its columns or versions and its grants; raises NotFound for a kind that has no page."""
    readers: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
        "table": ("table", lambda: catalog.tables.get_table(principal, full_name)),
        "volume": ("volume", lambda: catalog.volumes.get_volume(principal, full_name)),
        "model": ("function", lambda: _model(catalog, principal, full_name)),
        "catalog": ("catalog", lambda: catalog.containers.get_catalog(principal, full_name)),
        "schema": ("schema", lambda: catalog.containers.get_schema(principal, full_name)),
    }
    if kind not in readers:
        raise NotFound(f"the catalog has no pages of kind {kind!r}")
    securable, read = readers[kind]
    found = read()
    granted = catalog.permissions.get_permissions(principal, securable, full_name, None)
    return {**found, "grants": granted.get("privilege_assignments", [])}


def _model(catalog: CatalogService, principal: Principal, full_name: str) -> dict[str, Any]:
    found = catalog.models.get_registered_model(principal, full_name)
    versions = catalog.models.list_model_versions(principal, full_name, _ALL, None)["model_versions"]
    return {**found, "versions": sorted(versions, key=lambda version: -int(version["version"]))}


def _held(
    catalog: CatalogService, principal: Principal, catalog_name: str, schema: str
) -> list[tuple[str, dict[str, Any]]]:
    tables = catalog.tables.list_tables(principal, catalog_name, schema, _ALL, None)["tables"]
    volumes = catalog.volumes.list_volumes(principal, catalog_name, schema, _ALL, None)["volumes"]
    models = catalog.models.list_registered_models(principal, catalog_name, schema, _ALL, None)["registered_models"]
    return (
        [("table", table) for table in tables]
        + [("volume", volume) for volume in volumes]
        + [("model", model) for model in models]
    )
