"""Hooks and the approval in the settings."""

from pathlib import Path

import pytest

from infra.settings import SettingsError, load_settings
from infra.settings.hooks import Hook, When
from tests.infra.settings.conftest import Edit


def test_the_environments_say_what_follows_a_deployment_and_who_must_approve() -> None:
    found = {name: load_settings(name, variables={"BRANCH": "dev"}).values for name in ("dev", "staging", "prod")}
    assert {name: values.approval for name, values in found.items()} == {
        "dev": "none",
        "staging": "none",
        "prod": "required",
    }
    assert [hook.name for hook in found["prod"].hooks] == ["land", "train"]
    assert {hook.when for hook in found["staging"].hooks} == {When.CODE}
    assert found["dev"].hooks == ()


@pytest.mark.parametrize(
    ("hook", "said"),
    [
        ("{name: x}", "hooks.0: expected exactly one of run_job, sync_repo and refresh_dashboard, found none"),
        ("{name: x, run_job: a, sync_repo: /b}", "found run_job and sync_repo"),
        ("{name: x, sync_repo: /b, parameters: {a: b}}", "parameters: only run_job takes them"),
        ("{name: X, run_job: a}", "hooks.0.name: expected text that matches"),
        ("{name: x, run_job: a, when: sometimes}", "hooks.0.when: expected 'always', 'code', 'stacks' or 'change'"),
        ("{name: x, run_job: a}\n  - {name: x, run_job: b}", "hooks: two have the name x"),
    ],
)
def test_a_wrong_hook_is_told_with_its_place(folder: Path, edit: Edit, hook: str, said: str) -> None:
    edit("dev.yaml", "\nhooks: []", f"\nhooks:\n  - {hook}")
    with pytest.raises(SettingsError) as raised:
        load_settings("dev", folder=folder, repository=folder, variables={})
    assert any(said in str(problem) and "dev.yaml" in str(problem) for problem in raised.value.problems), raised.value


def test_a_hook_knows_its_kind() -> None:
    assert Hook(name="x", run_job="a").kind == "run_job"
    assert Hook(name="x", sync_repo="/Repos/a").kind == "sync_repo"
    assert Hook(name="x", refresh_dashboard="a").kind == "refresh_dashboard"
