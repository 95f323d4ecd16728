"""64-bit hashes of the cells of a column, in blocks: splitmix64 for what fits into 64 bits, SipHash for texts.

Both are `pandas.util.hash_array`'s. Null, NaN, an empty text and 0 differ; every NaN is the same, and -0.0 is 0.0, as
in Spark's groups and joins. Lists, structs and maps are hashed as JSON text, which is slow.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml_code.platform.data_checks.columns import encoded, kind_of

Words = NDArray[np.uint64]
BLOCK = 1 << 16
_NAN = np.uint64(0x7FF8000000000000)


def mixed(words: Words) -> Words:
    """Each word spread over all 64 bits, one to one."""
    hashed: Words = pd.util.hash_array(words)
    return hashed


def hashes(column: pa.ChunkedArray, seed: bytes) -> Iterator[Words]:
    """The cells in order, by blocks; the seed (32 bytes) makes equal values of two columns differ."""
    salt, null = (np.uint64(int.from_bytes(seed[at : at + 8], "little")) for at in (0, 8))
    column = _simple(column)
    found = _of_texts(column, seed) if kind_of(column.type) == "categorical" else _of_words(column, salt)
    for words, missing in found:
        if missing is not None:
            words[missing] = null
        yield words


def _of_texts(column: pa.ChunkedArray, seed: bytes) -> Iterator[tuple[Words, NDArray[np.bool_] | None]]:
    """Each distinct text is hashed once."""
    texts = encoded(column)
    if not texts.num_chunks:
        return
    distinct = texts.chunk(0).dictionary
    known = np.zeros(len(distinct) + 1, dtype=np.uint64)
    for at in range(0, len(distinct), BLOCK):
        values = distinct.slice(at, BLOCK).to_numpy(zero_copy_only=False)
        known[at : at + len(values)] = pd.util.hash_array(values, hash_key=seed.hex()[-16:], categorize=False)
    for chunk in _blocks(texts):
        indices = pc.fill_null(chunk.indices.cast(pa.int64()), len(distinct)) if chunk.null_count else chunk.indices
        yield known[indices.to_numpy()], _missing(chunk)


def _of_words(column: pa.ChunkedArray, salt: np.uint64) -> Iterator[tuple[Words, NDArray[np.bool_] | None]]:
    for chunk in _blocks(column):
        present = chunk.fill_null(pa.scalar(0).cast(chunk.type)) if chunk.null_count else chunk
        yield mixed(_bits(present) ^ salt), _missing(chunk)


def _bits(chunk: pa.Array) -> Words:
    """64 bits that tell a value from all others of its type."""
    if pa.types.is_uint64(chunk.type):
        return np.asarray(chunk.to_numpy())
    if not pa.types.is_floating(chunk.type):
        return np.asarray(chunk.cast(pa.int64()).to_numpy()).view(np.uint64)
    # Adding zero turns -0.0 into 0.0.
    values = chunk.cast(pa.float64()).to_numpy() + 0.0
    bits: Words = values.view(np.uint64)
    bits[np.isnan(values)] = _NAN
    return bits


def _simple(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The same values as texts, floats or integers."""
    types, type_ = pa.types, column.type
    if types.is_dictionary(type_) and kind_of(type_) != "categorical":
        return _simple(column.cast(type_.value_type))
    if types.is_timestamp(type_):
        # Finer than microseconds is cut off, as Spark and Delta do.
        return column.cast(pa.timestamp("us", type_.tz), safe=False).cast(pa.int64())
    if types.is_date(type_):
        return column.cast(pa.date32()).cast(pa.int32())
    if types.is_boolean(type_):
        return column.cast(pa.uint8())
    if types.is_decimal(type_):
        return column.cast(pa.large_string())
    if kind_of(type_) != "other":
        return column
    return pa.chunked_array([pa.array(map(_text, column.to_pylist()), pa.large_string())])


def _text(value: Any) -> str | None:
    if value is None:
        return None
    # A map comes as a list of pairs in the order in which it was written.
    return json.dumps(value, sort_keys=True, default=lambda other: f"{type(other).__name__} {other!r}")


def _blocks(column: pa.ChunkedArray) -> Iterator[pa.Array]:
    for chunk in column.chunks:
        for at in range(0, len(chunk), BLOCK):
            yield chunk.slice(at, BLOCK)


def _missing(chunk: pa.Array) -> NDArray[np.bool_] | None:
    return np.asarray(chunk.is_null().to_numpy(zero_copy_only=False)) if chunk.null_count else None
