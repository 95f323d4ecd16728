"""State in an S3 bucket, with `aws`."""

from __future__ import annotations

import json
from typing import Any

from ci.bootstrap.cloud import CloudCommand
from ci.errors import Trouble
from infra.settings.backends import S3State

_BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_WITHOUT_CONSTRAINT = "us-east-1"  # S3 takes no location for its oldest region
_DELETED_AT_ONCE = 1000


class S3Bucket:
    """The bucket: versioned, encrypted, closed to the public; and the lock table where the settings name one."""

    remote = True

    def __init__(self, backend: S3State, aws: CloudCommand) -> None:
        self.name = backend.bucket
        self._backend = backend
        self._aws = aws
        self._bucket = ("--bucket", backend.bucket)
        self._common = ("--region", backend.region, "--output", "json")

    def exists(self) -> bool:
        """Whether the bucket is there."""
        self._aws.require_login("sts", "get-caller-identity", *self._common)
        return self._ask("s3api", "head-bucket", *self._bucket) is not None

    def ensure(self) -> list[str]:
        """Makes what is missing and puts right what is less safe than it must be; returns the commands that did."""
        if not self.exists():
            region = self._backend.region
            place = ("--create-bucket-configuration", f"LocationConstraint={region}")
            self._do("s3api", "create-bucket", *self._bucket, *(() if region == _WITHOUT_CONSTRAINT else place))
        self._ensure_safety()
        self._ensure_lock_table()
        return self._aws.changes

    def remove(self, states: frozenset[str]) -> list[str]:
        """Removes the bucket with every version of empty `states`; raises Trouble where anything else is in it."""
        if self.exists():
            known = {f"{state}.tfstate" for state in states}
            present = self._ask("s3api", "list-objects-v2", *self._bucket) or {}
            strange = sorted(item["Key"] for item in present.get("Contents", []) if item["Key"] not in known)
            if strange:
                raise Trouble(f"bucket {self.name} is not empty, it is left as it is: {', '.join(strange)}")
            self._remove_versions()
            self._do("s3api", "delete-bucket", *self._bucket)
        table = self._table()
        if table and self._ask("dynamodb", "describe-table", *table) is not None:
            self._do("dynamodb", "delete-table", *table)
        return self._aws.changes

    def _ensure_safety(self) -> None:
        versioning = self._ask("s3api", "get-bucket-versioning", *self._bucket) or {}
        if versioning.get("Status") != "Enabled":
            enabled = ("--versioning-configuration", "Status=Enabled")
            self._do("s3api", "put-bucket-versioning", *self._bucket, *enabled)
        encryption = self._ask("s3api", "get-bucket-encryption", *self._bucket) or {}
        rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
        wanted = self._encryption()
        if wanted not in [rule.get("ApplyServerSideEncryptionByDefault") for rule in rules]:
            configuration = json.dumps({"Rules": [{"ApplyServerSideEncryptionByDefault": wanted}]})
            option = ("--server-side-encryption-configuration", configuration)
            self._do("s3api", "put-bucket-encryption", *self._bucket, *option)
        block = self._ask("s3api", "get-public-access-block", *self._bucket) or {}
        found = block.get("PublicAccessBlockConfiguration", {})
        if not all(found.get(name) is True for name in _BLOCKS):
            all_of_them = ",".join(f"{name}=true" for name in _BLOCKS)
            option = ("--public-access-block-configuration", all_of_them)
            self._do("s3api", "put-public-access-block", *self._bucket, *option)

    def _ensure_lock_table(self) -> None:
        table = self._table()
        if not table or self._ask("dynamodb", "describe-table", *table) is not None:
            return
        key = (
            *("--attribute-definitions", "AttributeName=LockID,AttributeType=S"),
            *("--key-schema", "AttributeName=LockID,KeyType=HASH"),
        )
        self._do("dynamodb", "create-table", *table, *key, "--billing-mode", "PAY_PER_REQUEST")

    def _remove_versions(self) -> None:
        """A bucket goes only once no version and no marker of a deletion is left."""
        found = self._ask("s3api", "list-object-versions", *self._bucket) or {}
        versions = [*(found.get("Versions") or []), *(found.get("DeleteMarkers") or [])]
        for start in range(0, len(versions), _DELETED_AT_ONCE):
            part = versions[start : start + _DELETED_AT_ONCE]
            objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in part]
            self._do(
                "s3api", "delete-objects", *self._bucket, "--delete", json.dumps({"Objects": objects, "Quiet": True})
            )

    def _encryption(self) -> dict[str, str]:
        if self._backend.kms_key_id:
            return {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self._backend.kms_key_id}
        return {"SSEAlgorithm": "AES256"}

    def _table(self) -> tuple[str, ...]:
        return ("--table-name", self._backend.dynamodb_table) if self._backend.dynamodb_table else ()

    def _ask(self, *arguments: str) -> Any:
        return self._aws.ask(*arguments, *self._common)

    def _do(self, *arguments: str) -> None:
        self._aws.do(*arguments, *self._common)
