"""The life of one resource: plan, apply, refresh and import, the same for every type."""

from dataclasses import dataclass
from typing import Any

from tf.types import Unknown

from infra.workspace.terraform.planning import Plan, State, is_zero, settle
from infra.workspace.terraform.resource import Refused, Resource
from infra.workspace.terraform.session import Api, RestError, Stopped, Unreachable
from infra.workspace.terraform.wire import conform, encode, without_unknown


@dataclass(frozen=True)
class Outcome:
    """What an apply left behind, and what went wrong if something did. A state with a problem is kept (tainted)."""

    state: State | None
    problem: str = ""
    note: str = ""


class Lifecycle:
    """Carries a resource type's requests through Terraform's steps."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._block = resource.schema.block

    def encode(self, state: State | None) -> Any:
        return encode(state, self._block.type)

    def problems(self, config: State) -> list[str]:
        """What is wrong between the arguments of a configuration."""
        schema = self._resource.schema
        given = {name for name, value in config.items() if value is Unknown or not is_zero(value)}
        found = []
        for rule, names in schema.rules:
            count = len(given & set(names))
            if count == 0 and rule in ("exactly_one", "at_least_one"):
                found.append(f"{self._resource.type_name} needs one of: {', '.join(names)}")
            if count > 1 and rule in ("exactly_one", "at_most_one"):
                both = ", ".join(sorted(given & set(names)))
                found.append(f"{self._resource.type_name} takes only one of these: {both}")
        for name, others in schema.conflicts.items():
            if name in given and given & set(others):
                both = ", ".join(sorted(given & set(others)))
                found.append(f"{self._resource.type_name}: {name} conflicts with {both}")
        return found + self._resource.check(config)

    def plan(self, api: Api | None, *, config: State, prior: State | None, proposed: State | None) -> Plan | None:
        """The plan; None when the resource is to be destroyed."""
        if proposed is None:
            return None
        plan = Plan(self._block, config, prior, proposed)
        self._resource.plan(api, prior, plan.state)
        return plan

    def apply(
        self, api: Api, *, prior: State | None, planned: State | None, interrupted_ms: int | None = None
    ) -> Outcome:
        """Creates, updates or deletes, then reads what became of it.

        Where an earlier creation was interrupted, begun at `interrupted_ms`, what it has left behind is taken over.
        """
        if planned is None:
            return self._delete(api, prior or {})
        wanted = without_unknown(planned)
        verb = "update" if prior else "create"
        note = ""
        try:
            left = None if prior or interrupted_ms is None else self._left_behind(api, wanted, interrupted_ms)
            if prior:
                identifier = self._resource.update(api, prior, wanted) or prior["id"]
            elif left:
                identifier = self._resource.adopt(api, left, wanted) or left["id"]
                note = (
                    f"took over {self._resource.label} {identifier}, which a killed workspace had left in its creation"
                )
            else:
                identifier = self._resource.create(api, wanted)
        except (RestError, Refused, Stopped, Unreachable) as error:
            return Outcome(prior, f"cannot {verb} {self._resource.label}: {error}")
        wanted["id"] = identifier
        try:
            return Outcome(self._read(api, wanted), note=note)
        except (RestError, Refused, Stopped, Unreachable) as error:
            return Outcome(wanted, f"cannot read {self._resource.label}: {error}")

    def refresh(self, api: Api, known: State) -> State | None:
        """The state as the workspace has it now; None when the object is gone. Refused when it cannot be read."""
        try:
            return self._read(api, known)
        except RestError as error:
            if error.is_missing:
                return None
            raise Refused(f"cannot read {self._resource.label}: {error}") from error

    def import_(self, api: Api, identifier: str) -> State:
        """The state of an existing object by its id."""
        empty: State = conform({}, self._block.type)
        for name, nested in self._block.blocks.items():
            empty[name] = None if nested.nesting == "single" else []
        try:
            known = {**empty, **self._resource.imported(api, identifier)}
            state = self._read(api, known)
        except RestError as error:
            raise Refused(f"cannot read {self._resource.label}: {error}") from error
        if state is None:
            raise Refused(f"cannot import {self._resource.label}: {identifier} does not exist")
        return state

    def _left_behind(self, api: Api, wanted: State, since_ms: int) -> State | None:
        try:
            identifier = self._resource.existing(api, wanted, since_ms)
        except RestError as error:
            if error.is_missing:
                return None
            raise
        return None if identifier is None else self.import_(api, identifier)

    def _read(self, api: Api, known: State) -> State | None:
        answered = self._resource.read(api, known)
        return None if answered is None else settle(self._block, known, answered)

    def _delete(self, api: Api, prior: State) -> Outcome:
        try:
            self._resource.delete(api, prior)
        except RestError as error:
            if not error.is_missing:
                return Outcome(prior, f"cannot delete {self._resource.label}: {error}")
        except (Refused, Stopped, Unreachable) as error:
            return Outcome(prior, f"cannot delete {self._resource.label}: {error}")
        return Outcome(None)
