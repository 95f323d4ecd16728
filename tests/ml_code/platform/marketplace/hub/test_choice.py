"""Which rows an import takes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.hub.choice import choose, latest, matching
from tests.ml_code.platform.marketplace.hub.conftest import Origins

NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def row(
    model: str, version: int | None, minutes: int, status: str = "exported", workspace: str = "w"
) -> dict[str, Any]:
    return {
        "workspace": workspace,
        "model": model,
        "version": version,
        "status": status,
        "manifest": f"versions/{workspace}/{model}/{version}/{minutes}.json",
        "manifest_sha256": f"{minutes:064}",
        "bytes": 1,
        "exported_at": NOON + timedelta(minutes=minutes),
    }


_ROWS = st.lists(
    st.builds(
        row,
        st.sampled_from("ab"),
        st.one_of(st.none(), st.integers(1, 12)),
        st.integers(0, 500),
        st.sampled_from(["exported", "skipped", "failed"]),
        st.sampled_from(["v", "w"]),
    )
)


@settings(deadline=None)
@given(_ROWS, st.randoms())
def test_the_latest_of_each_version_in_the_order_of_numbers(rows: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    found = latest(pa.Table.from_pylist(rows))

    assert found == latest(pa.Table.from_pylist(shuffled))
    assert found == sorted(found, key=lambda each: (each.workspace, each.model, each.version))
    taken = [each for each in rows if each["status"] == "exported" and each["version"] is not None]
    newest: dict[tuple[str, str, int], datetime] = {}
    for each in taken:
        key = (each["workspace"], each["model"], each["version"])
        newest[key] = max(newest.get(key, each["exported_at"]), each["exported_at"])
    assert {
        (each.workspace, each.model, each.version): datetime.fromisoformat(each.exported) for each in found
    } == newest


def test_days_and_workspaces(origins: Origins) -> None:
    day = date(2026, 3, 14)
    for number, workspace in enumerate(("dev01", "dev02"), start=1):
        chosen = origins.version("risk", number, workspace=workspace)
        record(origins.archive, chosen, day + timedelta(days=number - 1))

    def models(patterns: str, since: date, through: date) -> list[tuple[str, int]]:
        names = matching(origins.archive.workspaces(), patterns)
        return [(each.workspace, each.version) for each in choose(origins.archive, names, since, through)]

    assert models("*", day, day) == [("dev01", 1)]
    assert models("*", day, day + timedelta(days=1)) == [("dev01", 1), ("dev02", 2)]
    assert models("dev02, other*", day, day) == []
    with pytest.raises(StepError, match="no exports of dev03; it has those of dev01, dev02"):
        models("dev03", day, day)


def record(archive: Archive, chosen: Any, day: date) -> None:
    """The row that an export writes of a version."""
    archive.append_exports(
        chosen.workspace,
        [
            {
                "date": day,
                "workspace": chosen.workspace,
                "workspace_id": "17",
                "registry": "unity_catalog",
                "model": chosen.model,
                "version": chosen.version,
                "status": "exported",
                "manifest": chosen.manifest,
                "manifest_sha256": chosen.manifest_sha256,
                "bytes": chosen.bytes,
                "exported_at": datetime.fromisoformat(chosen.exported),
                "run_id": "5",
            }
        ],
    )
