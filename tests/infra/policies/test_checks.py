"""Every check, on what it lets pass and on what it refuses, through checkov's own registries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from ci.gate.checks import FailedCheck, run_checks
from ci.terraform.synthesis import SynthesizedStack
from infra.constructs.tags import REQUIRED as TAGS_OF_CONSTRUCTS
from infra.policies.check import check, load_checks
from infra.policies.checks import required_tags
from infra.policies.environments import load_to_judge_by
from infra.policies.policy import Severity
from infra.policies.resource import Resource
from infra.policies.rule import load_rules
from infra.settings import BranchCopy, Settings
from tests.infra.policies.samples import SAMPLES, Sample

ROOT = Path(__file__).parents[3]
COPY = BranchCopy(branch="feature/x", slug="feature-x", expires=date(2026, 12, 1))
EVERY_SAMPLE = [
    (check_id, kind, sample)
    for check_id, samples in SAMPLES.items()
    for kind, group in (("passing", samples.passing), ("failing", samples.failing))
    for sample in group
]


@pytest.fixture(scope="module")
def settings() -> Mapping[str, Settings]:
    """As the files say; dev is the copy of feature/x."""
    loaded = load_to_judge_by(variables={"BRANCH": "dev"})
    return {**loaded, "dev": loaded["dev"].model_copy(update={"copy_of": COPY})}


def judged(sample: Sample, settings: Mapping[str, Settings]) -> dict[str, FailedCheck]:
    kind = "admin" if sample.stack.endswith("-admin") else "project"
    stack = SynthesizedStack(sample.stack, sample.stack.removesuffix("-admin"), kind, Path(), sample.content())
    return {failed.policy.id: failed for failed in run_checks([stack], settings).failed}


def test_every_check_has_samples_and_every_sample_a_check() -> None:
    assert set(load_checks()) == set(SAMPLES)
    assert all(samples.passing and samples.failing for samples in SAMPLES.values())
    assert len(SAMPLES) >= 12


def test_each_check_has_a_file_of_its_own() -> None:
    files = {path.stem for path in (ROOT / "infra/policies/checks").glob("*.py")} - {"__init__"}
    assert len(files) == len(load_checks())


@pytest.mark.parametrize(
    ("check_id", "kind", "sample"),
    EVERY_SAMPLE,
    ids=[f"{check_id}-{kind}-{sample.kind}-{sample.says or index}" for index, (check_id, kind, sample) in
         enumerate(EVERY_SAMPLE)],
)  # fmt: skip
def test_a_check_tells_its_samples_apart(
    check_id: str, kind: str, sample: Sample, settings: Mapping[str, Settings]
) -> None:
    failed = judged(sample, settings)
    if kind == "passing":
        assert check_id not in failed, failed[check_id].message
    else:
        assert sample.says in failed[check_id].message


def test_a_stack_of_no_environment_is_refused(settings: Mapping[str, Settings]) -> None:
    sample = Sample("databricks_job", SAMPLES["BRL_DBX_1"].passing[0].values, stack="sandbox")
    assert "the settings have no environment 'sandbox'" in judged(sample, settings)["BRL_DBX_2"].message


def test_what_a_check_cannot_judge_is_refused_and_not_left_out(settings: Mapping[str, Settings]) -> None:
    @check("BRL_TEST_1", "Breaks", kinds=["databricks_unheard_of"], severity=Severity.LOW, advice="None.")
    def breaks(resource: Resource) -> list[str]:
        raise KeyError(resource.name)

    message = judged(Sample("databricks_unheard_of", {"a": 1}), settings)["BRL_TEST_1"].message
    assert message == "cannot be judged, so it is refused: KeyError in BRL_TEST_1"


def test_a_secret_is_named_and_never_repeated(settings: Mapping[str, Settings]) -> None:
    for sample in SAMPLES["BRL_DBX_10"].failing:
        message = judged(sample, settings)["BRL_DBX_10"].message
        assert not any(secret in message for secret in ("hunter2", "0123456789abcdef", "open-sesame", "ABCDEFGHIJ"))


def test_the_tags_are_those_that_constructs_require() -> None:
    assert required_tags.REQUIRED == TAGS_OF_CONSTRUCTS


def test_plain_checkov_finds_the_same_without_network(tmp_path: Path) -> None:
    """The folder of checks is one of plain external checks; ours is a quicker way to the same findings."""
    stacks: dict[str, SynthesizedStack] = {}
    for number, (check_id, sample) in enumerate(
        (check_id, sample) for check_id, samples in SAMPLES.items() for sample in samples.failing
    ):
        if sample.block != "provider":
            name = f"{check_id.lower()}_{number}"
            content = json.loads(json.dumps(sample.content()).replace('"it": {', f'"{name}": {{'))
            stack = stacks.setdefault(sample.stack, SynthesizedStack(sample.stack, "", "project", Path(), {}))
            merged = stack.content.setdefault(sample.block, {}).setdefault(sample.kind, {})  # type: ignore[attr-defined] # a dict
            merged.update(content[sample.block][sample.kind])
    for name, stack in stacks.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "cdk.tf.json").write_text(json.dumps(stack.content))
    settings = load_to_judge_by(variables={"BRANCH": "dev"})
    failed = run_checks(list(stacks.values()), settings).failed
    ours = {(f.policy.id, f.stack, f.resource.rpartition(".")[2]) for f in failed}
    theirs = {
        (record["check_id"], record["file_path"].split("/")[1], record["resource"].rpartition(".")[2])
        for record in _plain_checkov(tmp_path)
    }
    assert {each for each in ours if each[0].startswith("BRL_DBX")} == theirs
    assert len({each[0] for each in theirs}) == len(SAMPLES)


def _plain_checkov(folder: Path) -> list[dict[str, str]]:
    # Refuses each connection, so that a run that asked for one would end with an error.
    guard = "import socket, sys; socket.socket.connect = lambda *_: sys.exit('network'); "
    options = ["--framework", "terraform_json", "--skip-download", "--compact", "--quiet", "-o", "json"]
    command = [
        *options,
        "--external-checks-dir",
        str(ROOT / "infra/policies/checks"),
        "-d",
        str(folder),
        "-c",
        "BRL_DBX_*",
    ]
    code = f"{guard}sys.argv = ['checkov', *{command!r}]; from checkov.main import Checkov; sys.exit(Checkov().run())"
    # It asks its package index for a newer version, at most once an hour.
    variables = {**os.environ, "BRANCH": "dev", "LOG_LEVEL": "ERROR", "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.stdout.startswith("{"), done.stderr + done.stdout
    found: list[dict[str, str]] = json.loads(done.stdout)["results"]["failed_checks"]
    return found


def test_the_guide_lists_every_check_and_rule_by_name() -> None:
    guide = (ROOT / "docs/guides/gate.md").read_text()
    policies = [check.policy for check in load_checks().values()] + [rule.policy for rule in load_rules().values()]
    for policy in policies:
        assert f"| `{policy.id}` | {policy.name} |" in guide
    assert guide.count("| `BRL_") == len(policies)
