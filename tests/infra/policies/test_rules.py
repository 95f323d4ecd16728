"""Every plan rule, on plans that keep it and on plans that break it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.plan.model import SENSITIVE, Action, Change, FieldChange, StackPlan
from infra.policies.environments import load_to_judge_by
from infra.policies.rule import BranchPosition, Declared, Purpose, Situation, Violation, load_rules
from infra.policies.rules.nothing_is_lost import KEPT
from infra.settings import BranchCopy, Settings

ROOT = Path(__file__).parents[3]
COMMIT = "c0ffee00" * 5
ON_TIP = BranchPosition(exists=True, contains=True, is_tip=True)
ELSEWHERE = BranchPosition(exists=True, contains=False, is_tip=False)
SETTINGS = load_to_judge_by(variables={"BRANCH": "dev"})
COPY = BranchCopy(branch="feature/x-prod-hrob", slug="feature-x-prod-hrob", expires=date(2026, 12, 1))
SETTINGS_OF_COPY = {**SETTINGS, "dev": SETTINGS["dev"].model_copy(update={"copy_of": COPY})}


def change(address: str, action: Action = Action.CREATE, import_id: str | None = None, **fields: Any) -> Change:
    """An object with what it would have, or, where it goes, had."""
    side = "before" if action is Action.DESTROY else "after"
    paths = {name.replace("__", ".").replace("_0", "[0]"): value for name, value in fields.items()}
    told = tuple(FieldChange(path=path, **{side: value}) for path, value in paths.items())
    return Change(address=address, type=address.partition(".")[0], action=action, fields=told, import_id=import_id)


def plan(stack: str, *changes: Change, **more: Any) -> StackPlan:
    kind = "admin" if stack.endswith("-admin") else "project"
    environment = stack.removesuffix("-admin")
    return StackPlan(stack=stack, environment=environment, kind=kind, stack_digest="0", changes=tuple(changes), **more)


def situation(*stacks: StackPlan, purpose: Purpose = Purpose.APPLY, **more: Any) -> Situation:
    positions = dict.fromkeys(SETTINGS, ON_TIP)
    given = {"contents": {}, "settings": SETTINGS, "branches": positions, **more}
    return Situation(purpose=purpose, commit=COMMIT, stacks=stacks, **given)


DESTROYED = change("databricks_registered_model.model", Action.DESTROY)
REPLACED = change("databricks_volume.landing", Action.REPLACE)
BACKEND = {"prod": {"terraform": {"backend": {"azurerm": {"access_key": "hunter2"}}}}}
VARIABLE = {"prod": {"variable": {"databricks_token": {"default": "hunter2", "sensitive": True}}}}
CLEAN = {
    "prod": {"terraform": {"backend": {"local": {"path": "x"}}}, "variable": {"databricks_token": {"default": None}}}
}
REVIEW = Purpose.REVIEW
JOB = "databricks_job.training"

PASSING: Mapping[str, Sequence[Situation]] = {
    "BRL_PLAN_1": [situation(plan("prod"))],
    "BRL_PLAN_2": [
        situation(plan("dev", DESTROYED, REPLACED)),
        situation(plan("prod", change(JOB, Action.REPLACE), change("databricks_volume.landing", Action.FORGET))),
        situation(plan("prod", DESTROYED), declared=[Declared("prod", DESTROYED.address, COMMIT)]),
    ],
    "BRL_PLAN_3": [
        situation(plan("prod", DESTROYED), declared=[Declared("prod", DESTROYED.address, COMMIT)]),
        situation(plan("staging"), declared=[Declared("prod", DESTROYED.address, COMMIT)]),
    ],
    "BRL_PLAN_4": [
        situation(plan("prod", change(JOB, name="prod-hrob-training", parameter_0__default="prod.hrob.risk"))),
        *(
            situation(plan("dev", change(JOB, value=value)), settings=SETTINGS_OF_COPY)
            for value in (
                COPY.branch,
                f"{COPY.slug}-dev-hrob-training",
                f"/branchline/dev/{COPY.slug}-hrob",
                f"hrob from branch {COPY.branch}",
            )
        ),
        situation(plan("prod-admin", change("databricks_group.engineers", display_name="branchline-engineers"))),
        situation(plan("prod", change("databricks_registered_model.model", catalog_name="prod", owner=SENSITIVE))),
    ],
    "BRL_PLAN_5": [
        situation(plan("prod"), plan("staging")),
        situation(plan("dev"), branches={"dev": ELSEWHERE}),
    ],
    "BRL_PLAN_6": [situation(plan("prod"))],
    "BRL_PLAN_7": [
        situation(
            plan("prod", change("databricks_git_credential.git", personal_access_token=SENSITIVE)), contents=CLEAN
        )
    ],
    "BRL_PLAN_8": [situation(plan("prod", change(JOB)))],
}

FAILING: Mapping[str, Sequence[tuple[Situation, str]]] = {
    "BRL_PLAN_1": [(situation(plan("prod", problem="terraform plan failed:\nError: no policy")), "Error: no policy")],
    "BRL_PLAN_2": [
        (situation(plan("prod", DESTROYED)), "would be destroyed, with all"),
        (situation(plan("staging-admin", REPLACED)), "would be destroyed and made anew"),
        (situation(plan("prod", DESTROYED), declared=[Declared("staging", DESTROYED.address, COMMIT)]), "destroyed"),
        (situation(plan("prod", DESTROYED), declared=[Declared("prod", REPLACED.address, COMMIT)]), "destroyed"),
    ],
    "BRL_PLAN_3": [
        (situation(plan("prod"), declared=[Declared("prod", DESTROYED.address, COMMIT)]), "the plan keeps it"),
        (situation(plan("prod"), misdeclared=[("Destroys: prod *", COMMIT)]), "c0ffee00 says 'Destroys: prod *'"),
    ],
    "BRL_PLAN_4": [
        (situation(plan("prod", change(JOB, name="dev-hrob-training"))), "an object of dev"),
        (situation(plan("prod", change(JOB, name="feature-x-dev-hrob-training"))), "an object of dev"),
        (situation(plan("prod", change(JOB, parameter_0__default="staging"))), "a job parameter of staging"),
        (situation(plan("prod", change(JOB, parameter_0__default="dev.hrob.risk"))), "an object in the catalog of dev"),
        (situation(plan("prod", change(JOB, tags__environment="dev"))), "the tag of dev"),
        (situation(plan("prod", change("databricks_volume.x", catalog_name="sandbox"))), "is in catalog 'sandbox'"),
        (situation(plan("prod", change("databricks_catalog.catalog", Action.DESTROY, name="dev"))), "catalog 'dev'"),
        (situation(plan("prod", change("databricks_grants.x", schema="dev.hrob"))), "schema is in catalog 'dev'"),
        (situation(plan("prod", change("databricks_directory.x", path="/branchline/staging/x"))), "folder of staging"),
        (situation(plan("prod", change(JOB, import_id="/Volumes/dev/hrob/landing"))), "a volume of dev"),
        (situation(plan("staging", change("databricks_x.y", owner="branchline-prod"))), "principal of prod"),
        (situation(plan("prod", change(JOB, nested={"a": ["dev-hrob-jobs"]}))), "nested.a[0] is 'dev-hrob-jobs'"),
    ],
    "BRL_PLAN_5": [
        (situation(plan("prod"), branches={"prod": ELSEWHERE}), "is not on release"),
        (situation(plan("staging-admin"), branches={"staging": ELSEWHERE}), "is not on main"),
        (situation(plan("prod"), branches={"prod": BranchPosition(False, False, False)}), "has no branch release"),
    ],
    "BRL_PLAN_6": [(situation(plan("prod"), uncommitted=["stacks/jobs.py"]), "not committed: stacks/jobs.py")],
    "BRL_PLAN_7": [
        (situation(plan("prod"), contents=BACKEND), "terraform.backend.azurerm.access_key holds a literal value"),
        (situation(plan("prod"), contents=VARIABLE), "variable.databricks_token holds a literal value"),
        (situation(plan("prod", change(JOB, tags__x="dapi" + "0123456789abcdef" * 2))), "would be a Databricks token"),
    ],
    "BRL_PLAN_8": [(situation(plan("prod", drift=(change(JOB, Action.UPDATE, name="x"),))), "of Terraform (name)")],
}


def broken(rule_id: str, judged: Situation) -> list[Violation]:
    return list(load_rules()[rule_id].judge(judged))


def test_every_rule_has_both_kinds_of_plans_and_a_file_of_its_own() -> None:
    assert set(load_rules()) == set(PASSING) == set(FAILING)
    files = {path.stem for path in (ROOT / "infra/policies/rules").glob("*.py")} - {"__init__"}
    assert len(files) == len(load_rules())


@pytest.mark.parametrize(("rule_id", "judged"), [(rule, each) for rule, all_ in PASSING.items() for each in all_])
def test_a_rule_lets_a_sound_plan_pass(rule_id: str, judged: Situation) -> None:
    assert broken(rule_id, judged) == []


@pytest.mark.parametrize(("rule_id", "judged", "says"), [(r, *each) for r, all_ in FAILING.items() for each in all_])
def test_a_rule_says_what_is_wrong(rule_id: str, judged: Situation, says: str) -> None:
    assert any(says in violation.message for violation in broken(rule_id, judged))


@pytest.mark.parametrize("rule_id", ["BRL_PLAN_5", "BRL_PLAN_6"])
def test_what_stops_an_apply_is_a_warning_in_a_review(rule_id: str) -> None:
    for judged, _ in FAILING[rule_id]:
        assert not any(violation.warns for violation in broken(rule_id, judged))
        assert all(violation.warns for violation in broken(rule_id, replace(judged, purpose=REVIEW)))


def test_dev_may_be_applied_with_uncommitted_files() -> None:
    [told] = broken("BRL_PLAN_6", situation(plan("dev"), uncommitted=["stacks/jobs.py"]))
    assert told.warns


def test_a_branch_that_has_gone_on_is_told_and_refuses_nothing() -> None:
    behind = BranchPosition(exists=True, contains=True, is_tip=False)
    told = broken("BRL_PLAN_5", situation(plan("prod"), branches={"prod": behind}))
    assert [(v.message, v.warns) for v in told] == [("release has gone on since commit c0ffee00", True)]


@given(kind=st.sampled_from(sorted(KEPT)), action=st.sampled_from([Action.DESTROY, Action.REPLACE]), name=st.from_regex(
    r"[a-z_]{1,12}", fullmatch=True), environment=st.sampled_from(["staging", "prod"]))  # fmt: skip
def test_only_the_exact_name_lets_a_loss_pass(kind: str, action: Action, name: str, environment: str) -> None:
    lost = change(f"{kind}.{name}", action)
    near = [Declared(environment, f"{kind}.{name}x", COMMIT), Declared("dev", lost.address, COMMIT)]
    judged = situation(plan(environment, lost), declared=near)
    assert [violation.resource for violation in broken("BRL_PLAN_2", judged)] == [lost.address]
    named = replace(judged, declared=[*near, Declared(environment, lost.address, COMMIT)])
    assert broken("BRL_PLAN_2", named) == []


NAMES: Sequence[Callable[[Settings], str]] = (
    lambda s: s.job_name("training"),
    lambda s: s.policy_name,
    lambda s: s.model_full_name,
    lambda s: s.volume_path,
    lambda s: s.experiment_name,
    lambda s: s.values.service_principal,
    lambda s: s.secret_scope,
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("own", SETTINGS)
def test_each_name_that_settings_make_is_at_home_in_its_environment_alone(
    own: str, name: Callable[[Settings], str]
) -> None:
    for other, settings in SETTINGS.items():
        judged = situation(plan(own, change("databricks_anything.x", value=name(settings))))
        assert bool(broken("BRL_PLAN_4", judged)) is (other != own)
