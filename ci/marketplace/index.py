"""What the archive tells of the marketplace: the hub's index, and what the workspaces have brought."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ci.errors import Trouble
from ci.target import Target
from infra.settings.marketplace import Archive

INDEX = "index.json"
CONSUMERS = "consumers"
FORMAT = 1


@dataclass(frozen=True)
class Shelf:
    """The index of the hub, and by workspace the models that it has brought."""

    index: dict[str, Any]
    consumers: dict[str, list[dict[str, Any]]]

    @property
    def models(self) -> list[dict[str, Any]]:
        """The hub's models, as index.json has them, by name."""
        return sorted(self.index["models"], key=lambda model: str(model["name"]))

    def find(self, name: str) -> dict[str, Any]:
        """The model of that name, short or full. Raises Trouble."""
        for model in self.models:
            if name in (model["name"], model["full_name"]):
                return model
        near = ", ".join(str(model["name"]) for model in self.models if name in model["name"])
        raise Trouble(f"the marketplace has no model {name!r}" + (f"; did you mean {near}?" if near else ""))

    def brought(self, name: str) -> list[dict[str, Any]]:
        """Where a model was brought to: workspace, its name and version there, and its version in the hub."""
        return [
            {"workspace": workspace, **each}
            for workspace, models in sorted(self.consumers.items())
            for each in models
            if each["model"] == name
        ]


def read_shelf(archive: Archive, secrets: Target | None) -> Shelf:
    """Reads the archive as the settings say; `secrets` is the workspace whose secret opens it. Raises Trouble."""
    import fsspec

    options = _options(archive, secrets)
    try:
        files, root = fsspec.core.url_to_fs(archive.url, **options)
        index = _document(files, f"{root}/{INDEX}")
        if index is None:
            raise Trouble(f"{archive.url} has no {INDEX} yet: the hub's job marketplace-approve writes it")
        if index.get("format") != FORMAT:
            raise Trouble(
                f"{archive.url}/{INDEX} has format {index.get('format')}, this command reads {FORMAT}: update it"
            )
        return Shelf(index, dict(_consumers(files, f"{root}/{CONSUMERS}")))
    except Trouble:
        raise
    except Exception as error:  # each storage has errors of its own, and most are no OSError
        raise Trouble(f"{archive.url} cannot be read: {type(error).__name__}: {str(error)[:300]}") from error


def _consumers(files: Any, folder: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if not files.exists(folder):
        return
    for path in sorted(files.ls(folder, detail=False)):
        if path.endswith(".json"):
            document = _document(files, path) or {"models": []}
            yield path.rpartition("/")[2].removesuffix(".json"), document["models"]


def _document(files: Any, path: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(files.cat_file(path))
    except FileNotFoundError:
        return None
    return found


def _options(archive: Archive, secrets: Target | None) -> dict[str, Any]:
    if archive.secret is None:
        return {}
    if secrets is None:
        raise Trouble(f"{archive.url} is opened by the secret {archive.secret}: log in to a workspace that has it")
    scope, _, key = archive.secret.partition("/")
    value = secrets.client().secrets.get_secret(scope, key).value or ""
    try:
        options = json.loads(base64.b64decode(value))
    except ValueError:
        options = None  # the message must not show any of it
    if not isinstance(options, dict):
        raise Trouble(f"the secret {archive.secret} is no JSON object of storage options")
    return options
