"""Managed storage and its table metadata: nothing in use is lost, nothing dropped stays, no log is read twice."""

from __future__ import annotations

import os
from pathlib import Path

import deltalake
import pyarrow as pa
import pytest

from infra.workspace.catalog import delta
from infra.workspace.catalog.delta import DeltaSchemas
from infra.workspace.catalog.service import CatalogService
from infra.workspace.catalog.storage import ManagedStorage
from infra.workspace.gateway.errors import BadRequest

from .conftest import ADMIN, STAGING, grant, open_catalog

TABLE = {
    "name": "t",
    "catalog_name": "dev",
    "schema_name": "default",
    "table_type": "MANAGED",
    "data_source_format": "DELTA",
    "columns": [{"name": "id", "type_text": "bigint", "type_name": "LONG", "comment": "key"}],
}


def folder_of(catalog: CatalogService, full_name: str) -> Path:
    return Path(catalog.tables.get_table(ADMIN, full_name)["storage_location"].removeprefix("file://"))


def test_a_kill_before_the_files_are_gone_is_made_up_for_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = open_catalog(tmp_path / "workspace")
    catalog.containers.create_catalog(ADMIN, {"name": "dev"})
    catalog.tables.create_table(ADMIN, TABLE)
    folder = folder_of(catalog, "dev.default.t")
    with monkeypatch.context() as killed:
        killed.setattr(ManagedStorage, "purge", lambda self: None)
        catalog.tables.delete_table(ADMIN, "dev.default.t")
    assert folder.exists()
    again = open_catalog(tmp_path / "workspace")
    assert not folder.exists()
    assert not again.exists("table", "dev.default.t")


def test_a_kill_before_the_table_is_added_leaves_neither_table_nor_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = open_catalog(tmp_path / "workspace")
    catalog.containers.create_catalog(ADMIN, {"name": "dev"})

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("infra.workspace.catalog.securables.Securables.add", killed)
        with pytest.raises(KeyboardInterrupt):
            catalog.tables.create_table(ADMIN, TABLE)
    left = list((tmp_path / "workspace" / "storage" / "tables").iterdir())
    assert len(left) == 1
    again = open_catalog(tmp_path / "workspace")
    assert not left[0].exists()
    again.tables.create_table(ADMIN, TABLE)


def test_a_staging_location_serves_its_principal_and_name_only(catalog: CatalogService) -> None:
    catalog.containers.create_catalog(ADMIN, {"name": "dev"})
    grant(catalog, "catalog", "dev", STAGING.name, "USE_CATALOG", "USE_SCHEMA", "CREATE_TABLE")
    staged = catalog.tables.create_staging_table(ADMIN, TABLE)["staging_location"]
    with pytest.raises(BadRequest, match="not a staging location"):
        catalog.tables.create_table(STAGING, {**TABLE, "storage_location": staged})
    with pytest.raises(BadRequest, match="not a staging location"):
        catalog.tables.create_table(ADMIN, {**TABLE, "name": "other", "storage_location": staged})
    assert catalog.tables.create_table(ADMIN, {**TABLE, "storage_location": staged})["storage_location"] == staged


def test_a_models_location_given_by_its_creator_is_not_deleted_with_it(catalog: CatalogService) -> None:
    catalog.containers.create_catalog(ADMIN, {"name": "dev"})
    catalog.tables.create_table(ADMIN, TABLE)
    folder = folder_of(catalog, "dev.default.t")
    body = {"catalog_name": "dev", "schema_name": "default", "name": "m", "storage_location": f"file://{folder}"}
    catalog.models.create_registered_model(ADMIN, body)
    catalog.models.delete_registered_model(ADMIN, "dev.default.m")
    assert folder.exists()


def test_a_rename_keeps_files_and_grants(catalog: CatalogService) -> None:
    catalog.containers.create_catalog(ADMIN, {"name": "dev"})
    catalog.tables.create_table(ADMIN, TABLE)
    folder = folder_of(catalog, "dev.default.t")
    grant(catalog, "table", "dev.default.t", STAGING.name, "SELECT")
    catalog.containers.update_catalog(ADMIN, "dev", {"new_name": "renamed"})
    assert folder_of(catalog, "renamed.default.t") == folder
    assert not catalog.exists("catalog", "dev")
    told = catalog.permissions.get_permissions(ADMIN, "table", "renamed.default.t")
    assert told == {"privilege_assignments": [{"principal": STAGING.name, "privileges": ["SELECT"]}]}


def test_schemas_follow_the_log_and_are_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Path] = []
    load = delta._load
    monkeypatch.setattr(delta, "_load", lambda folder: loads.append(folder) or load(folder))
    schemas, folder = DeltaSchemas(), tmp_path / "t"
    assert schemas.read(folder) is None
    table = str(folder)
    deltalake.write_deltalake(table, pa.table({"a": [1]}))
    for number in range(5):
        told = schemas.read(folder)
        assert told is not None
        assert (told.version, [column["name"] for column in told.columns]) == (number, ["a"])
        deltalake.write_deltalake(table, pa.table({"a": [number]}), mode="append")
    deltalake.write_deltalake(table, pa.table({"a": [1], "b": ["x"]}), mode="append", schema_mode="merge")
    told = schemas.read(folder)
    assert told is not None
    assert [column["type_text"] for column in told.columns] == ["bigint", "string"]
    assert loads == [folder]


def test_a_log_cleaned_up_behind_a_checkpoint_is_loaded_anew(tmp_path: Path) -> None:
    schemas, folder = DeltaSchemas(), tmp_path / "t"
    deltalake.write_deltalake(str(folder), pa.table({"a": [1]}))
    schemas.read(folder)
    deltalake.write_deltalake(str(folder), pa.table({"a": [1], "b": [2]}), mode="append", schema_mode="merge")
    deltalake.write_deltalake(str(folder), pa.table({"a": [1], "b": [2]}), mode="append")
    deltalake.DeltaTable(str(folder)).create_checkpoint()
    (folder / "_delta_log" / f"{1:020}.json").unlink()
    told = schemas.read(folder)
    assert told is not None
    assert [column["name"] for column in told.columns] == ["a", "b"]


def test_two_commits_within_one_tick_of_the_file_system_are_both_seen(tmp_path: Path) -> None:
    schemas, folder = DeltaSchemas(), tmp_path / "t"
    deltalake.write_deltalake(str(folder), pa.table({"a": [1]}))
    log = folder / "_delta_log"
    changed = log.stat()
    assert schemas.read(folder) is not None
    deltalake.write_deltalake(str(folder), pa.table({"b": [1]}), mode="overwrite", schema_mode="overwrite")
    os.utime(log, ns=(changed.st_atime_ns, changed.st_mtime_ns))
    told = schemas.read(folder)
    assert told is not None
    assert [column["name"] for column in told.columns] == ["b"]
