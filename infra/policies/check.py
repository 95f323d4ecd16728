"""Checks over synthesized stacks: a function that says what is wrong, made known to checkov by a decorator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Literal

from checkov.common.bridgecrew.severities import Severities
from checkov.common.checks.base_check import BaseCheck
from checkov.common.checks.base_check_registry import BaseCheckRegistry
from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.data.registry import data_registry
from checkov.terraform.checks.provider.registry import provider_registry
from checkov.terraform.checks.resource.registry import resource_registry

from infra.policies.environments import UnknownEnvironment
from infra.policies.policy import Policy, Severity
from infra.policies.resource import Resource

BlockType = Literal["resource", "data", "provider"]
REGISTRIES: Mapping[BlockType, BaseCheckRegistry] = {
    "resource": resource_registry,
    "data": data_registry,
    "provider": provider_registry,
}
Judge = Callable[[Resource], Iterable[str]]
_FOLDER = "infra.policies.checks"


class Check(BaseCheck):
    """One of our checks; `details` holds what is wrong with the resource that was looked at last."""

    def __init__(
        self,
        policy: Policy,
        judge: Judge,
        kinds: Sequence[str],
        block_types: Sequence[BlockType],
        category: CheckCategories,
    ) -> None:
        super().__init__(policy.name, policy.id, [category], kinds, block_types[0], guideline=policy.advice)
        self.policy = policy
        self.severity = Severities[policy.severity.value]  # type: ignore[assignment] # declared None by checkov itself
        self.details: list[str] = []
        self._judge = judge
        for block_type in block_types:
            REGISTRIES[block_type].register(self)

    def scan_entity_conf(self, conf: dict[str, Any], entity_type: str) -> CheckResult:
        """Never raises: checkov would leave out, without a word, what a check cannot judge."""
        file, _, name = self.entity_path.partition(f":{entity_type}:")
        try:
            self.details = list(self._judge(Resource(entity_type, name, conf, file)))
        except UnknownEnvironment as error:
            self.details = [str(error)]
        except Exception as error:  # without its words, which may hold what literal_secret would not repeat
            self.details = [f"cannot be judged, so it is refused: {type(error).__name__} in {self.id}"]
        return CheckResult.FAILED if self.details else CheckResult.PASSED


def check(
    policy_id: str,
    name: str,
    *,
    kinds: Sequence[str],
    severity: Severity,
    advice: str,
    setting: str | None = None,
    block_types: Sequence[BlockType] = ("resource",),
    category: CheckCategories = CheckCategories.GENERAL_SECURITY,
) -> Callable[[Judge], Check]:
    """Makes a check of a function that yields, in words, each thing that is wrong with a resource of these kinds."""

    def make(judge: Judge) -> Check:
        return Check(Policy(policy_id, name, severity, advice, setting), judge, kinds, block_types, category)

    return make


@cache
def load_checks() -> Mapping[str, Check]:
    """Every check of the folder by its id, known to checkov from then on."""
    return {check.id: check for check in sorted(_checks(), key=lambda check: int(check.id.rpartition("_")[2]))}


def _checks() -> Iterator[Check]:
    for module in iter_modules(import_module(_FOLDER).__path__):
        found = import_module(f"{_FOLDER}.{module.name}")
        yield from (value for value in vars(found).values() if isinstance(value, Check))
