"""The settings' backends as things that can be made and removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from ci.bootstrap.cloud import CloudCommand, Say
from ci.bootstrap.state.azure import AzureContainer
from ci.bootstrap.state.gcs import GcsBucket
from ci.bootstrap.state.local import LocalFolder
from ci.bootstrap.state.s3 import S3Bucket
from infra.settings import Settings
from infra.settings.backends import AzureState, Backend, GcsState, LocalState, S3State

_LOGINS = {"az": "az login", "aws": "aws sso login (or AWS_PROFILE)", "gcloud": "gcloud auth login"}


class StateStore(Protocol):
    """Where states are kept."""

    name: str
    remote: bool
    """Whether it must be there before Terraform can plan."""

    def exists(self) -> bool:
        """Whether it is there."""

    def ensure(self) -> list[str]:
        """Makes it, or puts it right; returns what was done, nothing where all is well."""

    def remove(self, states: frozenset[str]) -> list[str]:
        """Removes it if it holds nothing but these states, which are empty; returns what was done."""


def state_name(settings: Settings, stack: str) -> str:
    """How a store calls a stack's state, without the ending."""
    backend, key = settings.values.backend, settings.state_key(stack)
    return key if isinstance(backend, LocalState) else f"{backend.prefix}/{key}"


def stores(environments: Iterable[Settings], root: Path, say: Say, *, dry_run: bool) -> Mapping[str, StateStore]:
    """Each store once, by the names of the environments that keep their state there (dev, staging)."""
    sharing: dict[Backend, list[str]] = {}
    for settings in environments:
        backend = settings.values.backend
        place = backend if isinstance(backend, LocalState) else backend.model_copy(update={"prefix": "branchline"})
        sharing.setdefault(place, []).append(settings.environment)
    return {", ".join(names): _store(backend, root, say, dry_run) for backend, names in sharing.items()}


def _store(backend: Backend, root: Path, say: Say, dry_run: bool) -> StateStore:
    def command(program: str) -> CloudCommand:
        return CloudCommand(program, _LOGINS[program], say, dry_run=dry_run)

    match backend:
        case LocalState():
            return LocalFolder(backend, root, dry_run=dry_run)
        case AzureState():
            return AzureContainer(backend, command("az"))
        case S3State():
            return S3Bucket(backend, command("aws"))
        case GcsState():
            return GcsBucket(backend, command("gcloud"))
