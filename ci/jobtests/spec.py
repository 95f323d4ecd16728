"""Tests of jobs as data: which jobs run, with which parameters, and which results are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ci.errors import Trouble
from ci.repository import ROOT

FOLDER = ROOT / "tests" / "jobs"
"""The project's specs, `<name>.yaml`; the accepted results lie in `baselines/<name>.json` beside them."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Result(_Strict):
    """Values to look at: those of a query's one row, or metrics of a model version's training."""

    query: str | None = Field(None, description="SELECT of one row; {schema} and {model} stand for full names")
    metrics_of: str | None = Field(None, description="alias or number of a version of the environment's model")
    names: tuple[str, ...] = Field((), description="which metrics; empty: all of the training's")
    absolute: float = Field(0.0, ge=0, description="greatest difference from the baseline, in the value's own unit")
    relative: float = Field(0.0, ge=0, description="greatest difference as a share of the baseline's value")

    @model_validator(mode="after")
    def one_source(self) -> Self:
        """Exactly one of the two."""
        if (self.query is None) == (self.metrics_of is None):
            raise ValueError("expected exactly one of query and metrics_of")
        return self


class JobTest(_Strict):
    """One spec."""

    name: str = ""
    description: str
    environment: str
    jobs: tuple[str, ...] = Field(min_length=1, description="jobs by their short names, run one after the other")
    parameters: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="job parameters, given to each job that has them"
    )
    timeout_minutes: int = Field(30, ge=1, description="for each of the runs")
    results: dict[str, Result] = Field(min_length=1)


def read_specs(names: Sequence[str], folder: Path = FOLDER) -> list[JobTest]:
    """The named specs, or all of the folder. Raises Trouble with all that is wrong in a file."""
    known = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Trouble(f"no job test {', '.join(unknown)}; {folder} has {', '.join(known) or 'none'}")
    return [_read(known[name]) for name in names or known]


def _read(path: Path) -> JobTest:
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return JobTest.model_validate(content).model_copy(update={"name": path.stem})
    except yaml.YAMLError as error:
        raise Trouble(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        problems = [f"  {'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()]
        raise Trouble("\n".join([f"{path}:", *problems])) from error
