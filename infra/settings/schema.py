"""JSON schemas of the settings files, for editors: `python -m infra.settings.schema` writes them anew."""

import json
from pathlib import Path

from pydantic import BaseModel

from infra.settings.environment import EnvironmentValues
from infra.settings.marketplace import MarketplaceValues
from infra.settings.project import Project

FOLDER = Path(__file__).parent / "schema"
MODELS: dict[str, type[BaseModel]] = {
    "project": Project,
    "environment": EnvironmentValues,
    "marketplace": MarketplaceValues,
}


def schema_text(name: str) -> str:
    """The schema of a kind of settings file as the committed file holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **MODELS[name].model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Writes every schema file; returns their paths."""
    folder.mkdir(exist_ok=True)
    written = [folder / f"{name}.json" for name in MODELS]
    for path in written:
        path.write_text(schema_text(path.stem), encoding="utf-8")
    return written


if __name__ == "__main__":
    for file in write_schemas():
        print(file)
