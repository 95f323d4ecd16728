"""Reads what cdktf's generated package knows of the provider's schemas from the jsii assembly that it carries.

The assembly names every argument, block and read-only attribute with its type. What it cannot tell (optional and
computed, sensitive, sets, ForceNew, defaults) is in `provider_facts.json` and is laid over it by `schemas.py`.
"""

import gzip
import json
import re
import tarfile
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Json = dict[str, Any]

PACKAGE = "cdktf_cdktf_provider_databricks"
_MODULE = "@cdktf/provider-databricks."
_LINK = re.compile(r"/docs(?:/(?:resources|data-sources)/[\w-]+)?#(\w+) ")
_NOT_ATTRIBUTES = {"tfResourceType", "internalValue"}
_MAPS = {
    "cdktf.StringMap": "string",
    "cdktf.NumberMap": "number",
    "cdktf.BooleanMap": "bool",
    "cdktf.AnyMap": "dynamic",
}
_PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}


def package_version() -> str:
    """The version of the installed provider package; part of the cache's key."""
    return version("cdktf-cdktf-provider-databricks")


def load_types() -> Json:
    """All types of the assembly by their full name. Takes about half a second: call it once and keep what it gives."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"the package {PACKAGE} is not installed: Terraform schemas come from it")
    archives = sorted((Path(spec.submodule_search_locations[0]) / "_jsii").glob("*.jsii.tgz"))
    if not archives:
        raise LookupError(f"no jsii assembly in {PACKAGE}")
    with tarfile.open(archives[0]) as archive:
        assembly: Json = json.load(_member(archive, "package/.jsii"))
        if assembly.get("schema") == "jsii/file-redirect":
            with gzip.open(_member(archive, f"package/{assembly['filename']}")) as packed:
                assembly = json.load(packed)
    types: Json = assembly["types"]
    return types


def _member(archive: tarfile.TarFile, name: str) -> Any:
    file = archive.extractfile(name)
    if file is None:
        raise LookupError(f"{name} is missing from the jsii assembly")
    return file


def class_name(type_name: str, data_source: bool) -> str:
    """`databricks_sql_endpoint` -> `sqlEndpoint.SqlEndpoint`, as cdktf names the class of a type."""
    words = type_name.removeprefix("databricks_").split("_")
    if data_source:
        words = ["data", "databricks", *words]
    camel = "".join(word.capitalize() for word in words)
    return f"{camel[0].lower()}{camel[1:]}.{camel}"


def snake_case(name: str) -> str:
    """`createdAt` -> `created_at`; read-only attributes carry no link that would name them."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


class AssemblyReader:
    """Turns the assembly's classes into blocks: {"attributes": {name: …}, "blocks": {name: …}}."""

    def __init__(self, types: Mapping[str, Any]) -> None:
        self._types = types

    def block_of(self, type_name: str, *, data_source: bool = False) -> Json:
        """The raw schema of a resource or data source type; KeyError when the package does not have it."""
        name = _MODULE + class_name(type_name, data_source)
        return self._block(f"{name}Config", name)

    def provider_block(self) -> Json:
        """The raw schema of the provider's own configuration."""
        block = self._block(f"{_MODULE}provider.DatabricksProviderConfig", "")
        block["attributes"].pop("alias", None)  # Terraform's own, not the provider's
        return block

    def _block(self, interface: str, output: str) -> Json:
        attributes: Json = {}
        blocks: Json = {}
        known = set(_NOT_ATTRIBUTES)
        for member in self._types.get(interface, {}).get("properties", []):
            known |= {member["name"], f"{member['name']}Input"}
            docs = member.get("docs", {})
            link = _LINK.search(docs.get("summary", "")) or _LINK.search(docs.get("remarks", ""))
            if link is None:
                continue
            optional = bool(member.get("optional"))
            if docs.get("summary", "").endswith(" block."):
                blocks[link[1]] = self._nested_block(member["type"], optional)
            else:
                attributes[link[1]] = {"flags": "o" if optional else "r", **self._type(member["type"])}
        for member in self._types.get(output, {}).get("properties", []):
            if member["name"] not in known and not member.get("static"):
                attributes[snake_case(member["name"])] = {"flags": "c", **self._type(member["type"])}
        return {"attributes": attributes, "blocks": blocks}

    def _nested_block(self, kind: Json, optional: bool) -> Json:
        least = 0 if optional else 1
        if "fqn" in kind:
            return {"nesting": "list", "min": least, "max": 1, "block": self._struct(kind["fqn"])}
        inner = next(each for each in kind["union"]["types"] if each.get("fqn") != "cdktf.IResolvable")
        if "fqn" in inner:
            return {"nesting": "single", "min": 0, "max": 0, "block": self._struct(inner["fqn"])}
        element = inner["collection"]["elementtype"]["fqn"]
        return {"nesting": "list", "min": least, "max": 0, "block": self._struct(element)}

    def _struct(self, interface: str) -> Json:
        return self._block(interface, f"{interface}OutputReference")

    def _type(self, kind: Json) -> Json:
        if "union" in kind:
            inner = [each for each in kind["union"]["types"] if each.get("fqn") != "cdktf.IResolvable"]
            return self._type(inner[0])
        if "primitive" in kind:
            return {"type": _PRIMITIVES[kind["primitive"]]}
        if "collection" in kind:
            nesting = "map" if kind["collection"]["kind"] == "map" else "list"
            element = self._type(kind["collection"]["elementtype"])
            if "nested" in element:
                return {"nested": nesting, "block": element["block"]}
            return {"type": [nesting, element["type"]]}
        return self._reference(kind["fqn"])

    def _reference(self, name: str) -> Json:
        if name == "cdktf.IResolvable":
            return {"type": "bool"}
        if name in _MAPS:
            return {"type": ["map", _MAPS[name]]}
        for suffix, nesting in (("OutputReference", "single"), ("List", "list"), ("Map", "map")):
            interface = name.removesuffix(suffix)
            if interface != name and name.startswith(_MODULE):
                return {"nested": nesting, "block": self._struct(interface)}
        return {"nested": "single", "block": self._struct(name)}
