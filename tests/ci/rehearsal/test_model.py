"""What a rehearsal says of itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ci.plan.model import Action, Change
from ci.rehearsal.model import Column, ColumnChange, Rehearsal, Table, TablePair, TaskRun
from tests.ci.rehearsal import sample

_columns = st.lists(
    st.builds(Column, name=st.sampled_from("abcd"), type=st.sampled_from(["int", "string"]), nullable=st.booleans()),
    unique_by=lambda column: column.name,
    max_size=4,
).map(tuple)


def test_a_rehearsal_is_read_back_as_it_was_written() -> None:
    found = sample.rehearsal(problems=(sample.problem(log="x"),), notes=("a note",), kept="/somewhere")
    assert Rehearsal.model_validate_json(found.model_dump_json()) == found


@given(before=_columns, after=_columns)
def test_column_changes_lead_from_one_table_to_the_other(before: tuple[Column, ...], after: tuple[Column, ...]) -> None:
    changes = TablePair(name="t", before=Table(columns=before), after=Table(columns=after)).column_changes()
    columns = {column.name: column for column in before}
    for change in changes:
        assert columns.get(change.name) == change.before
        if change.after is None:
            del columns[change.name]
        else:
            columns[change.name] = change.after
    assert columns == {column.name: column for column in after}


def test_a_column_that_must_now_have_a_value_is_a_change() -> None:
    required = sample.AGE.model_copy(update={"nullable": False})
    pair = TablePair(name="t", before=Table(columns=(sample.AGE,)), after=Table(columns=(required,)))
    assert pair.column_changes() == (ColumnChange(name="age", before=sample.AGE, after=required),)


def test_rows_are_compared_only_where_both_were_counted() -> None:
    assert sample.table().row_change == -10
    assert sample.table().model_copy(update={"after": None}).row_change is None
    assert TablePair(name="t", before=Table(columns=()), after=Table(columns=(), rows=3)).row_change is None


def test_a_table_with_another_id_was_made_anew() -> None:
    first, second = (Table(columns=(sample.AGE,), id=number) for number in ("1", "2"))
    assert TablePair(name="t", before=first, after=second).made_anew
    assert not TablePair(name="t", before=first, after=first).made_anew
    assert not TablePair(name="t", before=first, after=Table(columns=())).made_anew
    assert not TablePair(name="t", after=second).made_anew


def test_replaced_objects_count_as_destroyed() -> None:
    replaced = Change(address="databricks_schema.x", type="databricks_schema", action=Action.REPLACE)
    found = sample.rehearsal(update=(sample.stack(sample.update(), replaced),))
    assert found.destroyed == (("staging", replaced),)


def test_tasks_that_only_one_side_has_are_told() -> None:
    pair = sample.job(tasks=(TaskRun(key="fit", state="SUCCESS", seconds=3.0),))
    assert [(key, old is None, new is None) for key, old, new in pair.tasks()] == [
        ("fit", True, False),
        ("train", False, True),
    ]
