"""Git folders and credentials, on a real repository and the real workspace tree."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.files.service import FilesService
from infra.workspace.gateway.errors import AlreadyExists, ApiError, BadRequest, Conflict, NotFound, PermissionDenied
from infra.workspace.git.command import Login
from infra.workspace.git.service import GitService
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.identity.scim_json import ResourceType
from infra.workspace.identity.service import IdentityService
from infra.workspace.secrets.vault import Vault
from infra.workspace.store.database import Store

URL = "https://github.com/acme/hrob.git"
NOTEBOOK = "# Databricks notebook source\nprint(1)\n"


class NoVolumes:
    """These tests do not come near a volume."""

    def require(self, principal: Principal, securable_type: str, full_name: str, privilege: str) -> None:
        raise AssertionError(full_name)

    def get_volume(self, principal: Principal, full_name: str) -> dict[str, Any]:
        raise AssertionError(full_name)


@dataclass
class Room:
    store: Store
    identity: IdentityService
    permissions: Permissions
    files: FilesService
    config: WorkspaceConfig
    admin: Principal

    def git(self) -> GitService:
        vault = Vault(self.config.data_dir / "vault.key")
        return GitService(self.store, self.identity, self.permissions, vault, self.files, self.config)

    def user(self, name: str) -> Principal:
        self.identity.scim.create(self.admin, ResourceType.USERS, {"userName": name})
        return self.identity.find(name)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with main (tagged v1) and dev, which lacks one file, has another, and a notebook made a file."""
    folder = tmp_path / "origin"
    folder.mkdir()

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)

    git("init", "-b", "main")
    (folder / "src").mkdir()
    (folder / "src" / "a.txt").write_text("one")
    (folder / "nb.py").write_text(NOTEBOOK)
    (folder / "link").symlink_to("/etc/hostname")
    git("add", ".")
    git("commit", "-m", "one")
    git("tag", "v1")
    git("checkout", "-b", "dev")
    (folder / "src" / "a.txt").unlink()
    (folder / "nb.py").write_text("print(2)\n")
    (folder / "b.txt").write_text("two")
    git("add", "--all")
    git("commit", "-m", "two")
    git("checkout", "main")
    return folder


@pytest.fixture
def room(tmp_path: Path, origin: Path) -> Room:
    config = WorkspaceConfig(tmp_path / "data", 1, 1, 1, repos={URL: str(origin)})
    config.data_dir.mkdir()
    store, clock = Store(config.data_dir / "workspace.db"), Clock()
    identity = IdentityService(store, clock)
    permissions = Permissions(store, identity)
    files = FilesService(store, clock, permissions, NoVolumes(), config)
    admin = identity.authenticate(identity.bootstrap("ada@example.org"))
    return Room(store, identity, permissions, files, config, admin)


@pytest.fixture
def git(room: Room) -> GitService:
    return room.git()


def objects(room: Room, path: str) -> dict[str, str]:
    return {node.path.removeprefix(path): node.object_type for node in room.files.tree.below(path)}


def clones(room: Room) -> list[Path]:
    return list((room.config.data_dir / "repos").iterdir())


def test_a_repo_is_cloned_shown_in_the_tree_and_follows_branches_and_tags(
    git: GitService, room: Room, origin: Path
) -> None:
    room.files.mkdirs(room.admin, "/Repos/team")
    made = git.create_repo(room.admin, {"url": URL, "provider": "gitHub", "path": "/Repos/team/hrob"})
    main = subprocess.check_output(["git", "rev-parse", "main"], cwd=origin, text=True).strip()
    assert made == {
        "id": made["id"],
        "url": URL,
        "provider": "gitHub",
        "path": "/Repos/team/hrob",
        "branch": "main",
        "head_commit_id": main,
    }
    repo_id = str(made["id"])
    assert room.files.get_status(room.admin, "/Repos/team/hrob")["object_type"] == "REPO"
    assert objects(room, "/Repos/team/hrob") == {"/src": "DIRECTORY", "/src/a.txt": "FILE", "/nb": "NOTEBOOK"}
    git.update_repo(room.admin, repo_id, {"branch": "dev"})
    assert git.get_repo(room.admin, repo_id)["branch"] == "dev"
    assert objects(room, "/Repos/team/hrob") == {"/b.txt": "FILE", "/nb.py": "FILE"}
    git.update_repo(room.admin, repo_id, {"tag": "v1"})
    on_tag = git.get_repo(room.admin, repo_id)
    assert "branch" not in on_tag
    assert on_tag["head_commit_id"] == main
    assert objects(room, "/Repos/team/hrob") == {"/src": "DIRECTORY", "/src/a.txt": "FILE", "/nb": "NOTEBOOK"}
    git.delete_repo(room.admin, repo_id)
    with pytest.raises(NotFound):
        git.get_repo(room.admin, repo_id)
    assert clones(room) == []
    assert room.files.tree.find("/Repos/team/hrob") is None


