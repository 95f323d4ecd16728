"""State in a Google Cloud Storage bucket, with `gcloud`."""

from __future__ import annotations

from typing import Any

from ci.bootstrap.cloud import CloudCommand
from ci.errors import Trouble
from infra.settings.backends import GcsState


class GcsBucket:
    """The bucket: versioned, access by role alone, closed to the public."""

    remote = True

    def __init__(self, backend: GcsState, gcloud: CloudCommand) -> None:
        self.name = f"gs://{backend.bucket}"
        self._backend = backend
        self._gcloud = gcloud
        project = ("--project", backend.project_id) if backend.project_id else ()
        self._common = (*project, "--format=json")

    def exists(self) -> bool:
        """Whether the bucket is there."""
        self._require_login()
        return self._describe() is not None

    def ensure(self) -> list[str]:
        """Makes what is missing and puts right what is less safe than it must be; returns the commands that did."""
        self._require_login()
        found = self._describe()
        if found is None:
            if self._backend.location is None:
                raise Trouble("backend.location is not set: name the region to make the state's bucket in")
            place = f"--location={self._backend.location}"
            self._do(
                "create", self.name, place, "--uniform-bucket-level-access", "--public-access-prevention", *self._key()
            )
            found = {"uniform_bucket_level_access": True, "public_access_prevention": "enforced"}
        wanted = []
        if found.get("versioning_enabled") is not True:
            wanted.append("--versioning")
        if found.get("uniform_bucket_level_access") is not True:
            wanted.append("--uniform-bucket-level-access")
        if found.get("public_access_prevention") != "enforced":
            wanted.append("--public-access-prevention")
        if wanted:
            self._do("update", self.name, *wanted)
        return self._gcloud.changes

    def remove(self, states: frozenset[str]) -> list[str]:
        """Removes the bucket with every version of empty `states`; raises Trouble where anything else is in it."""
        if not self.exists():
            return []
        listed = self._gcloud.ask("storage", "ls", "--recursive", f"{self.name}/**", "--json") or []
        known = {f"{self.name}/{state}/default.tfstate" for state in states}
        strange = sorted(item["url"] for item in listed if item["url"].partition("#")[0] not in known)
        if strange:
            raise Trouble(f"bucket {self.name} is not empty, it is left as it is: {', '.join(strange)}")
        # --recursive takes every version, and the bucket itself in the end.
        project = self._common[:-1]
        self._gcloud.do("storage", "rm", "--recursive", self.name, *project)
        return self._gcloud.changes

    def _require_login(self) -> None:
        active = ("--filter=status:ACTIVE", "--format=value(account)")
        self._gcloud.require_login("auth", "list", *active)

    def _describe(self) -> Any:
        return self._gcloud.ask("storage", "buckets", "describe", self.name, *self._common)

    def _key(self) -> tuple[str, ...]:
        key = self._backend.kms_encryption_key
        return (f"--default-encryption-key={key}",) if key else ()

    def _do(self, verb: str, *arguments: str) -> None:
        self._gcloud.do("storage", "buckets", verb, *arguments, *self._common)
