"""What a rehearsal found out: written to JSON, read back from it, and shown as Markdown and as a page."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from ci.plan.model import Action, Change, Frozen, StackPlan

Side = Literal["base", "change"]


class Verdict(StrEnum):
    """How it ended."""

    PASSED = "passed"
    FAILED = "failed"
    """The change did not deploy, or a job of it failed."""
    BASE_FAILED = "base-failed"
    """The base did not deploy, or a job of it failed: of the change nothing is known."""


class Commit(Frozen):
    """One side."""

    sha: str
    subject: str
    revision: str = Field(description="as it was asked for, such as origin/main")


class Problem(Frozen):
    """What failed, on which side."""

    side: Side
    step: str = Field(description="such as `deploy staging` or `run staging-hrob-training`")
    reason: str
    log: str = Field("", description="the end of the log")


class Step(Frozen):
    """One part of the rehearsal; several go on at once."""

    name: str
    began: float = Field(description="seconds after the start of the rehearsal")
    seconds: float


class TaskRun(Frozen):
    """One task of a job's run; `attempts` counts retries too."""

    key: str
    state: str
    seconds: float | None = None
    attempts: int = 1


class JobRun(Frozen):
    """One run of a job, to its end."""

    run_id: int
    state: str
    seconds: float | None = None
    commit: str | None = Field(None, description="that the run checked out")
    tasks: tuple[TaskRun, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether it did all that it should."""
        return self.state == "SUCCESS"


class JobPair(Frozen):
    """A job before and after the change; None where that side has no such job, or did not come to run it."""

    name: str
    before: JobRun | None = None
    after: JobRun | None = None

    def tasks(self) -> list[tuple[str, TaskRun | None, TaskRun | None]]:
        """The tasks of both runs, in the order of the later one."""
        old, new = ({task.key: task for task in run.tasks} if run else {} for run in (self.before, self.after))
        return [(key, old.get(key), new.get(key)) for key in (*new, *(key for key in old if key not in new))]


class Column(Frozen):
    """A column as the catalog tells it."""

    name: str
    type: str
    nullable: bool = True


class Table(Frozen):
    """A table after one side's jobs."""

    columns: tuple[Column, ...]
    rows: int | None = None
    version: int | None = Field(None, description="newest Delta version")
    id: str | None = Field(None, description="Unity Catalog's; another one if the table was dropped and made anew")


class ColumnChange(Frozen):
    """One column before and after; None where the table does not have it."""

    name: str
    before: Column | None = None
    after: Column | None = None


class TablePair(Frozen):
    """A table before and after the change; None where it is not there."""

    name: str
    before: Table | None = None
    after: Table | None = None

    def column_changes(self) -> tuple[ColumnChange, ...]:
        """Columns that came, went or became others; of a table that came or went none in particular."""
        if self.before is None or self.after is None:
            return ()
        old, new = ({column.name: column for column in table.columns} for table in (self.before, self.after))
        names = dict.fromkeys([*old, *new])
        return tuple(
            ColumnChange(name=name, before=old.get(name), after=new.get(name))
            for name in names
            if old.get(name) != new.get(name)
        )

    @property
    def made_anew(self) -> bool:
        """Whether the change dropped the table and made another of that name: its history is gone."""
        ids = {side.id for side in (self.before, self.after) if side and side.id}
        return len(ids) > 1

    @property
    def row_change(self) -> int | None:
        """Rows after less rows before; None unless both were counted."""
        if self.before is None or self.after is None or self.before.rows is None or self.after.rows is None:
            return None
        return self.after.rows - self.before.rows


class Estimate(Frozen):
    """A value with its confidence interval, where one was logged."""

    value: float
    low: float | None = None
    high: float | None = None


class Measured(Frozen):
    """A model version, measured on rows that it has not seen."""

    version: str
    metrics: dict[str, Estimate] = Field(default_factory=dict)


class ModelPair(Frozen):
    """The champion that the base trained, and what the change's training brought against it."""

    name: str
    champion: Measured | None = Field(None, description="measured on the challenger's rows, where both were")
    challenger: Measured | None = None
    decision: str | None = Field(None, description="promote, refuse or unchanged")
    reason: str | None = None
    metric: str | None = Field(None, description="that decides")
    floor: float | None = None
    threshold: float | None = None
    difference: Estimate | None = Field(None, description="challenger less champion, on the same rows")
    rows: int | None = None
    outcomes: int | None = None
    champion_after: str | None = Field(None, description="version that the alias names in the end")


class Rehearsal(Frozen):
    """All of it. What comes from the change (names, subjects, logs) is not to be trusted by whoever shows it."""

    environment: str
    base: Commit
    change: Commit
    rehearsed: str = Field(description="the commit that was deployed as the change: its own, or its merge onto base")
    day: str = Field(description="the logical day of the jobs")
    trials: int | None = Field(None, description="asked for in place of the job's own number")
    verdict: Verdict
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    update: tuple[StackPlan, ...] = Field((), description="the change's plans over the deployed base")
    settled: bool | None = Field(None, description="whether a plan after the update was empty; None: not looked at")
    jobs: tuple[JobPair, ...] = ()
    tables: tuple[TablePair, ...] = ()
    models: tuple[ModelPair, ...] = ()
    steps: tuple[Step, ...] = ()
    started_at: str = Field(description="ISO, UTC")
    seconds: float
    kept: str | None = Field(None, description="folder of the workspace, where it was kept")

    @property
    def merged(self) -> bool:
        """Whether the change was merged onto base for the rehearsal."""
        return self.rehearsed != self.change.sha

    @property
    def changes(self) -> tuple[tuple[str, Change], ...]:
        """Every object that the update touched, with its stack."""
        return tuple((stack.stack, change) for stack in self.update for change in stack.changes)

    @property
    def destroyed(self) -> tuple[tuple[str, Change], ...]:
        """What the update destroyed, replacements included."""
        gone = (Action.DESTROY, Action.REPLACE)
        return tuple((stack, change) for stack, change in self.changes if change.action in gone)

    def to_markdown(self) -> str:
        """A summary for a pull request's comment; its first line is the verdict."""
        from ci.rehearsal.markdown import markdown

        return markdown(self)

    def to_html(self) -> str:
        """One page that needs nothing else."""
        from ci.rehearsal.html import page

        return page(self)
