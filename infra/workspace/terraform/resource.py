"""What a family file gives for each type: how state becomes REST requests, and their answers state."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from infra.workspace.terraform.planning import State, is_zero
from infra.workspace.terraform.schemas import Block, Schema
from infra.workspace.terraform.session import Api, Json


class Refused(Exception):
    """The configuration cannot be carried out; its text says why."""


class Resource(ABC):
    """A resource type. Methods raise RestError (told as "cannot create job: …") or Refused."""

    schema: Schema

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name

    @property
    def label(self) -> str:
        """The words for this type in error messages: `databricks_secret_scope` -> `secret scope`."""
        return self.type_name.removeprefix("databricks_").replace("_", " ")

    @abstractmethod
    def create(self, api: Api, new: State) -> str:
        """Makes the object; its Terraform id."""

    @abstractmethod
    def read(self, api: Api, known: State) -> State | None:
        """What the workspace says now, by attribute names; None when the object is gone. `known["id"]` is its id."""

    def update(self, api: Api, old: State, new: State) -> str | None:
        """Brings the object to its new state in place; a new id if that changes with it."""
        raise Refused(f"{self.type_name} cannot be updated in place")

    @abstractmethod
    def delete(self, api: Api, old: State) -> None:
        """Removes the object; its being gone already is no error."""

    def imported(self, api: Api, identifier: str) -> State:
        """The state that `read` starts from on import."""
        return {"id": identifier}

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        """The id of the object that a creation begun at `since_ms` has left behind; None where there is none.

        Types whose creation may be repeated leave it at that.
        """
        return None

    def adopt(self, api: Api, old: State, new: State) -> str | None:
        """Completes an object that was left behind in its creation; a new id if that changes with it."""
        return self.update(api, old, new)

    def plan(self, api: Api | None, old: State | None, new: State) -> None:  # noqa: B027 - most types need no more
        """Changes the planned state where the schema's rules are not enough."""

    def check(self, config: State) -> list[str]:
        """What is wrong with the configuration, beyond what the schema says."""
        return []


class DataSource(ABC):
    """A data source type."""

    schema: Schema

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name

    @property
    def label(self) -> str:
        return self.type_name.removeprefix("databricks_").replace("_", " ")

    @abstractmethod
    def read(self, api: Api, config: State) -> State:
        """All attributes of the object that the configuration asks for, `id` with them."""


@dataclass(frozen=True)
class Mapper:
    """State to REST body and back, by the schema: a block of at most one is an object, a list otherwise.

    `names` gives REST's name where it differs from Terraform's: by dotted path, or `**.name` for a name at any depth;
    `local` are paths of the same forms that REST does not know.
    """

    block: Block
    names: Mapping[str, str]
    local: frozenset[str] = frozenset()

    def body(self, state: State) -> Json:
        """The request body: what is set; inside blocks a zero counts as left out unless it means something."""
        return self._body(self.block, state, "")

    def state(self, answer: Json) -> State:
        """All attributes and blocks that are not local; what the answer does not carry is null or no block."""
        return self._state(self.block, answer, "")

    def _name(self, path: str) -> str:
        last = path.rpartition(".")[2]
        return self.names.get(path, self.names.get(f"**.{last}", last))

    def _is_local(self, path: str) -> bool:
        return path in self.local or f"**.{path.rpartition('.')[2]}" in self.local

    def _body(self, block: Block, state: State, at: str) -> Json:
        body: Json = {}
        for name, attribute in block.attributes.items():
            value = state.get(name)
            is_told = attribute.required or attribute.default is not None or not at or not is_zero(value)
            if value is not None and is_told and not self._is_local(at + name):
                body[self._name(at + name)] = value
        for name, nested in block.blocks.items():
            elements = state.get(name)
            if not elements or nested.nesting == "single" or self._is_local(at + name):
                continue
            inner = [self._body(nested.block, each, f"{at}{name}.") for each in elements]
            body[self._name(at + name)] = inner[0] if nested.most == 1 else inner
        return body

    def _state(self, block: Block, answer: Json, at: str) -> State:
        state: State = {}
        for name, attribute in block.attributes.items():
            if not self._is_local(at + name):
                value = answer.get(self._name(at + name))
                state[name] = [value] if isinstance(value, dict) and attribute.type[0] == "list" else value
        for name, nested in block.blocks.items():
            if nested.nesting == "single" or self._is_local(at + name):
                continue
            value = answer.get(self._name(at + name))
            elements = value if isinstance(value, list) else [] if value is None else [value]
            state[name] = [self._state(nested.block, each, f"{at}{name}.") for each in elements]
        return state


def pick(state: Mapping[str, Any], *names: str) -> Json:
    """The named arguments that are set."""
    return {name: state[name] for name in names if state.get(name) not in (None, "")}


def elements(value: Any) -> list[State]:
    """The elements of a block's value that are known already."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def changed(old: State, new: State, *names: str) -> bool:
    return any(old.get(name) != new.get(name) for name in names)


def is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text) is not None


class Registry:
    """The types that families declare: `@resource("databricks_group")` above a class."""

    resources: ClassVar[dict[str, type[Resource]]] = {}
    data_sources: ClassVar[dict[str, type[DataSource]]] = {}


def resource(type_name: str) -> Callable[[type[Resource]], type[Resource]]:
    """Declares the class as the provider's resource type of that name."""

    def declare(kind: type[Resource]) -> type[Resource]:
        Registry.resources[type_name] = kind
        return kind

    return declare


def data_source(type_name: str) -> Callable[[type[DataSource]], type[DataSource]]:
    """Declares the class as the provider's data source type of that name."""

    def declare(kind: type[DataSource]) -> type[DataSource]:
        Registry.data_sources[type_name] = kind
        return kind

    return declare
