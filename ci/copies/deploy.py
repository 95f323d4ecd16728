"""Deploying a branch's copy: its stack alone, with the state that only this copy has."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from ci.copies.which import working_folder
from ci.plan.model import Change
from ci.plan.read import read_changes
from ci.terraform.credentials import Credentials
from ci.terraform.runner import Terraform
from ci.terraform.synthesis import synthesize
from infra.settings import Settings, load_settings
from infra.settings.copies import names_of_copy


@dataclass(frozen=True)
class Deployed:
    """A copy as it was deployed; `changes` is empty where it was up to date."""

    settings: Settings
    changes: tuple[Change, ...]


def deploy(branch: str, commit: str | None, say: Callable[[str], None]) -> Deployed:
    """Deploys the copy from the stacks that are checked out; with `commit` its jobs are pinned to that commit.

    Raises SettingsError where the branch or the commit is not in this clone, and Trouble where Terraform fails.
    """
    variables = {**os.environ, "BRANCH": branch, **({"COMMIT": commit} if commit else {})}
    environment = names_of_copy(branch).environment
    settings = load_settings(environment, branch=branch, variables=variables)
    stack = synthesize([environment], working_folder(settings), variables=variables).stacks[environment]
    say("synthesized")
    terraform = Terraform(stack, Credentials(environment=variables).variables(environment, stack.kind), say)
    terraform.init()
    changes = read_changes(terraform.plan(lock=True))
    if changes:
        terraform.apply_planned()
    else:
        terraform.forget_plan()
    return Deployed(settings, changes)
