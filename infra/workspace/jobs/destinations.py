"""Notification destinations: where webhooks of jobs and subscriptions of alerts lead to; secrets are never told."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from infra.workspace.compute.messages import parse
from infra.workspace.gateway.errors import BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.principal import Principal
from infra.workspace.jobs.paging import page_of
from infra.workspace.store.database import Store
from infra.workspace.store.documents import Documents

Body = Mapping[str, Any]

_TYPES = {
    "generic_webhook": "WEBHOOK",
    "slack": "SLACK",
    "microsoft_teams": "MICROSOFT_TEAMS",
    "pagerduty": "PAGERDUTY",
    "email": "EMAIL",
}
_NEEDED = {
    "generic_webhook": ("url",),
    "slack": ("url", "oauth_token"),
    "microsoft_teams": ("url", "channel_url"),
    "pagerduty": ("integration_key",),
    "email": ("addresses",),
}
_SECRETS = {
    "generic_webhook": ("url", "username", "password"),
    "slack": ("url", "channel_id", "oauth_token"),
    "microsoft_teams": ("url", "app_id", "auth_secret", "channel_url", "tenant_id"),
    "pagerduty": ("integration_key",),
    "email": (),
}
_LARGEST_PAGE = 100


class Destinations:
    """The notification destinations of a workspace; only its admins change them."""

    def __init__(self, store: Store) -> None:
        self._destinations = Documents(store, "notification-destination")

    def create(self, principal: Principal, body: Body) -> dict[str, Any]:
        _admin_only(principal)
        destination = {**_checked(body.get("display_name"), _config(body.get("config"))), "id": str(uuid.uuid4())}
        self._destinations.put(destination["id"], destination)
        return _masked(destination)

    def get(self, principal: Principal, destination_id: str) -> dict[str, Any]:
        return _masked(self._known(destination_id))

    def list(self, principal: Principal, page_size: int | None = None, page_token: str | None = None) -> dict[str, Any]:
        page, paging = page_of(self._destinations.all(), page_size or _LARGEST_PAGE, 0, page_token, _LARGEST_PAGE)
        shown = [{key: item[key] for key in ("id", "display_name", "destination_type")} for item in page]
        following = paging.get("next_page_token")
        return {"results": shown, **({"next_page_token": following} if following else {})}

    def update(self, principal: Principal, destination_id: str, body: Body) -> dict[str, Any]:
        """Changes name or config or both; a secret that a config of the same type does not carry stays as it was."""
        _admin_only(principal)
        current = self._known(destination_id)
        if body.get("display_name") is None and body.get("config") is None:
            raise BadRequest("an update of a notification destination needs display_name or config")
        config = current["config"]
        if body.get("config") is not None:
            config = _keeping_secrets(config, _config(body["config"]))
        changed = {**_checked(body.get("display_name", current["display_name"]), config), "id": destination_id}
        self._destinations.put(destination_id, changed)
        return _masked(changed)

    def delete(self, principal: Principal, destination_id: str) -> dict[str, Any]:
        _admin_only(principal)
        self._known(destination_id)
        self._destinations.delete(destination_id)
        return {}

    def find(self, destination_id: str) -> dict[str, Any] | None:
        """A destination with its secrets, for those who send."""
        return self._destinations.get(destination_id)

    def require_known(self, ids: Iterable[object]) -> None:
        """Raises BadRequest for the first id that is no destination's."""
        for each in ids:
            if self._destinations.get(each) is None:
                raise BadRequest(f"There is no notification destination {each!r}.")

    def _known(self, destination_id: str) -> dict[str, Any]:
        found = self._destinations.get(destination_id)
        if found is None:
            raise NotFound(f"Notification destination {destination_id} does not exist.")
        return found


def _config(config: object) -> dict[str, Any]:
    """The config with the fields that Databricks knows; exactly one type."""
    known = parse("settings.Config", config) if isinstance(config, Mapping) else {}
    kinds = [kind for kind in known if kind in _TYPES]
    if len(kinds) != 1 or len(known) != 1:
        raise BadRequest(f"a notification destination needs exactly one config of {', '.join(_TYPES)}")
    fields = {key: value for key, value in known[kinds[0]].items() if not key.endswith("_set")}
    return {kinds[0]: fields}


def _checked(name: object, config: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(name, str) or not name:
        raise BadRequest("a notification destination needs a display_name")
    kind, fields = next(iter(config.items()))
    if not any(fields.get(needed) for needed in _NEEDED[kind]):
        raise BadRequest(f"config.{kind} needs {' or '.join(_NEEDED[kind])}")
    url = fields.get("url")
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise BadRequest(f"config.{kind}.url must be an http or https address")
    return {"display_name": name, "config": config, "destination_type": _TYPES[kind]}


def _keeping_secrets(old: Body, new: dict[str, Any]) -> dict[str, Any]:
    kind, fields = next(iter(new.items()))
    kept = {key: old.get(kind, {}).get(key) for key in _SECRETS[kind]}
    return {kind: {**{key: value for key, value in kept.items() if value}, **fields}}


def _masked(destination: Body) -> dict[str, Any]:
    """As it is shown: that a secret is set, never the secret."""
    kind, config = next(iter(destination["config"].items()))
    shown = {key: value for key, value in config.items() if key not in _SECRETS[kind]}
    shown.update({f"{key}_set": True for key in _SECRETS[kind] if config.get(key)})
    return {**destination, "config": {kind: shown}}


def _admin_only(principal: Principal) -> None:
    if not principal.admin:
        raise PermissionDenied("Only workspace admins may change notification destinations.")
