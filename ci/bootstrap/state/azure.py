"""State in an Azure storage container, with `az`."""

from __future__ import annotations

from typing import Any

from ci.bootstrap.cloud import CloudCommand
from ci.errors import Trouble
from infra.settings.backends import AzureState

_ROLE = "Storage Blob Data Contributor"
_DAYS = "30"


class AzureContainer:
    """Resource group, storage account, container, and the role that Terraform needs on it."""

    remote = True

    def __init__(self, backend: AzureState, az: CloudCommand) -> None:
        self.name = f"{backend.storage_account_name}/{backend.container_name}"
        self._backend = backend
        self._az = az
        subscription = ("--subscription", backend.subscription_id) if backend.subscription_id else ()
        self._common = (*subscription, "--output", "json")
        self._group = ("--resource-group", backend.resource_group_name)
        self._account = ("--account-name", backend.storage_account_name)

    def exists(self) -> bool:
        """Whether the container is there."""
        self._az.require_login("account", "show", *self._common)
        return self._ask("storage", "container-rm", "show", *self._container()) is not None

    def ensure(self) -> list[str]:
        """Makes what is missing and puts right what is less safe than it must be; returns the commands that did."""
        who = self._az.require_login("account", "show", *self._common)
        self._ensure_group()
        account = self._ensure_account()
        self._ensure_recovery()
        if self._ask("storage", "container-rm", "show", *self._container()) is None:
            self._do("storage", "container-rm", "create", *self._container(), "--public-access", "off")
        self._ensure_role(who, account)
        return self._az.changes

    def remove(self, states: frozenset[str]) -> list[str]:
        """Removes the container if there is nothing but empty `states` in it, then what is empty without it."""
        if self.exists():
            container = ("--container-name", self._backend.container_name)
            options = (*container, *self._account, "--auth-mode", "login", "--num-results", "*")
            blobs = self._ask("storage", "blob", "list", *options) or []
            known = {f"{state}.tfstate" for state in states}
            strange = sorted(blob["name"] for blob in blobs if blob["name"] not in known)
            if strange:
                raise Trouble(f"container {self.name} is not empty, it is left as it is: {', '.join(strange)}")
            self._do("storage", "container-rm", "delete", *self._container(), "--yes")
        self._remove_account_and_group()
        return self._az.changes

    def _ensure_group(self) -> None:
        name = ("--name", self._backend.resource_group_name)
        if self._ask("group", "show", *name) is None:
            self._do("group", "create", *name, "--location", self._location())

    def _ensure_account(self) -> dict[str, Any]:
        name = ("--name", self._backend.storage_account_name, *self._group)
        safe = ("--allow-blob-public-access", "false", "--min-tls-version", "TLS1_2", "--https-only", "true")
        account = self._ask("storage", "account", "show", *name)
        if account is None:
            kind = ("--kind", "StorageV2", "--sku", "Standard_GRS")
            self._do("storage", "account", "create", *name, "--location", self._location(), *kind, *safe)
            account = self._ask("storage", "account", "show", *name) if not self._az.dry_run else {}
        elif not (
            account.get("allowBlobPublicAccess") is False
            and account.get("minimumTlsVersion") in ("TLS1_2", "TLS1_3")
            and account.get("enableHttpsTrafficOnly") is True
        ):
            self._do("storage", "account", "update", *name, *safe)
        return account or {}

    def _ensure_recovery(self) -> None:
        """Versions, and a month in which what was deleted comes back."""
        service = (*self._account, *self._group)
        found = self._ask("storage", "account", "blob-service-properties", "show", *service) or {}
        kept = [found.get(name) or {} for name in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy")]
        if found.get("isVersioningEnabled") is True and all(policy.get("enabled") for policy in kept):
            return
        blobs = ("--enable-delete-retention", "true", "--delete-retention-days", _DAYS)
        containers = ("--enable-container-delete-retention", "true", "--container-delete-retention-days", _DAYS)
        wanted = ("--enable-versioning", "true", *blobs, *containers)
        self._do("storage", "account", "blob-service-properties", "update", *service, *wanted)

    def _ensure_role(self, who: Any, account: dict[str, Any]) -> None:
        """Whoever runs this may read and write states; owners of a subscription may not by themselves."""
        user = (who or {}).get("user") or {}
        is_user = user.get("type", "user") == "user"
        if is_user:
            me = self._az.ask("ad", "signed-in-user", "show", "--output", "json")
        else:
            me = self._az.ask("ad", "sp", "show", "--id", str(user.get("name", "")), "--output", "json")
        object_id = (me or {}).get("id", "<your object id>")
        account_id = account.get("id", f"<id of {self._backend.storage_account_name}>")
        scope = f"{account_id}/blobServices/default/containers/{self._backend.container_name}"
        role = ("--role", _ROLE, "--scope", scope)
        if self._ask("role", "assignment", "list", "--assignee", object_id, *role, "--include-inherited"):
            return
        kind = ("--assignee-principal-type", "User" if is_user else "ServicePrincipal")
        self._do("role", "assignment", "create", "--assignee-object-id", object_id, *kind, *role)

    def _remove_account_and_group(self) -> None:
        name = ("--name", self._backend.storage_account_name, *self._group)
        if self._ask("storage", "account", "show", *name) is not None:
            account = ("--storage-account", self._backend.storage_account_name, *self._group)
            others = [found["name"] for found in self._ask("storage", "container-rm", "list", *account) or []]
            if set(others) - {self._backend.container_name}:
                return
            self._do("storage", "account", "delete", *name, "--yes")
        group = ("--name", self._backend.resource_group_name)
        if self._ask("group", "show", *group) is not None:
            resources = [found["name"] for found in self._ask("resource", "list", *self._group) or []]
            if not set(resources) - {self._backend.storage_account_name}:
                self._do("group", "delete", *group, "--yes")

    def _container(self) -> tuple[str, ...]:
        account = ("--storage-account", self._backend.storage_account_name, *self._group)
        return ("--name", self._backend.container_name, *account)

    def _location(self) -> str:
        if self._backend.location is None:
            raise Trouble("backend.location is not set: name the Azure region to make the state's storage in")
        return self._backend.location

    def _ask(self, *arguments: str) -> Any:
        return self._az.ask(*arguments, *self._common)

    def _do(self, *arguments: str) -> None:
        self._az.do(*arguments, *self._common)