def test_a_branch_moves_to_its_newest_commit(git: GitService, room: Room, origin: Path) -> None:
    repo_id = str(git.create_repo(room.admin, {"url": URL, "provider": "gitHub"})["id"])
    (origin / "new.txt").write_text("new")
    commit = ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-m", "three")
    for arguments in (("add", "new.txt"), commit):
        subprocess.run(["git", *arguments], cwd=origin, check=True, capture_output=True)
    git.update_repo(room.admin, repo_id, {"branch": "main"})
    path = git.get_repo(room.admin, repo_id)["path"]
    assert path == "/Repos/ada@example.org/hrob"
    assert room.files.tree.find(f"{path}/new.txt") is not None


def test_a_sparse_checkout_holds_only_its_folders(git: GitService, room: Room) -> None:
    body = {"url": URL, "provider": "github", "path": "/Shared/hrob", "sparse_checkout": {"patterns": ["none"]}}
    made = git.create_repo(room.admin, body)
    assert made["sparse_checkout"] == {"patterns": ["none"]}
    assert objects(room, "/Shared/hrob") == {"/nb": "NOTEBOOK"}
    git.update_repo(room.admin, str(made["id"]), {"sparse_checkout": {"patterns": ["src"]}})
    assert "/src/a.txt" in objects(room, "/Shared/hrob")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"url": "file:///etc"}, BadRequest),
        ({"url": "ext::sh -c true"}, BadRequest),
        ({"url": "https://u:secret@github.com/acme/hrob"}, BadRequest),
        ({"provider": "sourceforge"}, BadRequest),
        ({"path": "/Repos/hrob"}, BadRequest),
        ({"path": "/Shared/none/hrob"}, NotFound),
        ({"path": "/Shared"}, AlreadyExists),
        ({"url": "https://127.0.0.1:1/acme/none.git"}, BadRequest),
    ],
)
def test_a_refused_repo_leaves_nothing(
    git: GitService, room: Room, body: dict[str, Any], error: type[ApiError]
) -> None:
    with pytest.raises(error) as refused:
        git.create_repo(room.admin, {"url": URL, "provider": "gitHub", "path": "/Shared/hrob", **body})
    assert "secret" not in refused.value.message
    assert git.list_repos(room.admin) == {"repos": []}
    assert clones(room) == []


def test_a_branch_that_does_not_exist_changes_nothing(git: GitService, room: Room) -> None:
    made = git.create_repo(room.admin, {"url": URL, "provider": "gitHub"})
    for body in ({"branch": "none"}, {"tag": "none"}, {"branch": "--force"}):
        with pytest.raises(BadRequest, match="the remote has no"):
            git.update_repo(room.admin, str(made["id"]), body)
    assert git.get_repo(room.admin, str(made["id"])) == made


