"""End-to-end tests that any project runs on its own data: a subclass says which steps, pytest does the rest.

    class TestEndToEnd(EndToEndSuite):
        @pytest.fixture(scope="class")
        @classmethod
        def walk(cls, services: Services) -> Walk:
            return Walk(context_of, day, prepare=(Stage("ingest", ingest.run), …), train=…, score=…, key="member", …)

The steps run as their jobs run them, one after the other, on a real Spark engine and a real workspace.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ml_code.platform import tables
from ml_code.platform.errors import StepError

if TYPE_CHECKING:
    import pandas as pd

    from ml_code.context import Context


@dataclass(frozen=True)
class Stage:
    """A step and the parameters that are its own."""

    name: str
    run: Callable[..., Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Walk:
    """A project from its landed data to its predictions, for one day."""

    context_of: Callable[[str, datetime.date], "Context"]
    day: datetime.date
    prepare: Sequence[Stage]
    """Steps that make features and labels; running them twice must write nothing."""
    train: Sequence[Stage]
    score: Sequence[Stage]
    """Steps that write predictions; running them twice must write nothing."""
    features: str
    labels: str
    predictions: str
    """Names of the tables in the project's schema."""
    key: str
    row_day: str
    """Column of features and labels: day of the row."""
    known_on: str
    """Column of the labels: day on which the label became known."""
    probability: str
    """Column of the predictions."""

    def run(self, stages: Sequence[Stage], day: datetime.date | None = None) -> None:
        """The stages in their order."""
        for stage in stages:
            stage.run(self.context_of(stage.name, day or self.day), **stage.parameters)

    def read(self, name: str) -> "pd.DataFrame":
        """A table whole."""
        context = self.context_of("read", self.day)
        rows: pd.DataFrame = context.spark.table(context.table(name)).toPandas()
        return rows

    def version(self, name: str) -> int:
        """Delta version of a table."""
        context = self.context_of("read", self.day)
        return tables.version(context.spark, context.table(name))

    @cached_property
    def walked(self) -> "Walk":
        """Itself, after all stages ran once."""
        for stages in (self.prepare, self.train, self.score):
            self.run(stages)
        return self


class EndToEndSuite:
    """Subclass it as `Test…` with a class-scoped fixture `walk`."""

    def test_without_data_a_step_says_what_to_do(self, walk: Walk) -> None:
        """Runs first, before anything is there: an error for people, no trace of code."""
        said = ""
        try:
            walk.run(walk.train)
        except StepError as error:
            said = str(error)
        assert said, "training without data succeeded"
        assert "run" in said, f"the error does not say what to do: {said}"

    def test_every_step_runs_and_writes(self, walk: Walk) -> None:
        """From landed data to predictions."""
        empty = [name for name in (walk.features, walk.labels, walk.predictions) if walk.walked.read(name).empty]
        assert not empty, f"no rows in {', '.join(empty)}"

    def test_keys_are_unique(self, walk: Walk) -> None:
        """A key twice would count a member twice, in training and in every join."""
        for name in (walk.features, walk.labels):
            twice = walk.walked.read(name)[walk.key].duplicated()
            assert not twice.any(), f"{name}: {int(twice.sum())} keys appear twice"

    def test_twice_is_once(self, walk: Walk) -> None:
        """A retry or a second run on the same day must not change a table."""
        names = (walk.features, walk.labels, walk.predictions)
        before = {name: walk.walked.version(name) for name in names}
        walk.run(walk.prepare)
        walk.run(walk.score)
        changed = [name for name in names if walk.version(name) != before[name]]
        assert not changed, f"a second run wrote to {', '.join(changed)}"

    def test_predictions_are_probabilities(self, walk: Walk) -> None:
        """Of members that have features, each in its range."""
        predicted = walk.walked.read(walk.predictions)
        assert predicted[walk.probability].between(0, 1).all(), f"{walk.probability} leaves 0 to 1"
        unknown = set(predicted[walk.key]) - set(walk.read(walk.features)[walk.key])
        assert not unknown, f"{len(unknown)} predictions are of members without features"

    def test_a_model_tells_members_apart(self, walk: Walk) -> None:
        """A constant prediction passes many a check and helps nobody."""
        assert walk.walked.read(walk.predictions)[walk.probability].nunique() > 1

    def test_no_label_is_used_before_it_is_known(self, walk: Walk) -> None:
        """Labels of the future would make a model look better than it will ever be."""
        labels = walk.walked.read(walk.labels)
        future = (labels[walk.known_on] > walk.day) | (labels[walk.known_on] < labels[walk.row_day])
        assert not future.any(), f"{int(future.sum())} labels are known after {walk.day} or before their own row"
