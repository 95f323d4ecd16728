"""The hub's models as its registry has them, with the manifests that their versions were made from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ml_code.platform.marketplace.governance.index import IndexedModel, IndexedVersion
from ml_code.platform.marketplace.hub import marks
from ml_code.platform.marketplace.registry.http import Missing
from ml_code.platform.registry.versions import CHAMPION

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from ml_code.platform.marketplace.archive.archive import Archive
    from ml_code.platform.marketplace.registry.reading import Registry
    from ml_code.platform.marketplace.registry.records import ModelVersion, RegisteredModel

_AT_ONCE = 8


def hub_models(workspace: WorkspaceClient, registry: Registry, archive: Archive, place: str) -> list[IndexedModel]:
    """The models that an import made, by name, without approvals; `place` is Unity Catalog's catalog.schema.

    What somebody else registered there is left out, and so is a version whose manifest the archive does not have.
    """
    paths = _Paths(archive)

    def one(full_name: str) -> IndexedModel | None:
        try:
            found = registry.model(full_name)
            if marks.WORKSPACE not in found.tags:
                return None
            listed = registry.versions(full_name)
        except Missing:
            return None  # removed since the models were listed
        name = full_name.removeprefix(f"{place}.") if registry.kind == "unity_catalog" else full_name
        versions = _versions(found, listed, paths)
        return IndexedModel(name, full_name, found.description, tuple(versions))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(one, sorted(_names(workspace, registry, place)))
        return [model for model in found if model is not None]


class _Paths:
    """Where manifests lie, by their sums; each workspace of origin is listed once."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._known: dict[str, Mapping[str, str]] = {}

    def find(self, workspace: str, sha256: str) -> str | None:
        if workspace not in self._known:
            listed = self._archive.manifests(workspace)
            self._known[workspace] = {PurePosixPath(path).stem: path for path in listed}
        return self._known[workspace].get(sha256)


def _names(workspace: WorkspaceClient, registry: Registry, place: str) -> Iterator[str]:
    """Of Unity Catalog's models those of the hub's schema: MLflow would list the whole metastore."""
    if registry.kind == "workspace":
        yield from (model.name for model in registry.models())
        return
    catalog, _, schema = place.partition(".")
    for info in workspace.registered_models.list(catalog_name=catalog, schema_name=schema):
        if info.full_name:
            yield info.full_name


def _versions(model: RegisteredModel, versions: Sequence[ModelVersion], paths: _Paths) -> Iterator[IndexedVersion]:
    for each in versions:
        origin, sha256 = each.tags.get(marks.WORKSPACE), each.tags.get(marks.MANIFEST)
        path = paths.find(origin, sha256) if origin and sha256 else None
        leading = {CHAMPION} if each.stage == "Production" else set()
        if origin and sha256 and path:
            yield IndexedVersion(
                version=each.version,
                workspace=origin,
                origin_model=each.tags.get(marks.MODEL, ""),
                origin_version=int(each.tags.get(marks.VERSION, "0")),
                manifest=path,
                manifest_sha256=sha256,
                aliases=tuple(sorted({*model.aliases_of(each.version), *leading})),
            )
