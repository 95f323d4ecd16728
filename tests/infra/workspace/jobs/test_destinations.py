"""Notification destinations: every type, and that no answer tells a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.workspace.gateway.errors import BadRequest, NotFound, PermissionDenied
from tests.support.jobs_room import Room

SECRET = "https://hooks.example.com/very-secret"
KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "generic_webhook": ({"url": SECRET, "username": SECRET, "password": SECRET}, "WEBHOOK"),
    "slack": ({"url": SECRET, "channel_id": SECRET, "oauth_token": SECRET}, "SLACK"),
    "microsoft_teams": (
        {"url": SECRET, "app_id": SECRET, "auth_secret": SECRET, "channel_url": SECRET, "tenant_id": SECRET},
        "MICROSOFT_TEAMS",
    ),
    "pagerduty": ({"integration_key": SECRET}, "PAGERDUTY"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_secret_is_said_to_be_set_and_never_told(room: Room, kind: str) -> None:
    destinations, (config, told) = room.jobs.notifications.destinations, KINDS[kind]
    made = destinations.create(room.admin, {"display_name": "hook", "config": {kind: config}})
    assert made == destinations.get(room.admin, made["id"])
    assert (made["destination_type"], made["config"]) == (told, {kind: {f"{name}_set": True for name in config}})
    first = next(iter(config))
    renamed = {"display_name": "renamed", "config": {kind: {first: f"{SECRET}/2"}}}
    changed = destinations.update(room.admin, made["id"], renamed)
    assert (changed["display_name"], changed["config"]) == ("renamed", made["config"])
    assert SECRET not in json.dumps([made, changed, destinations.list(room.admin)])
    kept = destinations.find(made["id"])
    assert kept
    assert kept["config"][kind] == {**config, first: f"{SECRET}/2"}
    destinations.delete(room.admin, made["id"])
    with pytest.raises(NotFound):
        destinations.get(room.admin, made["id"])


def test_addresses_of_mail_are_told_and_lists_come_in_pages(room: Room) -> None:
    destinations = room.jobs.notifications.destinations
    email = {"email": {"addresses": ["mlops@example.com"]}}
    ids = [destinations.create(room.admin, {"display_name": name, "config": email})["id"] for name in "abc"]
    assert destinations.get(room.admin, ids[0])["config"] == email
    page = destinations.list(room.admin, page_size=2)
    rest = destinations.list(room.admin, page_size=2, page_token=page["next_page_token"])
    assert [each["id"] for each in (*page["results"], *rest["results"])] == ids
    assert "next_page_token" not in rest


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"config": {"email": {"addresses": ["a@b.cz"]}}}, "needs a display_name"),
        ({"display_name": "x", "config": {}}, "exactly one config"),
        ({"display_name": "x", "config": {"email": {}, "slack": {}}}, "exactly one config"),
        ({"display_name": "x", "config": {"pigeon": {}}}, "exactly one config"),
        ({"display_name": "x", "config": {"slack": {}}}, r"config.slack needs url or oauth_token"),
        ({"display_name": "x", "config": {"generic_webhook": {"url": "ftp://a"}}}, "must be an http or https address"),
    ],
)
def test_what_no_destination_can_be_is_refused_by_name(room: Room, body: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadRequest, match=complaint):
        room.jobs.notifications.destinations.create(room.admin, body)


def test_only_admins_change_destinations(room: Room) -> None:
    someone, destinations = room.service_principal("someone"), room.jobs.notifications.destinations
    body = {"display_name": "x", "config": {"email": {"addresses": ["a@b.cz"]}}}
    with pytest.raises(PermissionDenied):
        destinations.create(someone, body)
    made = destinations.create(room.admin, body)
    assert destinations.get(someone, made["id"]) == made
    with pytest.raises(PermissionDenied):
        destinations.update(someone, made["id"], body)
    with pytest.raises(PermissionDenied):
        destinations.delete(someone, made["id"])
