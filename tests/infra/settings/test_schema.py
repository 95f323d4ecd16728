"""The JSON schemas that editors use."""

import json

import pytest
import yaml

from infra.settings.loader import FOLDER
from infra.settings.schema import FOLDER as SCHEMAS
from infra.settings.schema import MODELS, schema_text


@pytest.mark.parametrize("name", MODELS)
def test_the_committed_schema_is_current(name: str) -> None:
    assert (SCHEMAS / f"{name}.json").read_text() == schema_text(name), "run python -m infra.settings.schema"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_each_file_names_its_schema_and_uses_its_keys_alone(file: object) -> None:
    text = file.read_text()  # type: ignore[attr-defined] - parametrize has no type for its values
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=schema/")
    schema = json.loads((FOLDER / first.split("=", 1)[1]).read_text())
    assert set(yaml.safe_load(text)) <= set(schema["properties"])
    assert schema["additionalProperties"] is False
