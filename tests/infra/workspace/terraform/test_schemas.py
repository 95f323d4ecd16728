"""Schemas from the assembly and the facts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.workspace.terraform.assembly import class_name, snake_case
from infra.workspace.terraform.schemas import Block, SchemaCatalog
from infra.workspace.terraform.served import Types

FACTS = json.loads(Path("infra/workspace/terraform/provider_facts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> SchemaCatalog:
    return SchemaCatalog(tmp_path_factory.mktemp("schemas"))


def paths(block: Block, prefix: str = "") -> set[str]:
    found = {prefix + name for name in (*block.attributes, *block.blocks)}
    for name, attribute in block.attributes.items():
        if attribute.block:
            found |= paths(attribute.block, f"{prefix}{name}.")
    for name, nested in block.blocks.items():
        found |= paths(nested.block, f"{prefix}{name}.")
    return found


def test_every_fact_is_about_something_that_exists(catalog: SchemaCatalog) -> None:
    for kind, schemas in (("resource_schemas", catalog.resources), ("data_source_schemas", catalog.data_sources)):
        for name, facts in FACTS[kind].items():
            known = paths(schemas[name].block)
            for path in facts.get("paths", {}):
                wanted = path.removeprefix("**.")
                # a fact about a plain list of objects names its members, which are no paths of their own
                assert any(each == wanted or each.endswith(f".{wanted}") for each in known) or "health" in path, (
                    name,
                    path,
                )


def test_the_cache_gives_what_was_derived(tmp_path: Path, catalog: SchemaCatalog) -> None:
    first = SchemaCatalog(tmp_path)
    assert first.resources == catalog.resources
    files = list(tmp_path.glob("provider-schemas-*.json"))
    assert len(files) == 1
    assert SchemaCatalog(tmp_path).data_sources == first.data_sources


def test_a_damaged_cache_is_derived_again(tmp_path: Path, catalog: SchemaCatalog) -> None:
    assert SchemaCatalog(tmp_path).resources
    (file,) = tmp_path.glob("provider-schemas-*.json")
    file.write_text('{"resource_sch', encoding="utf-8")
    assert SchemaCatalog(tmp_path).resources == catalog.resources


def test_every_served_type_has_a_schema(tmp_path: Path) -> None:
    types = Types(tmp_path)
    assert set(types.resources) == set(FACTS["resource_schemas"])
    assert set(types.data_sources) == set(FACTS["data_source_schemas"])
    assert "databricks_job" in types.resources
    assert "databricks_current_user" in types.data_sources
    for each in (*types.resources.values(), *types.data_sources.values()):
        assert each.schema.block.attributes


def test_facts_reach_nested_blocks(catalog: SchemaCatalog) -> None:
    job = catalog.resources["databricks_job"].block
    cluster = job.blocks["job_cluster"].block.blocks["new_cluster"].block
    assert cluster.attributes["node_type_id"].computed
    assert cluster.attributes["num_workers"].default == 0
    assert catalog.resources["databricks_permissions"].block.blocks["access_control"].nesting == "set"
    assert catalog.resources["databricks_grant"].block.attributes["privileges"].type == ["set", "string"]
    assert catalog.resources["databricks_secret"].block.attributes["string_value"].sensitive
    assert catalog.provider.block.attributes["client_secret"].sensitive
    assert catalog.resources["databricks_sql_endpoint"].block.blocks["timeouts"].nesting == "single"


def test_names_follow_cdktf() -> None:
    assert class_name("databricks_sql_endpoint", data_source=False) == "sqlEndpoint.SqlEndpoint"
    assert class_name("databricks_job", data_source=True) == "dataDatabricksJob.DataDatabricksJob"
    assert snake_case("createdAt") == "created_at"
