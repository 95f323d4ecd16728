"""JSON schema of exceptions.yaml, for editors: `python -m infra.policies.schema` writes it anew."""

import json
from pathlib import Path

from infra.policies.exceptions import ExceptionsFile

FILE = Path(__file__).parent / "schema" / "exceptions.json"


def schema_text() -> str:
    """The schema as the committed file holds it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ExceptionsFile.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(schema_text(), encoding="utf-8")
    print(FILE)
