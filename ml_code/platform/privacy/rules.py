"""What is kept of each column: the rules of configs.yml, and how rows are brought to them before they are written."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal

from ml_code.platform.configuration import Section
from ml_code.platform.privacy.pseudonyms import pseudonymised

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Rule = Literal["keep", "hash", "drop"]


class Privacy(Section):
    """The rule of each column by name, and that of columns which are not named."""

    columns: dict[str, Rule]
    others: Rule

    def rule(self, column: str) -> Rule:
        """The rule of a column."""
        return self.columns.get(column, self.others)

    def under(self, rule: Rule, columns: Collection[str]) -> tuple[str, ...]:
        """Those of the columns that a rule holds for."""
        return tuple(name for name in columns if self.rule(name) == rule)


def problems(privacy: Privacy, key: str, texts: Collection[str], numbers: Collection[str]) -> list[str]:
    """What is wrong with the rules, in words: `key` identifies a row, `texts` and `numbers` describe it."""
    personal = [key, *texts, *numbers]
    found = [
        f"columns.{name}: no column that a rule can be given for; there are {', '.join(personal)}"
        for name in privacy.columns
        if name not in personal
    ]
    if privacy.rule(key) == "drop":
        found.append(
            f"columns.{key}: cannot be dropped, labels are joined and members erased by it; expected keep or hash"
        )
    found += [
        f"columns.{name}: a number cannot be hashed; expected keep or drop" for name in privacy.under("hash", numbers)
    ]
    return found


def protected(frame: "DataFrame", privacy: Privacy, columns: Sequence[str], key: bytes | None) -> "DataFrame":
    """The rows with each of the columns kept, hashed or set to null. `key` is needed where one is hashed."""
    from pyspark.sql import functions as F  # noqa: N812  # Spark's own convention

    types = {field.name: field.dataType for field in frame.schema.fields}
    for name in privacy.under("drop", columns):
        frame = frame.withColumn(name, F.lit(None).cast(types[name]))
    hashed = privacy.under("hash", columns)
    return pseudonymised(frame, hashed, key) if hashed else frame
