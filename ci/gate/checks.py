"""checkov over stacks, in this process: its registries and its view of Terraform's JSON, without its start and graph.

A plain `checkov --external-checks-dir infra/policies/checks` finds the same of databricks_* resources; it needs longer,
for it reads JSON as YAML and builds a graph that none of their checks asks for. On other providers' resources checkov's
own checks are run too, but not those that follow references between resources (CKV2_…).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.errors import Trouble
from ci.terraform.synthesis import SynthesizedStack
from infra.policies.environments import judged_by
from infra.policies.policy import Policy, Severity
from infra.settings import Settings

if TYPE_CHECKING:
    from checkov.common.checks.base_check import BaseCheck

_FILE = "cdk.tf.json"


@dataclass(frozen=True)
class FailedCheck:
    """A check that an object of a stack does not pass; `resource` is its address."""

    policy: Policy
    stack: str
    resource: str
    message: str


@dataclass(frozen=True)
class Checked:
    """What checkov said of some stacks."""

    failed: Sequence[FailedCheck]
    resources: int
    policies: Sequence[Policy]


def run_checks(stacks: Sequence[SynthesizedStack], settings: Mapping[str, Settings]) -> Checked:
    """Every check on every resource, data source and provider; raises Trouble where a stack is not as Terraform's."""
    from infra.policies.check import load_checks

    policies = [check.policy for check in load_checks().values()]
    definitions = {stack.name: _definition(stack) for stack in stacks}
    failed: list[FailedCheck] = []
    with judged_by(settings):
        for name, definition in definitions.items():
            failed += _run(name, definition)
    resources = sum(len(definition.get("resource", ())) for definition in definitions.values())
    return Checked(failed, resources, [*policies, *_of_checkov(failed, policies)])


def _definition(stack: SynthesizedStack) -> dict[str, Any]:
    from checkov.terraform_json.parser import prepare_definition

    try:
        return prepare_definition(dict(stack.content))
    except Exception as error:  # checkov's parser raises bare exceptions
        raise Trouble(f"checkov cannot read stack {stack.name}: {error}") from error


def _run(stack: str, definition: Mapping[str, Any]) -> Iterator[FailedCheck]:
    from checkov.common.models.enums import CheckResult
    from checkov.runner_filter import RunnerFilter

    from infra.policies.check import REGISTRIES

    every = RunnerFilter(framework=["terraform_json"])
    for block_type, registry in REGISTRIES.items():
        for entity in definition.get(block_type, []):
            kind, name, _ = registry.extract_entity_details(entity)
            for check, result in registry.scan(f"/{stack}/{_FILE}", entity, [], every).items():
                if result["result"] == CheckResult.FAILED:
                    yield _failed(check, stack, _address(block_type, kind, name))


def _failed(check: BaseCheck, stack: str, address: str) -> FailedCheck:
    policy = getattr(check, "policy", None) or Policy(
        check.id, check.name, Severity.MEDIUM, check.guideline or "See checkov's documentation of this check."
    )
    return FailedCheck(policy, stack, address, "; ".join(check.details) or check.name)


def _of_checkov(failed: Sequence[FailedCheck], ours: Sequence[Policy]) -> list[Policy]:
    """Checks that come with checkov, where a stack has resources of other providers."""
    known = {policy.id for policy in ours}
    return list({each.policy.id: each.policy for each in failed if each.policy.id not in known}.values())


def _address(block_type: str, kind: str, name: Any) -> str:
    """Terraform's address; a provider has its name only."""
    return {"data": f"data.{kind}.{name}", "provider": f"provider.{kind}"}.get(block_type, f"{kind}.{name}")