def test_others_need_a_permission_on_the_repo(git: GitService, room: Room) -> None:
    bea = room.user("bea@example.org")
    repo_id = str(git.create_repo(room.admin, {"url": URL, "provider": "gitHub", "path": "/Shared/hrob"})["id"])
    with pytest.raises(PermissionDenied):
        git.get_repo(bea, repo_id)
    entry = {"access_control_list": [{"user_name": bea.name, "permission_level": "CAN_READ"}]}
    room.permissions.set_permissions(room.admin, "repos", repo_id, entry)
    assert git.get_repo(bea, repo_id)["branch"] == "main"
    for change in (lambda: git.update_repo(bea, repo_id, {"branch": "dev"}), lambda: git.delete_repo(bea, repo_id)):
        with pytest.raises(PermissionDenied):
            change()
    assert git.list_repos(bea) == {"repos": []}
    assert [repo["path"] for repo in git.list_repos(room.admin, "/Shared")["repos"]] == ["/Shared/hrob"]
    assert git.list_repos(room.admin, "/Repos") == {"repos": []}


def test_what_a_kill_left_of_a_clone_is_gone_after_the_next_start(room: Room) -> None:
    git = room.git()
    made = git.create_repo(room.admin, {"url": URL, "provider": "gitHub", "path": "/Shared/hrob"})
    kept = clones(room)
    (room.config.data_dir / "repos" / "half").mkdir()
    assert room.git().get_repo(room.admin, str(made["id"])) == made
    assert clones(room) == kept


def credential(git: GitService, principal: Principal, **fields: Any) -> dict[str, Any]:
    body = {"git_provider": "gitHub", "git_username": "bot", "personal_access_token": "pat-of-the-bot", **fields}
    return git.credentials.create_credentials(principal, body)


def test_credentials_are_kept_sealed_and_answered_without_their_token(git: GitService, room: Room) -> None:
    made = credential(git, room.admin)
    expected = {"git_provider": "gitHub", "git_username": "bot", "is_default_for_provider": True}
    assert made == {"credential_id": made["credential_id"], **expected}
    git.credentials.update_credentials(
        room.admin, made["credential_id"], {"git_provider": "gitHub", "git_username": "other"}
    )
    assert git.credentials.list_credentials(room.admin) == {"credentials": [{**made, "git_username": "other"}]}
    assert git.credentials.login(room.admin, "github") == Login("other", "pat-of-the-bot")
    for file in room.config.data_dir.iterdir():
        assert file.is_dir() or b"pat-of-the-bot" not in file.read_bytes()
    git.credentials.delete_credentials(room.admin, made["credential_id"])
    with pytest.raises(NotFound):
        git.credentials.get_credentials(room.admin, made["credential_id"])
    assert git.credentials.login(room.admin, "gitHub") is None


def test_a_second_credential_of_a_provider_needs_a_name_and_may_become_the_default(git: GitService, room: Room) -> None:
    first = credential(git, room.admin)
    with pytest.raises(Conflict):
        credential(git, room.admin, git_provider="GITHUB")
    second = credential(git, room.admin, name="release", git_username="releaser", is_default_for_provider=True)
    defaults = {
        item["credential_id"]: item["is_default_for_provider"]
        for item in git.credentials.list_credentials(room.admin)["credentials"]
    }
    assert defaults == {first["credential_id"]: False, second["credential_id"]: True}
    login = git.credentials.login(room.admin, "gitHub")
    assert login is not None
    assert login.username == "releaser"


def test_a_service_principal_s_credentials_are_its_own_and_its_managers(git: GitService, room: Room) -> None:
    made = room.identity.scim.create(room.admin, ResourceType.SERVICE_PRINCIPALS, {"displayName": "robot"})
    robot, bea = room.identity.find(made["applicationId"]), room.user("bea@example.org")
    kept = credential(git, room.admin, principal_id=robot.id)
    assert git.credentials.get_credentials(robot, kept["credential_id"]) == kept
    assert git.credentials.list_credentials(room.admin) == {"credentials": []}
    calls: list[Callable[[], object]] = [
        lambda: credential(git, bea, principal_id=robot.id),
        lambda: git.credentials.list_credentials(bea, robot.id),
        lambda: git.credentials.delete_credentials(bea, kept["credential_id"], robot.id),
    ]
    for call in calls:
        with pytest.raises(PermissionDenied):
            call()
    with pytest.raises(NotFound):
        git.credentials.get_credentials(bea, kept["credential_id"])
