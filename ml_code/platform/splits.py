"""Which rows a model learns from: decided by a hash of the key alone, the same for ever and on every engine."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pyspark.sql import Column

Side = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class HashSplit:
    """Shares in percent: `train` fits trials, `validation` chooses among them, the rest is held out from both."""

    salt: str
    train: int
    validation: int

    def side(self, key: str) -> Side:
        """The side of one key: the first 32 bits of SHA-256 of `salt:key`, modulo 100."""
        bucket = int(hashlib.sha256(f"{self.salt}:{key}".encode()).hexdigest()[:8], 16) % 100
        if bucket < self.train:
            return "train"
        return "validation" if bucket < self.train + self.validation else "test"

    def sides(self, keys: Iterable[str]) -> list[Side]:
        """The side of each key."""
        return [self.side(key) for key in keys]

    def held_out(self, key: str) -> "Column":
        """The same as a Spark condition: true for rows of the test side."""
        from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

        digest = F.sha2(F.concat(F.lit(f"{self.salt}:"), F.col(key)), 256)
        bucket = F.conv(F.substring(digest, 1, 8), 16, 10).cast("bigint") % 100
        return bucket >= self.train + self.validation

    def __str__(self) -> str:
        rest = 100 - self.train - self.validation
        return f"hash {self.salt} {self.train}/{self.validation}/{rest}"
