"""Identifiers under a secret key: equal ones stay equal, and nobody without the key can tell or try whose they are.

HMAC-SHA256 (RFC 2104, FIPS 198-1), as 64 hexadecimal digits. A plain hash would not do: identifiers are few enough to
hash them all.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from ml_code.platform.errors import StepError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ml_code.context import Context

SECRET = "privacy-key"  # noqa: S105  # the name of the secret
_LEAST_LENGTH = 16


def hashing_key(context: "Context", scope: str) -> bytes:
    """The key of the environment, from its secret scope. Raises StepError saying how to put it there."""
    try:
        text = context.secret(scope, SECRET)
    except Exception as error:
        # Databricks' dbutils raises another class on a cluster than the SDK's does outside of one.
        raise StepError(
            f"configs.yml has columns hashed (privacy), and the secret {SECRET} of scope {scope} cannot be read "
            f"({type(error).__name__}): put it there once, `databricks secrets put-secret {scope} {SECRET} "
            '--string-value "$(openssl rand -hex 32)"`, and keep it: with another one members get other identifiers'
        ) from None
    if len(text) < _LEAST_LENGTH:
        raise StepError(
            f"the secret {SECRET} of scope {scope} has {len(text)} characters, at least {_LEAST_LENGTH} are needed: "
            "make one with `openssl rand -hex 32`"
        )
    return text.encode()


def pseudonym(text: str, key: bytes) -> str:
    """The identifier that stands for a text."""
    return hmac.digest(key, text.encode(), hashlib.sha256).hex()


def pseudonymised(frame: "DataFrame", columns: Sequence[str], key: bytes | None) -> "DataFrame":
    """The rows with these text columns replaced; nulls stay. Worked out where the rows are.

    On Spark's workers and not in SQL: there the key would stand in the query's plan, which is shown and logged.
    """
    if key is None:
        raise ValueError(f"a key is needed to hash {', '.join(columns)}")
    types = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in frame.schema.fields)
    return frame.mapInArrow(_replacer(tuple(columns), key), types)


def _replacer(columns: tuple[str, ...], key: bytes) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def replace(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in batches:
            for name in columns:
                texts = rows.column(name).to_pylist()
                hashed = pa.array([None if text is None else pseudonym(text, key) for text in texts], pa.string())
                rows = rows.set_column(rows.schema.get_field_index(name), name, hashed)
            yield rows

    return replace
