"""What Delta keeps of deleted rows: files of older versions, until a VACUUM after they have expired."""

import datetime
from typing import TYPE_CHECKING

from ml_code.platform import tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# delta.deletedFileRetentionDuration unless the table says otherwise.
KEPT_FOR = datetime.timedelta(days=7)


def vacuum(spark: "SparkSession", names: list[str], today: datetime.date, *, rewrite: bool = False) -> str:
    """Remove the expired files of the tables where the engine can; a sentence on what is kept, and until when.

    With `rewrite`, files that only mark a row as deleted (deletion vectors) are written anew first.
    """
    listed = ", ".join(names)
    try:
        for name in names:
            if rewrite:
                tables.run(spark, f"REORG TABLE {name} APPLY (PURGE)")
            tables.run(spark, f"VACUUM {name}")
    except Exception as error:
        # Only an engine that does not know the statements may leave them out.
        if not _unknown_statement(str(error)):
            raise
        return (
            f"this engine has no VACUUM: older versions of {listed} keep deleted rows until an engine that has it "
            f"vacuums them, from {today + KEPT_FOR} on"
        )
    return (
        f"vacuumed {listed}: rows deleted {KEPT_FOR.days} days ago and earlier are in no file any more; those deleted "
        f"today stay in older versions until a VACUUM after {today + KEPT_FOR} (this step does one)"
    )


def _unknown_statement(message: str) -> bool:
    text = message.lower()
    return ("vacuum" in text or "reorg" in text) and ("expected" in text or "syntax" in text or "not supported" in text)
