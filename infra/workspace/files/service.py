"""The workspace tree, with its access control: directories, notebooks, files and the experiments among them."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from infra.workspace.config import WorkspaceConfig
from infra.workspace.control.clock import Clock
from infra.workspace.files import notebooks, paths
from infra.workspace.files.dbfs import Dbfs, decoded
from infra.workspace.files.tree import PERMISSION_TYPES, Node, Tree, number_of
from infra.workspace.files.volumes import VolumeFiles, Volumes
from infra.workspace.gateway.errors import AlreadyExists, BadRequest, NotFound, PermissionDenied
from infra.workspace.identity.permissions import Permissions
from infra.workspace.identity.principal import Principal
from infra.workspace.store.database import Store

# Everyone sees these, but not all that is in them; and everyone may put something into /Shared. On Databricks what lies
# in /Shared belongs to everyone: here it belongs to who made it, so that a rehearsal never relies on that.
_OPEN = frozenset({"/", "/Users", "/Shared", "/Repos"})
_SHARED = "/Shared"
_MAX_IMPORT = 10 * 1024 * 1024
_OBJECT_TYPES = {word: object_type for object_type, word in PERMISSION_TYPES.items()}

Removed = Callable[[Principal, Node], None]
Exported = Callable[[Node], bytes]
# A deleted experiment can be restored and a dashboard lies in the trash: with their permissions.
_KEEP_PERMISSIONS = frozenset({"MLFLOW_EXPERIMENT", "DASHBOARD"})


class FilesService:
    """Workspace objects by path; `volumes` holds the Files API and `dbfs` DBFS."""

    def __init__(
        self, store: Store, clock: Clock, permissions: Permissions, catalog: Volumes, config: WorkspaceConfig
    ) -> None:
        self._store = store
        self._permissions = permissions
        self.tree = Tree(store, clock, config.folder("workspace-files"))
        drafts = config.folder("uploads")
        for left_behind in drafts.iterdir():
            left_behind.unlink()
        self.volumes = VolumeFiles(catalog, drafts)
        self.dbfs = Dbfs(store, self.volumes, config.folder("dbfs"), drafts)
        self._before_removal: dict[str, Removed] = {}
        self._exports: dict[str, Exported] = {}
        self._homes: set[str] = set()
        permissions.parent_of = self.parent_of
        for object_type, word in PERMISSION_TYPES.items():
            permissions.register_type(word, lambda id, kind=object_type: self._numbered(kind, id) is not None)  # type: ignore[misc]  # mypy cannot type a lambda's default

    def before_removal(self, object_type: str, handler: Removed) -> None:
        """Calls `handler`, which must be safe to repeat, for each object of that type before it goes."""
        self._before_removal[object_type] = handler

    def export_as(self, object_type: str, contents: Exported) -> None:
        """Makes objects of that type exportable as the files that `contents` gives."""
        self._exports[object_type] = contents

    def parent_of(self, object_type: str, object_id: str) -> tuple[str, str] | None:
        """The directory, as the Permissions API names it, from which an object inherits; None above the root."""
        node = self._numbered(_OBJECT_TYPES.get(object_type, ""), object_id)
        if node is None or node.path == "/":
            return None
        parent = self.tree.find(paths.parent_of(node.path))
        return (parent.permission_type, parent.resource_id) if parent else None

    def require(self, principal: Principal, node: Node, level: str) -> None:
        """Raises PermissionDenied unless the principal holds the level on the object, or inherits it."""
        if level == "CAN_READ" and node.path in _OPEN:
            return
        if not self._permissions.allows(principal, node.permission_type, node.resource_id, level):
            raise PermissionDenied(f"{principal.name} does not have {level} permissions on {node.path}")

    def require_parent(self, principal: Principal, path: str) -> None:
        """Raises unless the directory of a path exists and the principal may make things in it."""
        parent = self.tree.find(paths.parent_of(path))
        if parent is None:
            # Terraform's provider makes the parents when it meets these very words.
            raise NotFound(f"The parent folder {paths.parent_of(path)} does not exist.")
        if not parent.container:
            raise BadRequest(f"{parent.path} is not a directory")
        if parent.path != _SHARED:
            self.require(principal, parent, "CAN_MANAGE")

    def get_status(self, principal: Principal, path: str) -> dict[str, Any]:
        return _as_asked(path, self._readable(principal, path))

    def list(self, principal: Principal, path: str) -> dict[str, Any]:
        """What the principal may see of a directory; a path that is not one lists itself."""
        node = self._readable(principal, path)
        if not node.container:
            return {"objects": [_as_asked(path, node)]}
        seen = [_as_asked(path, child) for child in self.tree.children(node.path) if self._may_read(principal, child)]
        return {"objects": seen} if seen else {}

    def files(self, principal: Principal) -> Sequence[Node]:
        """All files of the tree (not notebooks) that the principal may read."""
        return [node for node in self.tree.below("/") if node.object_type == "FILE" and self._may_read(principal, node)]

    def mkdirs(self, principal: Principal, path: str) -> dict[str, Any]:
        """Makes a directory and those above it; one that exists is left as it is."""
        path = self._own(principal, path)
        with self._store.write():
            missing = []
            for place in (path, *paths.ancestors(path)):
                node = self.tree.find(place)
                if node is not None:
                    break
                missing.append(place)
            if node is None or not node.container:
                raise AlreadyExists(f"Cannot create directory {path}: an object exists at {place}")
            if missing:
                self.require_parent(principal, missing[-1])
            for place in reversed(missing):
                self.add(principal, place, "DIRECTORY")
        return {}

    def add(self, principal: Principal, path: str, object_type: str, object_id: int | None = None) -> Node:
        """Adds an object that belongs to the principal; the caller has checked that it may."""
        try:
            with self._store.write():
                node = self.tree.add(path, object_type, object_id=object_id)
                self._permissions.grant_owner(node.permission_type, node.resource_id, principal)
                return node
        except sqlite3.IntegrityError as error:
            raise _exists(path) from error

    def import_object(
        self,
        principal: Principal,
        path: str,
        data: bytes,
        format: str = "SOURCE",
        language: str | None = None,
        overwrite: bool = False,
    ) -> dict[str, Any]:
        """Stores a notebook or file; one that is replaced keeps its id and permissions."""
        if len(data) > _MAX_IMPORT:
            raise BadRequest(f"an import may have at most {_MAX_IMPORT} bytes; use workspace-files/import-file")
        return self._import(principal, path, data, format, language, overwrite)

    def import_file(self, principal: Principal, path: str, data: bytes, overwrite: bool) -> dict[str, Any]:
        """As `import_object` in format AUTO, without the limit on size."""
        return self._import(principal, path, data, "AUTO", None, overwrite)

    def export(self, principal: Principal, path: str, format: str = "SOURCE") -> dict[str, Any]:
        """An object's contents in base64, with the extension that belongs to them."""
        node, data = self._exported(principal, path, format)
        answer = {"content": base64.b64encode(data).decode()}
        return (
            answer
            if node.object_type != "NOTEBOOK"
            else {**answer, "file_type": notebooks.file_type(node.language, node.format)}
        )

    def export_raw(self, principal: Principal, path: str, format: str = "SOURCE") -> bytes:
        return self._exported(principal, path, format)[1]

    def delete(self, principal: Principal, path: str, recursive: bool) -> dict[str, Any]:
        """Deletes an object; a directory that holds something only if `recursive`."""
        node = self._existing(principal, path)
        if node.path in _OPEN:
            raise BadRequest(f"{node.path} cannot be deleted")
        self.require(principal, node, "CAN_MANAGE")
        below = self.tree.below(node.path)
        if below and not recursive:
            raise BadRequest(f"Folder {node.path} is not empty", "DIRECTORY_NOT_EMPTY")
        for gone in (*below, node):
            if gone.object_type in self._before_removal:
                self._before_removal[gone.object_type](principal, gone)
        with self._store.write():
            for gone in (*below, node):
                self.tree.remove(gone)
                if gone.object_type not in _KEEP_PERMISSIONS:
                    self._permissions.forget(gone.permission_type, gone.resource_id)
        for gone in (*below, node):
            self.tree.drop_content(gone)
        return {}

    def content(self, encoded: str) -> bytes:
        return decoded(encoded)

    def _import(
        self, principal: Principal, path: str, data: bytes, format: str, language: str | None, overwrite: bool
    ) -> dict[str, Any]:
        path = self._own(principal, path)
        what = notebooks.classify(path, data, format, language)
        node = self.tree.find(what.path)
        if node is None:
            self.require_parent(principal, what.path)
            return {"object_id": self._add_content(principal, what, data).object_id}
        self.require(principal, node, "CAN_EDIT")
        if not overwrite:
            raise _exists(what.path)
        if node.object_type != what.object_type:
            raise BadRequest(
                f"Cannot overwrite the asset at {what.path} due to type mismatch (asked: {what.object_type})"
            )
        self.tree.replace(node, data, what.language, what.format)
        return {"object_id": node.object_id}

    def _add_content(self, principal: Principal, what: notebooks.Import, data: bytes) -> Node:
        try:
            with self._store.write():
                node = self.tree.add(what.path, what.object_type, language=what.language, format=what.format, data=data)
                self._permissions.grant_owner(node.permission_type, node.resource_id, principal)
                return node
        except sqlite3.IntegrityError as error:
            raise _exists(what.path) from error

    def _exported(self, principal: Principal, path: str, format: str) -> tuple[Node, bytes]:
        node = self._readable(principal, path)
        if node.object_type in self._exports:
            return node, self._exports[node.object_type](node)
        if node.object_type not in ("NOTEBOOK", "FILE"):
            raise BadRequest(f"{node.path} is a {node.object_type}: only notebooks and files can be exported")
        data = self.tree.read(node)
        return node, data if node.object_type == "FILE" else notebooks.exported(
            data, node.language, node.format, format
        )

    def _readable(self, principal: Principal, path: str) -> Node:
        node = self._existing(principal, path)
        self.require(principal, node, "CAN_READ")
        return node

    def _existing(self, principal: Principal, path: str) -> Node:
        path = self._own(principal, path)
        node = self.tree.find(path)
        if node is None:
            raise NotFound(f"Path ({path}) doesn't exist.")
        return node

    def _may_read(self, principal: Principal, node: Node) -> bool:
        return node.path in _OPEN or self._permissions.allows(
            principal, node.permission_type, node.resource_id, "CAN_READ"
        )

    def _own(self, principal: Principal, path: str) -> str:
        """The canonical path; the caller's home folder is made when the caller first comes."""
        home = f"/Users/{principal.name}"
        if home not in self._homes:
            with self._store.write():
                if self.tree.find(home) is None:
                    self.add(principal, home, "DIRECTORY")
            self._homes.add(home)
        return paths.workspace_path(path)

    def _numbered(self, object_type: str, object_id: str) -> Node | None:
        number = number_of(object_type, object_id)
        return None if number is None else self.tree.find_id(object_type, number)


def _as_asked(path: str, node: Node) -> dict[str, Any]:
    """The object with its path in the spelling of the question: Terraform compares the two."""
    aliased = paths.segments(path)[:1] == ("Workspace",)
    return {**node.info(), "path": ("/Workspace" + node.path).rstrip("/")} if aliased else node.info()


def _exists(path: str) -> AlreadyExists:
    return AlreadyExists(f"Path ({path}) already exists.")
