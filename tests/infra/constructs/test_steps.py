"""Tasks against the manifest of steps."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.constructs.steps import Manifest, StepError, TaskConfig, Value

TEXT = """
entry: ml_code/run.py
steps:
  demo.train:
    module: demo.train
    parameters:
      catalog: {type: string}
      day: {type: date}
      floor: {type: number}
      trials: {type: integer, default: 20}
      stages: {type: boolean, default: false}
  demo.score:
    module: demo.score
"""
GIVEN: dict[str, Value] = {"catalog": "dev", "day": "2026-01-31", "floor": 0.5}


def arguments(task: TaskConfig, **job_parameters: Value) -> list[str]:
    return Manifest.parse(TEXT).arguments("training", task, job_parameters)


def complaint(task: TaskConfig, **job_parameters: Value) -> str:
    with pytest.raises(StepError) as raised:
        arguments(task, **job_parameters)
    return str(raised.value)


def test_a_task_becomes_its_command_line() -> None:
    assert arguments(TaskConfig("train", "demo.train", {**GIVEN, "trials": 5, "stages": True})) == [
        "demo.train", "--catalog", "dev", "--day", "2026-01-31", "--floor", "0.5", "--trials", "5", "--stages", "true",
    ]  # fmt: skip


def test_job_parameters_are_passed_by_reference_and_defaults_left_to_the_step() -> None:
    line = arguments(TaskConfig("train", "demo.train", {"floor": 1}), catalog="dev", day=date(2026, 1, 31), other="x")
    assert line == [
        "demo.train", "--catalog", "{{job.parameters.catalog}}", "--day", "{{job.parameters.day}}", "--floor", "1",
    ]  # fmt: skip


def test_an_unknown_step_names_file_task_and_the_likely_one() -> None:
    text = complaint(TaskConfig("train", "demo.trian", GIVEN))
    assert (
        "ml_code/steps.yaml: job training, task train, step demo.trian: unknown step; did you mean 'demo.train'?"
        in text
    )


def test_every_wrong_parameter_is_reported_at_once() -> None:
    text = complaint(TaskConfig("train", "demo.train", {"catalogue": "dev", "floor": "high", "trials": 2.5}))
    assert "unknown parameter 'catalogue'; did you mean 'catalog'?" in text
    assert "missing parameter 'catalog': the step requires it (string)" in text
    assert "missing parameter 'day': the step requires it (date)" in text
    assert "parameter 'floor': expected number, found 'high'" in text
    assert "parameter 'trials': expected integer, found 2.5" in text


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("day", "31.01.2026", "expected date"),
        ("day", "{{job.run_id}}", "expected date"),
        ("trials", True, "expected integer, found True"),
        ("stages", 1, "expected boolean, found 1"),
        ("catalog", 7, "expected string, found 7"),
        ("catalog", "{{job.nmae}}", "no such reference; did you mean 'job.name'?"),
        ("day", "{{job.parameters.dya}}", "no such job parameter; known are today"),
        ("floor", "{{job.parameters.today}}", "expected number"),
    ],
)
def test_values_of_another_type_are_refused(name: str, value: Value, expected: str) -> None:
    assert expected in complaint(TaskConfig("train", "demo.train", {**GIVEN, name: value}), today="2026-01-31")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("day", "{{job.start_time.iso_date}}"),
        ("day", "{{job.parameters.today}}"),
        ("catalog", "{{job.run_id}}"),
        ("trials", "{{tasks.search.values.best}}"),
        ("floor", 1),
    ],
)
def test_references_and_values_of_the_right_type_pass(name: str, value: Value) -> None:
    job: dict[str, Value] = {"today": "{{job.start_time.iso_date}}"}
    line = Manifest.parse(TEXT).arguments("training", TaskConfig("train", "demo.train", {**GIVEN, name: value}), job)
    assert line[line.index(f"--{name}") + 1] == str(value)


def test_a_bad_manifest_names_line_and_key() -> None:
    with pytest.raises(StepError, match=r"steps.yaml:7: .*demo.train.parameters.catalog.type: expected 'string'"):
        Manifest.parse(TEXT.replace("type: string", "type: text"))
    with pytest.raises(StepError, match=r"steps.demo.score.modul: unknown key; did you mean 'module'"):
        Manifest.parse(TEXT.replace("module: demo.score", "modul: demo.score"))
    with pytest.raises(StepError, match="bad YAML"):
        Manifest.parse("steps: [")


def test_defaults_come_from_the_manifest() -> None:
    manifest = Manifest.parse(TEXT)
    assert manifest.defaults("demo.train", "trials", "stages") == {"trials": 20, "stages": False}
    with pytest.raises(StepError, match="did you mean 'trials'"):
        manifest.defaults("demo.train", "trails")


@given(st.dictionaries(st.sampled_from(["catalog", "day", "floor", "trials", "stages", "nonsense"]), st.integers(0, 3)))
def test_a_line_is_made_only_if_every_parameter_is_known_and_fits(parameters: dict[str, Value]) -> None:
    task = TaskConfig("train", "demo.train", {**GIVEN, **parameters})
    if set(parameters) <= {"floor", "trials"}:
        assert len(arguments(task)) == 1 + 2 * len({*GIVEN, *parameters})
    else:
        complaint(task)
