"""How a job reaches the archive: by the cluster's own identity, or by storage options out of a secret."""

from __future__ import annotations

import json
from typing import Any

from ml_code.context import Context
from ml_code.platform.errors import ConfigurationError


def options_of(context: Context, archive_secret: str) -> dict[str, Any]:
    """The fsspec storage options in the secret "scope/key"; an empty name: none, the cluster's own identity."""
    if not archive_secret:
        return {}
    scope, slash, key = archive_secret.partition("/")
    if not (scope and slash and key):
        raise ConfigurationError(f"archive_secret {archive_secret!r}: expected scope/key")
    try:
        options = json.loads(context.secret(scope, key))
    except ValueError:
        options = None  # the message must not show any of it
    if not isinstance(options, dict):
        raise ConfigurationError(
            f'secret {archive_secret}: expected storage options as a JSON object, for S3 {{"key": …, "secret": …}}'
        )
    return options
