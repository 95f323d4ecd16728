"""A request for a model from outside: one YAML file of ml_code/marketplace/requests, reviewed as any change is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator, model_validator

from ml_code.platform.configuration import Section, parse, read_yaml
from ml_code.platform.errors import ConfigurationError

FOLDER = "ml_code/marketplace/requests"
HUB = "https://huggingface.co"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Text = Annotated[str, Field(min_length=3, max_length=2_000)]


class HuggingFace(Section):
    """A repository of the Hugging Face Hub, or of a mirror of it, at a commit."""

    kind: Literal["huggingface"]
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[\w.-]+$")]
    revision: Commit
    """The full commit: a branch or a tag can be moved."""
    endpoint: str = HUB
    files: tuple[str, ...] = ()
    """Patterns of the files to take; by default what the format needs."""

    @property
    def address(self) -> str:
        """As people read it."""
        return f"{self.endpoint}/{self.repository}"


class SourceFile(Section):
    """One file: where it is, and what it must be."""

    at: Annotated[str, Field(min_length=1)]
    """URL or path."""
    sha256: Sha256
    path: str = ""
    """Its path in the model; by default its name. A folder for what is unpacked."""
    unpack: bool = False
    """Whether it is an archive (zip, tar, tar.gz) whose content is the model."""

    @property
    def target(self) -> str:
        """Its path in the model."""
        name = PurePosixPath(unquote(urlsplit(self.at).path)).name
        return self.path or ("" if self.unpack else name)


class Files(Section):
    """Files by their addresses or paths, each with its sum."""

    kind: Literal["https", "file"]
    files: Annotated[tuple[SourceFile, ...], Field(min_length=1)]

    @property
    def revision(self) -> str:
        """SHA-256 over the files' own: other content is another revision."""
        named = [[each.target, each.sha256, each.unpack] for each in self.files]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()

    @property
    def address(self) -> str:
        """Of the first file, without what a query may hold."""
        return urlsplit(self.files[0].at)._replace(query="", fragment="").geturl()


class SignatureField(Section):
    """A column of what a model takes or gives; types are MLflow's: double, long, string, …"""

    name: str = ""
    type: str


class Signature(Section):
    """What a model takes and gives. Unity Catalog takes no model without."""

    inputs: Annotated[tuple[SignatureField, ...], Field(min_length=1)]
    outputs: Annotated[tuple[SignatureField, ...], Field(min_length=1)]


class Request(Section):
    """Which model is wanted, from where, under which licence, what for, and who answers for it."""

    model: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
    """Its name in the marketplace."""
    version: Annotated[int, Field(ge=1)]
    """Counted up by hand whenever the content changes."""
    source: Annotated[HuggingFace | Files, Field(discriminator="kind")]
    format: Literal["mlflow", "transformers", "sklearn", "lightgbm"]
    """mlflow: the source holds an MLflow model; the others are made into one."""
    task: Annotated[str, Field(pattern=r"^([a-z0-9-]+(/[a-z0-9-]+)*)?$")] = ""
    """Of transformers: text-generation, text-classification, …"""
    requirements: tuple[str, ...] = ()
    """Pinned packages that the model runs with: name==version."""
    signature: Signature | None = None
    licence: Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]+$")]
    """SPDX identifier."""
    purpose: Text
    owner: Text
    """Who answers for it: a group or an address."""
    description: Annotated[str, Field(max_length=10_000)] = ""
    sums: dict[str, Sha256] = Field(default_factory=dict)
    """SHA-256 by path, beyond what the source itself vouches for."""

    @field_validator("requirements")
    @classmethod
    def _pinned(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        from packaging.requirements import InvalidRequirement, Requirement

        for each in given:
            try:
                parsed = Requirement(each)
            except InvalidRequirement:
                raise ValueError(f"{each!r} is no requirement: expected name==version") from None
            if parsed.url or [spec.operator for spec in parsed.specifier] != ["=="]:
                raise ValueError(f"{each!r} is not pinned: expected name==version")
        return given

    @model_validator(mode="after")
    def _whole(self) -> Request:
        if self.format != "mlflow":
            if self.signature is None:
                raise ValueError(f"signature is missing: a model of format {self.format} does not bring its own")
            if not self.requirements:
                raise ValueError(f"requirements are missing: a model of format {self.format} does not bring its own")
        if (self.format == "transformers") != bool(self.task):
            raise ValueError("task belongs to the format transformers, and only there")
        return self


@dataclass(frozen=True)
class NamedRequest:
    """A request and the name of its file."""

    name: str
    request: Request

    @property
    def digest(self) -> str:
        """SHA-256 of what is asked for: comments and spaces do not count."""
        return hashlib.sha256(self.request.model_dump_json().encode()).hexdigest()


def read_requests(root: str | Path, names: Iterable[str] = ()) -> list[NamedRequest]:
    """The requests of the checkout by name; all, or those that are named.

    Raises ConfigurationError where one cannot be read, is not there, or claims what another claims.
    """
    folder = Path(root) / FOLDER
    there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if absent := sorted(set(names) - set(there)):
        raise ConfigurationError(f"{FOLDER}: no request {', '.join(absent)}; there are {', '.join(there) or 'none'}")
    found = [
        NamedRequest(name, parse(Request, read_yaml(path), f"{FOLDER}/{path.name}")) for name, path in there.items()
    ]
    _refuse_doubles(found)
    return [each for each in found if not names or each.name in set(names)]


def _refuse_doubles(found: Sequence[NamedRequest]) -> None:
    claimed: dict[tuple[str, int], str] = {}
    for each in found:
        key = (each.request.model, each.request.version)
        if key in claimed:
            raise ConfigurationError(
                f"{FOLDER}/{each.name}.yaml: {key[0]} version {key[1]} is what {claimed[key]}.yaml asks for already:"
                " count the version up"
            )
        claimed[key] = each.name
