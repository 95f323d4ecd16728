"""Which rows of the metric tables a run replaces, as Spark SQL: exactly those that it computed, and no others."""

from collections.abc import Iterable, Mapping, Sequence

from ml_code.platform.monitoring.metric_tables import TABLE
from ml_code.platform.monitoring.plan import Extent, Place, Work
from ml_code.platform.monitoring.windows import literal

_CONSECUTIVE = "drift_type = 'CONSECUTIVE'"


def profile_condition(works: Mapping[Place, Work], with_label: Sequence[str], *, baseline: bool) -> str:
    """Of the profile table; with the rows of the baseline."""
    filters = {Extent.WHOLE: "", Extent.LABEL: _columns(with_label)}
    clauses = [
        _windows((place for place, work in works.items() if work.profile is extent), extra)
        for extent, extra in filters.items()
    ]
    return _any([*clauses, "log_type = 'BASELINE'" if baseline else ""])


def drift_condition(works: Mapping[Place, Work], with_label: Sequence[str]) -> str:
    """Of the drift table: both kinds of drift where the profile is new, else the drift against the window before."""
    label = _columns(with_label)
    clauses = [
        _windows(_places(works, profile=[Extent.WHOLE]), ""),
        _windows(_places(works, profile=[Extent.LABEL]), label),
        _windows(_places(works, profile=[Extent.LABEL, Extent.NOTHING], consecutive=Extent.WHOLE), _CONSECUTIVE),
        _windows(_places(works, profile=[Extent.NOTHING], consecutive=Extent.LABEL), f"{_CONSECUTIVE} AND {label}"),
    ]
    return _any(clauses)


def _places(
    works: Mapping[Place, Work], profile: Sequence[Extent], consecutive: Extent | None = None
) -> Iterable[Place]:
    for place, work in works.items():
        if work.profile in profile and consecutive in (None, work.consecutive):
            yield place


def _windows(places: Iterable[Place], extra: str) -> str:
    starts: dict[str, list[str]] = {}
    for granularity, window in places:
        starts.setdefault(granularity.name, []).append(literal(window.start))
    return _any(
        f"(granularity = '{name}' AND window.start IN ({', '.join(moments)}){f' AND {extra}' if extra else ''})"
        for name, moments in starts.items()
    )


def _columns(names: Sequence[str]) -> str:
    texts = ", ".join(f"'{name}'" for name in (TABLE, *names))
    return f"column_name IN ({texts})"


def _any(clauses: Iterable[str]) -> str:
    return " OR ".join(clause for clause in clauses if clause)
