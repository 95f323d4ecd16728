"""The catalogue as a site: pages by their paths, with links that work from any folder, server or disk."""

from __future__ import annotations

import hashlib
import re

from ml_code.platform.marketplace.catalogue.front import front_page
from ml_code.platform.marketplace.catalogue.model_page import model_page
from ml_code.platform.marketplace.catalogue.records import Catalogue

INDEX = "index.html"
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,99}")


def pages(catalogue: Catalogue, made_by: str) -> dict[str, bytes]:
    """Every page as UTF-8 by its path below the site's folder; `made_by` stands at the foot of each.

    The same catalogue is the same bytes, so that only what changed need be written.
    """
    address = {entry.name: page_path(entry.name) for entry in catalogue.entries}
    made = {INDEX: front_page(catalogue, address, made_by)}
    for entry in catalogue.entries:
        made[address[entry.name]] = model_page(entry, catalogue, f"../{INDEX}", made_by)
    return {path: page.html().encode() for path, page in made.items()}


def page_path(model: str) -> str:
    """A model's page: its name where every file system and address takes it as it is, else cleaned and told apart."""
    if _PLAIN.fullmatch(model):
        return f"models/{model}.html"
    cleaned = re.sub(r"[^a-z0-9_-]+", "-", model.lower()).strip("-")[:80]
    return f"models/{cleaned or 'model'}-{hashlib.sha256(model.encode()).hexdigest()[:10]}.html"
