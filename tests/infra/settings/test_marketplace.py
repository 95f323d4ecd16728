"""The marketplace's settings: a workspace is one entry, and a wrong one is said in words."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings import SettingsError
from infra.settings.loader import REPOSITORY, load_marketplace
from infra.settings.marketplace_settings import own_catalog, stack_name


def change(folder: Path, **values: Any) -> None:
    file = folder / "marketplace.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **values}, sort_keys=False))


def problems(folder: Path) -> str:
    with pytest.raises(SettingsError) as error:
        load_marketplace(folder)
    return str(error.value)


def test_a_workspace_is_one_entry_and_takes_the_rest_from_the_defaults(folder: Path) -> None:
    defaults = {"branch": "main", "concurrency": 3, "groups": ["readers"]}
    entries = [{"name": "east"}, {"name": "far-west", "branch": "release", "groups": [], "catalog": "lab"}]
    change(folder, defaults=defaults, workspaces=entries)
    east, west = load_marketplace(folder).sources
    assert (east.branch, east.concurrency, east.groups) == ("main", 3, ("readers",))
    # What an entry says holds, also where it is the value that nobody would have to write.
    assert (west.branch, west.concurrency, west.groups) == ("release", 3, ())
    assert (stack_name(west), own_catalog(west)) == ("marketplace-far-west", "lab")
    assert own_catalog(west.model_copy(update={"catalog": None})) == "marketplace_far_west"


def test_two_entries_of_one_name_are_refused(folder: Path) -> None:
    change(folder, workspaces=[{"name": "east"}, {"name": "east"}])
    assert "two have the name east" in problems(folder)


@pytest.mark.parametrize("name", ["hub", "open-source"])
def test_the_marketplaces_own_names_are_taken(folder: Path, name: str) -> None:
    change(folder, workspaces=[{"name": name}])
    assert f"the name {name} is taken by the marketplace itself" in problems(folder)


@pytest.mark.parametrize("name", ["East", "east.1", "1east", "a" * 41, "east_1"])
def test_a_name_is_one_that_schemas_models_and_folders_can_bear(folder: Path, name: str) -> None:
    change(folder, workspaces=[{"name": name}])
    assert "workspaces.0.name" in problems(folder)


@pytest.mark.parametrize(
    ("naming", "said"),
    [
        ("{model}", "expected {workspace} and {model}"),
        ("{workspace}", "expected {workspace} and {model}"),
        ("{workspace}__{modle}", "unknown {modle}"),
    ],
)
def test_names_in_the_hub_cannot_collide(folder: Path, naming: str, said: str) -> None:
    change(folder, hub={"naming": naming})
    assert said in problems(folder)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"model": "a__b", "deploy": "batch"}, "batch: expected together with 'deploy: batch'"),
        ({"model": "a__b", "batch": {"input": "c.s.i", "output": "c.s.o"}}, "batch: expected together"),
        ({"model": "a__b", "deploy": "batch", "batch": {"input": "c.i", "output": "c.s.o"}}, "workspaces.0.wanted.0"),
        ({"model": "c.s.a__b"}, "without catalog and schema"),
    ],
)
def test_a_wanted_model_says_what_it_needs(folder: Path, wanted: dict[str, Any], said: str) -> None:
    change(folder, workspaces=[{"name": "east", "wanted": [wanted]}])
    assert said in problems(folder)


def test_two_wanted_models_cannot_have_one_name(folder: Path) -> None:
    wanted = [{"model": "a__risk", "name": "risk"}, {"model": "b__risk", "name": "risk"}]
    change(folder, workspaces=[{"name": "east", "wanted": wanted}])
    assert "two would be called risk" in problems(folder)


def test_a_credential_that_is_to_be_made_must_be_given(folder: Path) -> None:
    change(folder, workspaces=[{"name": "east", "makes_credential": True}])
    assert "archive.credential: a workspace makes it, and it is not given" in problems(folder)


@pytest.mark.parametrize("url", ["models/archive", "ftp://models/archive", "s3://"])
def test_the_archive_is_a_folder_of_object_storage(folder: Path, url: str) -> None:
    change(folder, archive={"url": url})
    assert "archive.url" in problems(folder)


def test_libraries_have_the_versions_of_the_lock_file() -> None:
    """What a cluster installs is what the tests ran with."""
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text())
    locked = {package["name"]: package["version"] for package in lock["package"]}
    for each in load_marketplace().values.libraries:
        name, _, version = each.partition("==")
        assert locked[name] == version
