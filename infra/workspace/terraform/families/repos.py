"""Git folders and Git credentials."""

from pathlib import PurePosixPath
from typing import Any

from infra.workspace.terraform.families.jobs import git_provider
from infra.workspace.terraform.planning import State
from infra.workspace.terraform.resource import Refused, Resource, changed, pick, resource
from infra.workspace.terraform.session import Api, RestError, segment

_REPOS = "/api/2.0/repos"
_CREDENTIALS = "/api/2.0/git-credentials"


@resource("databricks_repo")
class Repo(Resource):
    def create(self, api: Api, new: State) -> str:
        provider = new.get("git_provider") or git_provider(new["url"])
        if not provider:
            raise Refused("git_provider is missing and the URL does not tell it")
        body: dict[str, Any] = {**pick(new, "url", "path"), "provider": provider}
        if new.get("sparse_checkout"):
            body["sparse_checkout"] = new["sparse_checkout"][0]
        if new.get("path"):
            api.post("/api/2.0/workspace/mkdirs", {"path": str(PurePosixPath(new["path"]).parent)})
        answer = api.post(_REPOS, body)
        if new.get("tag"):
            api.patch(f"{_REPOS}/{answer['id']}", {"tag": new["tag"]})
        elif new.get("branch") and new["branch"] != answer.get("branch"):
            api.patch(f"{_REPOS}/{answer['id']}", {"branch": new["branch"]})
        return str(answer["id"])

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        if not new.get("path"):
            return None
        found = api.get(_REPOS, {"path_prefix": new["path"]}).get("repos") or []
        return next((str(each["id"]) for each in found if each["path"] == new["path"]), None)

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(f"{_REPOS}/{segment(known['id'])}")
        sparse = answer.get("sparse_checkout")
        return {
            **{name: answer.get(name) for name in ("url", "path", "branch")},
            "git_provider": answer.get("provider"),
            "commit_hash": answer.get("head_commit_id"),
            "sparse_checkout": [sparse] if sparse else [],
            "workspace_path": f"/Workspace{answer['path']}",
        }

    def update(self, api: Api, old: State, new: State) -> str | None:
        wanted = "tag" if (new.get("tag") and changed(old, new, "tag")) or not new.get("branch") else "branch"
        if new.get(wanted):
            api.patch(f"{_REPOS}/{segment(old['id'])}", {wanted: new[wanted]})
        return None

    def delete(self, api: Api, old: State) -> None:
        api.delete(f"{_REPOS}/{segment(old['id'])}")


@resource("databricks_git_credential")
class GitCredential(Resource):
    _FIELDS = ("git_provider", "git_username", "git_email", "personal_access_token", "name", "is_default_for_provider")

    def _body(self, state: State) -> dict[str, Any]:
        known = self.schema.block.attributes
        return pick(state, *(name for name in self._FIELDS if name in known))

    def create(self, api: Api, new: State) -> str:
        try:
            return str(api.post(_CREDENTIALS, self._body(new))["credential_id"])
        except RestError as error:
            if not new.get("force") or "Only one Git credential" not in str(error):
                raise
        found = api.get(_CREDENTIALS).get("credentials") or []
        if len(found) != 1:
            raise Refused(f"cannot choose which of {len(found)} Git credentials to replace")
        identifier = str(found[0]["credential_id"])
        api.patch(f"{_CREDENTIALS}/{identifier}", self._body(new))
        return identifier

    def existing(self, api: Api, new: State, since_ms: int) -> str | None:
        found = api.get(_CREDENTIALS).get("credentials") or []
        kind = new["git_provider"].lower()
        return next((str(each["credential_id"]) for each in found if each["git_provider"].lower() == kind), None)

    def read(self, api: Api, known: State) -> State | None:
        answer = api.get(f"{_CREDENTIALS}/{segment(known['id'])}")
        return {"git_provider": answer.get("git_provider"), "git_username": answer.get("git_username")}

    def update(self, api: Api, old: State, new: State) -> str | None:
        api.patch(f"{_CREDENTIALS}/{segment(old['id'])}", self._body(new))
        return None

    def delete(self, api: Api, old: State) -> None:
        api.delete(f"{_CREDENTIALS}/{segment(old['id'])}")
