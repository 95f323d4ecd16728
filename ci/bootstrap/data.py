"""What an environment holds that nobody could make again: tables, models, files, records of deployments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_SYSTEM = "information_schema"


def data_in(client: WorkspaceClient, settings: Settings) -> list[str]:
    """Tables, registered models, volumes with files, and what lies in its workspace folder."""
    from databricks.sdk.errors import NotFound

    found: list[str] = []
    for look in (_data(client, settings.catalog), _folder(client, settings.folder)):
        try:
            found += look
        except NotFound:
            continue  # there is no such catalog, or no such folder
    return found


def _folder(client: WorkspaceClient, folder: str) -> Iterator[str]:
    for item in client.workspace.list(folder):
        yield f"{item.path}"


def _data(client: WorkspaceClient, catalog: str) -> Iterator[str]:
    for schema in client.schemas.list(catalog):
        name = schema.name or ""
        if name == _SYSTEM:
            continue
        yield from (f"table {table.full_name}" for table in client.tables.list(catalog, name))
        models = client.registered_models.list(catalog_name=catalog, schema_name=name)
        yield from (f"model {model.full_name}" for model in models)
        for volume in client.volumes.list(catalog, name):
            if next(iter(client.files.list_directory_contents(f"/Volumes/{catalog}/{name}/{volume.name}")), None):
                yield f"files in volume {volume.full_name}"
