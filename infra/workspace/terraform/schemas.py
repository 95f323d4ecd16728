"""The provider's schemas: the assembly's names and types, corrected by the facts known of the real provider 1.99.0.

Deriving takes about half a second, so the result is kept in a cache file whose name carries the package's version and
a digest of the facts. A path in the facts is dotted (`task.new_cluster.num_workers`); `**.new_cluster.num_workers`
means every path that ends so.
"""

import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from infra.workspace.terraform.assembly import AssemblyReader, Json, load_types, package_version

Type = Any
"""A Terraform type as its JSON form: "string", "number", "bool", "dynamic", ["list", T], ["object", {name: T}], …"""


@dataclass(frozen=True)
class Attribute:
    """One argument or read-only value. `nested` is set for a nested attribute (`list`, `set`, `map`, `single`)."""

    type: Type
    required: bool = False
    optional: bool = False
    computed: bool = False
    sensitive: bool = False
    force_new: bool = False
    default: Any = None
    suppress: str | None = None
    nested: str | None = None
    block: "Block | None" = None


@dataclass(frozen=True)
class NestedBlock:
    """A block inside a block. `nesting` is `list`, `set` or `single`; 0 as `most` means any number."""

    nesting: str
    least: int
    most: int
    block: "Block"
    force_new: bool = False
    suppress: str | None = None


@dataclass(frozen=True)
class Block:
    """Attributes and nested blocks by name."""

    attributes: dict[str, Attribute] = field(default_factory=dict)
    blocks: dict[str, NestedBlock] = field(default_factory=dict)

    @cached_property
    def type(self) -> Type:
        """The object type of this block's values."""
        members = {name: attribute.type for name, attribute in self.attributes.items()}
        for name, nested in self.blocks.items():
            members[name] = nested.block.type if nested.nesting == "single" else [nested.nesting, nested.block.type]
        return ["object", members]


@dataclass(frozen=True)
class Schema:
    """The schema of a resource or data source type, with the rules between its top-level arguments."""

    version: int
    block: Block
    rules: tuple[tuple[str, tuple[str, ...]], ...] = ()
    conflicts: dict[str, tuple[str, ...]] = field(default_factory=dict)


class SchemaCatalog:
    """Schemas of all types that `provider_facts.json` names; loaded once, when first asked."""

    def __init__(self, cache_dir: Path | None = None) -> None:
        self._cache_dir = cache_dir or Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "branchline"
        self._lock = threading.Lock()

    @property
    def provider(self) -> Schema:
        return self._schemas["provider"]["databricks"]

    @property
    def resources(self) -> dict[str, Schema]:
        return self._schemas["resource_schemas"]

    @property
    def data_sources(self) -> dict[str, Schema]:
        return self._schemas["data_source_schemas"]

    @cached_property
    def _schemas(self) -> dict[str, dict[str, Schema]]:
        with self._lock:
            return {
                kind: {name: _schema(raw, self._facts.get(kind, {}).get(name, {})) for name, raw in members.items()}
                for kind, members in self._raw().items()
            }

    @cached_property
    def _facts(self) -> Json:
        text = files("infra.workspace.terraform").joinpath("provider_facts.json").read_text(encoding="utf-8")
        facts: Json = json.loads(text)
        return facts

    def _raw(self) -> Json:
        digest = hashlib.sha256(json.dumps(self._facts, sort_keys=True).encode()).hexdigest()[:12]
        path = self._cache_dir / f"provider-schemas-{package_version()}-{digest}.json"
        try:
            kept: Json = json.loads(path.read_text(encoding="utf-8"))
            return kept
        except (OSError, ValueError):
            derived = self._derive()
            _keep(path, derived)
            return derived

    def _derive(self) -> Json:
        reader = AssemblyReader(load_types())
        derived = {
            kind: {name: reader.block_of(name, data_source=kind == "data_source_schemas") for name in self._facts[kind]}
            for kind in ("resource_schemas", "data_source_schemas")
        }
        return {**derived, "provider": {"databricks": reader.provider_block()}}


def _keep(path: Path, derived: Json) -> None:
    """Writes the cache in one step, so that a second process never reads half of it; no cache is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".new", delete=False, encoding="utf-8") as file:
            json.dump(derived, file, separators=(",", ":"))
        Path(file.name).replace(path)
    except OSError:
        return


def _schema(raw: Json, facts: Json) -> Schema:
    paths = {path: {"flags": fact} if isinstance(fact, str) else fact for path, fact in facts.get("paths", {}).items()}
    return Schema(
        version=facts.get("version", 0),
        block=_block(raw, paths, ()),
        rules=tuple((rule, tuple(names)) for rule, names in facts.get("rules", [])),
        conflicts={name: tuple(others) for name, others in facts.get("conflicts", {}).items()},
    )


def _fact(paths: Mapping[str, Json], path: tuple[str, ...]) -> Json:
    for start in range(len(path)):
        found = paths.get("**." + ".".join(path[start:]))
        if found is not None:
            return found
    return paths.get(".".join(path), {})


def _block(raw: Json, paths: Mapping[str, Json], prefix: tuple[str, ...]) -> Block:
    attributes, blocks = {}, {}
    for name, member in raw["attributes"].items():
        path = (*prefix, name)
        attributes[name] = _attribute(member, _fact(paths, path), paths, path)
    for name, member in raw["blocks"].items():
        path = (*prefix, name)
        fact = {**member, **_fact(paths, path)}
        blocks[name] = NestedBlock(
            nesting=fact["nesting"],
            least=fact["min"],
            most=fact["max"],
            block=_block(member["block"], paths, path),
            force_new=fact.get("force_new", False),
            suppress=fact.get("suppress"),
        )
    return Block(dict(sorted(attributes.items())), dict(sorted(blocks.items())))


def _attribute(raw: Json, fact: Json, paths: Mapping[str, Json], path: tuple[str, ...]) -> Attribute:
    flags = str(fact.get("flags") or raw["flags"])
    nested = fact.get("nested", raw.get("nested"))
    block = _block(raw["block"], paths, path) if "block" in raw else None
    kind = fact.get("type", raw.get("type"))
    if kind is None and block is not None:
        kind = block.type if nested == "single" else [nested, block.type]
    is_plain = fact.get("plain", False) or block is None
    return Attribute(
        type=kind,
        required="r" in flags,
        optional="o" in flags,
        computed="c" in flags,
        sensitive=fact.get("sensitive", False),
        force_new=fact.get("force_new", False),
        default=fact.get("default"),
        suppress=fact.get("suppress"),
        nested=None if is_plain else nested,
        block=None if is_plain else block,
    )
