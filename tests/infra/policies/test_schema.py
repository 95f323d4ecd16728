"""The JSON schema that editors use for exceptions.yaml."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from infra.policies.schema import FILE, schema_text

ENTRY = {
    "rule": "BRL_DBX_8",
    "resource": 'prod/databricks_job.it["a"]',
    "reason": "until the merger of two regions",
    "approver": "a@example.com",
    "until": "2026-12-31",
}


def test_the_committed_schema_is_current() -> None:
    assert FILE.read_text() == schema_text(), "run python -m infra.policies.schema"


def test_the_committed_file_fits_it_and_names_it() -> None:
    file = FILE.parents[1] / "exceptions.yaml"
    text = file.read_text()
    assert Path(text.splitlines()[0].partition("=")[2]) == FILE.relative_to(file.parent)
    jsonschema.validate(yaml.safe_load(text), json.loads(schema_text()))


def test_it_takes_a_whole_entry_and_no_other() -> None:
    schema = json.loads(schema_text())
    jsonschema.validate({"exceptions": [ENTRY]}, schema)
    for key in ENTRY:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"exceptions": [{name: value for name, value in ENTRY.items() if name != key}]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"exceptions": [{**ENTRY, "resource": "prod/databricks_job.*"}]}, schema)
