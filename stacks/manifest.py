"""Which steps and tables an environment's stacks are made for: those of the branch that its jobs run."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from infra.constructs.steps import PATH, Manifest, StepError
from infra.constructs.table import TableColumn
from infra.settings.base import Strict, Text
from infra.settings.errors import Problem
from infra.settings.reading import parse_model
from infra.settings.settings import Settings
from stacks.branch import BranchFiles, files_of

TABLES_PATH = "ml_code/tables.yaml"


class Column(Strict):
    """One column of a table."""

    name: Text = Field(description="name of the column")
    type: Text = Field(description="Spark SQL type")
    comment: str = Field("", description="what it means")
    required: bool = Field(False, description="true: no row is without it")


class Table(Strict):
    """One table that stacks make before any job wrote it."""

    comment: str = Field("", description="what its rows are")
    columns: tuple[Column, ...] = Field(min_length=1, description="its columns, in their order")

    def config_columns(self) -> list[TableColumn]:
        """The columns as the construct takes them."""
        return [TableColumn(**column.model_dump()) for column in self.columns]


class _Document(Strict):
    tables: dict[str, Table] = Field(min_length=1, description="tables by name")


Tables = Mapping[str, Table]


def read_manifest(settings: Settings, repository: Path) -> Manifest:
    """The steps of the environment's branch. Raises StepError if it has no manifest, or a wrong one."""
    return read_steps(files_of(settings, repository))


def read_steps(files: BranchFiles) -> Manifest:
    """The steps of a branch. Raises StepError if it has no manifest, or a wrong one."""
    file = files(PATH)
    if file.text is None:
        raise StepError([Problem(file.source, "is missing: the jobs would have no steps to run")])
    return Manifest.parse(file.text, file.source)


def read_tables(settings: Settings, repository: Path) -> Tables | None:
    """The tables of the environment's branch, or None: it is older than the monitoring and has none of it.

    Raises StepError where the file is wrong.
    """
    file = files_of(settings, repository)(TABLES_PATH)
    if file.text is None:
        return None
    document, problems = parse_model(_Document, file.text, file.source)
    if document is None:
        raise StepError(problems)
    return document.tables
