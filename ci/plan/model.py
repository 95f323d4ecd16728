"""What a plan says: stacks, changes and fields, without anything sensitive. Written to JSON and read back from it."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SENSITIVE = "(sensitive)"
UNKNOWN = "(known after apply)"


class Frozen(BaseModel):
    """Read back exactly as written; a file with other keys is not one of ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Action(StrEnum):
    """What Terraform would do to an object."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DESTROY = "destroy"
    IMPORT = "import"
    """Taken over as it is; one that is also changed is an UPDATE with `import_id`."""
    FORGET = "forget"
    """Left in the workspace, but no longer managed."""


class FieldChange(Frozen):
    """One argument of an object before and after; SENSITIVE and UNKNOWN stand for what is not told."""

    path: str = Field(description="such as `task[0].max_retries`")
    before: Any = None
    after: Any = None
    forces_replacement: bool = False


class Change(Frozen):
    """One object that the plan touches."""

    address: str = Field(description="Terraform's address, such as `databricks_job.training`")
    type: str
    action: Action
    fields: tuple[FieldChange, ...] = ()
    import_id: str | None = None

    @property
    def name(self) -> str:
        """The address without the type."""
        return self.address.removeprefix(f"{self.type}.")


class StackPlan(Frozen):
    """The plan of one stack; `problem` says why there is none."""

    stack: str
    environment: str
    kind: Literal["admin", "project"]
    stack_digest: str = Field(description="of what was synthesized, without backend and metadata")
    changes: tuple[Change, ...] = ()
    drift: tuple[Change, ...] = Field((), description="what was changed outside Terraform and is undone by the plan")
    problem: str | None = None
    seconds: float = 0.0


class Plan(Frozen):
    """The plans of one commit's stacks; the same commit against the same workspace has the same digests."""

    commit: str
    branch: str | None
    uncommitted: tuple[str, ...] = Field((), description="files of stacks or ML code that differ from the commit")
    ml_code_digest: str = Field(description="git's hash of the tree ml_code at the commit")
    stacks: tuple[StackPlan, ...]

    @property
    def environments(self) -> tuple[str, ...]:
        """In the order of the stacks."""
        return tuple(dict.fromkeys(stack.environment for stack in self.stacks))

    @property
    def problems(self) -> tuple[StackPlan, ...]:
        """The stacks that could not be planned."""
        return tuple(stack for stack in self.stacks if stack.problem)

    def of(self, environment: str) -> Plan:
        """The same plan with one environment's stacks only."""
        return self.model_copy(update={"stacks": tuple(s for s in self.stacks if s.environment == environment)})

    def digest(self, environment: str) -> str:
        """What an approval names: SHA-256 over commit, ML code, stacks and every change of the environment.

        Problems and seconds do not count, nor does drift: its repair is among the changes.
        """
        content = {
            "commit": self.commit,
            "ml_code": self.ml_code_digest,
            "stacks": [
                {
                    "stack": stack.stack,
                    "digest": stack.stack_digest,
                    "changes": [change.model_dump(mode="json") for change in stack.changes],
                }
                for stack in self.stacks
                if stack.environment == environment
            ],
        }
        return digest_of(content)


def digest_of(content: Any) -> str:
    """SHA-256 of a JSON value, in hex, whatever the order of its keys."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
