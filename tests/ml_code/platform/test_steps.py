from __future__ import annotations

import importlib
import inspect
from datetime import date
from pathlib import Path

import pytest

from ml_code.platform.steps import BadArguments, read_manifest

ROOT = Path(__file__).parents[3]
MANIFEST = read_manifest(ROOT)
COMMON = ["--environment", "dev", "--catalog", "dev", "--schema", "hrob", "--date", "2026-01-31"]


def test_arguments_become_typed_values_with_defaults() -> None:
    step, values = MANIFEST.parse(["hrob.train", *COMMON, "--model", "m", "--experiment=e", "--stages", "true"])
    assert step.name == "hrob.train"
    assert values["date"] == date(2026, 1, 31)
    assert values["trials"] == 12
    assert values["stages"] is True
    assert values["run_id"] == "0"
    assert values["experiment"] == "e"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "no step given; expected one of hrob.land"),
        (["hrob.fly"], "unknown step 'hrob.fly'; expected one of"),
        (["hrob.ingest", *COMMON, "--colour", "red"], "unknown parameter colour; expected environment"),
        (["hrob.ingest", *COMMON[:-2]], r"missing --date \(date\)"),
        (["hrob.ingest", *COMMON[:-1], "yesterday"], "--date: expected a date like 2026-01-31, found 'yesterday'"),
        (["hrob.train", *COMMON, "--model", "m", "--experiment", "e", "--trials", "many"], "expected a integer"),
        (["hrob.train", *COMMON, "--model", "m", "--experiment", "e", "--stages", "yes"], "expected true or false"),
        (["hrob.ingest", *COMMON, "--run_id"], "--run_id has no value"),
        (["hrob.ingest", *COMMON, "--date", "2026-01-01"], "--date is given twice"),
        (["hrob.ingest", "here"], "expected --name value, found 'here'"),
    ],
)
def test_wrong_arguments_are_named(argv: list[str], message: str) -> None:
    with pytest.raises(BadArguments, match=message):
        MANIFEST.parse(argv)


@pytest.mark.parametrize("name", MANIFEST.steps)
def test_every_step_takes_what_the_manifest_promises(name: str) -> None:
    step = MANIFEST.steps[name]
    run = importlib.import_module(step.module).run
    signature = inspect.signature(run)
    arguments = dict.fromkeys(step.parameters)
    signature.bind(None, **arguments)
    own = {key for key, parameter in signature.parameters.items() if parameter.kind is inspect.Parameter.KEYWORD_ONLY}
    assert own <= set(step.parameters), "the step reads a parameter that the manifest does not have"
    assert {"environment", "catalog", "schema", "date", "run_id"} <= set(step.parameters)
