"""SQL of `databricks_sql_table`."""

from __future__ import annotations

from infra.workspace.terraform.families.tables import changes, creation

TABLE = {
    "catalog_name": "dev",
    "schema_name": "hrob",
    "name": "births",
    "table_type": "MANAGED",
    "data_source_format": "DELTA",
    "comment": "the mother's record",
    "properties": {"quality": "bronze"},
    "column": [
        {"name": "id", "type": "bigint", "nullable": False, "comment": None},
        {"name": "weight", "type": "double", "nullable": True, "comment": "grams"},
    ],
}


def test_a_table_is_made_with_its_columns_and_its_text_quoted() -> None:
    assert creation(TABLE).splitlines() == [
        "CREATE OR REPLACE TABLE `dev`.`hrob`.`births`",
        "(`id` bigint NOT NULL, `weight` double COMMENT 'grams')",
        "USING DELTA",
        "COMMENT 'the mother\\'s record'",
        "TBLPROPERTIES ('quality'='bronze')",
    ]


def test_a_view_has_its_query() -> None:
    view = {
        **TABLE,
        "table_type": "VIEW",
        "view_definition": "SELECT 1",
        "column": [],
        "comment": None,
        "properties": {},
    }
    assert creation(view) == "CREATE VIEW `dev`.`hrob`.`births`\nAS SELECT 1"


def test_changes_are_one_statement_each() -> None:
    new = {
        **TABLE,
        "comment": None,
        "properties": {"owner": "ml"},
        "column": [TABLE["column"][0], {"name": "sex", "type": "string", "nullable": True, "comment": None}],
    }
    assert changes(TABLE, new) == [
        "COMMENT ON TABLE `dev`.`hrob`.`births` IS ''",
        "ALTER TABLE `dev`.`hrob`.`births` UNSET TBLPROPERTIES IF EXISTS ('quality')",
        "ALTER TABLE `dev`.`hrob`.`births` SET TBLPROPERTIES ('owner'='ml')",
        "ALTER TABLE `dev`.`hrob`.`births` DROP COLUMN IF EXISTS (`weight`)",
        "ALTER TABLE `dev`.`hrob`.`births` ADD COLUMN `sex` string AFTER `id`",
    ]
    assert changes(TABLE, TABLE) == []
