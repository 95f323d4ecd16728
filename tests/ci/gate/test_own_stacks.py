"""The project's own stacks, as the app of cdktf.json writes them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from ci.gate.checks import run_checks
from ci.gate.places import Places
from ci.repository import ROOT
from ci.terraform.synthesis import Synthesis, read_synthesis, synthesize
from infra.policies.environments import environment_of, load_to_judge_by
from infra.policies.policy import Policy, Severity

ANY = Policy("BRL_TEST_2", "Any", Severity.LOW, "None.")


@pytest.fixture(scope="module")
def synthesis(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    outdir = tmp_path_factory.mktemp("synthesized")
    synthesize(["dev", "staging", "prod"], outdir, variables={**os.environ, "BRANCH": "dev"})
    return read_synthesis(outdir)


def test_they_pass_every_check(synthesis: Synthesis) -> None:
    checked = run_checks(list(synthesis.stacks.values()), load_to_judge_by(variables={"BRANCH": "dev"}))
    assert checked.failed == []
    assert checked.resources == sum(
        len(named) for stack in synthesis.stacks.values() for named in stack.content["resource"].values()
    )


def test_each_resource_is_found_in_the_source_by_its_name(synthesis: Synthesis) -> None:
    places = Places(ROOT)
    for stack in synthesis.stacks.values():
        for kind, named in stack.content["resource"].items():
            for name in named:
                place, _ = places.of(ANY, stack.name, f"{kind}.{name}", None)
                line = _lines(place.file)[place.line - 1]
                words = "|".join(re.escape(each) for each in (name, name.replace("_", "-")))
                assert re.search(rf'"({words})"|name: ({words})$|^  ({words}):$', line), (kind, name, place)


def test_each_setting_that_decides_is_found_in_its_file() -> None:
    from infra.policies.check import load_checks
    from infra.policies.rule import load_rules

    policies = [check.policy for check in load_checks().values()] + [rule.policy for rule in load_rules().values()]
    places = Places(ROOT)
    pointing = [policy for policy in policies if policy.setting]
    assert pointing
    for policy in pointing:
        place, related = places.of(policy, "prod", "databricks_job.training", None)
        assert place.file.startswith("infra/settings/"), policy.id
        assert re.match(rf"\s*{str(policy.setting).rpartition('.')[2]}:", _lines(place.file)[place.line - 1])
        assert related is not None
        assert related.file == "stacks/jobs.py"


def test_an_object_that_nothing_names_points_to_its_stack() -> None:
    place, _ = Places(ROOT).of(ANY, "prod-admin", "databricks_volume.unheard_of", None)
    assert (place.file, environment_of("prod-admin")) == ("stacks/admin.py", "prod")
    assert _lines(place.file)[place.line - 1].startswith("class AdminStack")


def _lines(file: str) -> list[str]:
    return (ROOT / file).read_text(encoding="utf-8").splitlines()


def test_a_planted_flaw_is_found(synthesis: Synthesis, tmp_path: Path) -> None:
    """So that passing means something: the same stacks, with one job made a person's."""
    stack = synthesis.stacks["prod"]
    content = json.loads(json.dumps(stack.content))
    content["resource"]["databricks_job"]["training"]["run_as"] = {"user_name": "jane@example.com"}
    flawed = type(stack)(stack.name, stack.environment, stack.kind, tmp_path, content)
    failed = run_checks([flawed], load_to_judge_by(variables={"BRANCH": "dev"})).failed
    assert [(each.policy.id, each.resource) for each in failed] == [("BRL_DBX_1", "databricks_job.training")]
