"""Step marketplace.catalogue: count uses, write the marketplace's pages into the workspace and as a static site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.access import options_of
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.catalogue.gathering import read_catalogue
from ml_code.platform.marketplace.catalogue.publishing import Published, Site, WorkspaceFolder, publish
from ml_code.platform.marketplace.catalogue.site import INDEX, pages
from ml_code.platform.marketplace.catalogue.tables import gather_uses
from ml_code.platform.marketplace.registry.reading import Registry

if TYPE_CHECKING:
    from ml_code.context import Context

FOLDER = "marketplace"
"""What the folder is called; the local workspace serves pages below a folder of this name."""


@dataclass(frozen=True)
class Catalogued:
    """What the step did; `path` is the front page in the workspace."""

    path: str
    models: int
    uses: int
    """New records of use."""
    published: Published
    site: Published | None


def run(
    context: Context,
    *,
    archive: str,
    folder: str,
    archive_secret: str = "",
    registry: str = "unity_catalog",
    site: str = "",
    site_secret: str = "",
    **_: Any,
) -> Catalogued:
    """Gather, draw, and put the pages where the last ones were."""
    if folder.rstrip("/").rpartition("/")[2] != FOLDER:
        raise StepError(f"folder {folder}: the marketplace's pages belong in a folder that is named {FOLDER}")
    opened = Archive.open(archive, options_of(context, archive_secret), create=True)
    uses, unreadable = gather_uses(context, opened)
    for line in unreadable:
        context.log.warning(line)
    catalogue = read_catalogue(context, opened, Registry.connect(registry=registry))
    made = pages(catalogue, f"Made by marketplace.catalogue from commit {context.origin.commit[:12]}.")

    published = publish(WorkspaceFolder(context.workspace, folder), made)
    exported = publish(Site(site, options_of(context, site_secret)), made) if site else None
    path = f"{folder.rstrip('/')}/{INDEX}"
    context.say(f"{len(catalogue.entries)} models in {path}; {_told(published)}; {uses} new uses counted")
    if exported:
        context.say(f"static site in {site}: {_told(exported)}")
    return Catalogued(path, len(catalogue.entries), uses, published, exported)


def _told(published: Published) -> str:
    return f"{published.pages} pages, {published.written} written, {published.removed} removed"
