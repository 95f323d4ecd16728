"""Records of use, each a document of the archive; the hub's catalogue gathers them into its table of uses."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Literal

from ml_code.platform.marketplace.archive.archive import Archive

FOLDER = "uses"
Kind = Literal["brought", "batch", "endpoint"]


def record_use(
    archive: Archive,
    *,
    model: str,
    version: int,
    workspace: str,
    kind: Kind,
    principal: str,
    count: int = 1,
    once: str,
) -> str:
    """Writes a record of schema.USES; `count` is rows or requests, and `once` what tells this use from the next one.

    The identifier, which is returned, is made of what the use is: the same use again leaves its first record.
    """
    key = json.dumps([model, version, workspace, kind, once])
    use_id = hashlib.sha256(key.encode()).hexdigest()[:32]
    path = f"{FOLDER}/{use_id}.json"
    if archive.read_document(path) is None:
        record = {
            "use_id": use_id,
            "used_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "model": model,
            "version": version,
            "workspace": workspace,
            "kind": kind,
            "principal": principal,
            "count": count,
        }
        archive.write_document(path, record)
    return use_id
