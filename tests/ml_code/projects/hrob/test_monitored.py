from __future__ import annotations

from ml_code.platform.monitoring.schema import LOG_HEAD, LOG_TAIL
from ml_code.projects.hrob.configuration import read_project
from ml_code.projects.hrob.monitored import FILE, log_columns, monitored_tables, tables_file
from tests.ml_code.conftest import ROOT


def test_the_file_that_stacks_read_is_the_codes() -> None:
    for environment in ("dev", "staging", "prod"):
        assert (ROOT / FILE).read_text() == tables_file(read_project(ROOT, environment)), (
            "run `python -m ml_code.projects.hrob.monitored`"
        )


def test_the_log_has_every_feature_of_the_model_and_no_column_twice() -> None:
    project = read_project(ROOT, "prod")
    names = [column.name for column in log_columns(project)]
    assert len(set(names)) == len(names)
    assert set(project.selection.features) < set(names)
    assert names[: len(LOG_HEAD)] == [column.name for column in LOG_HEAD]
    assert names[-len(LOG_TAIL) :] == [column.name for column in LOG_TAIL]
    assert not {name for name, feature in project.mappings.features.items() if feature.sensitive} & set(names)
    assert all(len(table.columns) > 3 and table.comment for table in monitored_tables(project).values())
