"""From an empty workspace to a line and back, as a platform owner does it: the real command, Terraform and SDK."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.service.oauth2 import FederationPolicy, OidcFederationPolicy

from ci.bootstrap.down import Down
from ci.bootstrap.report import Way
from ci.bootstrap.up import Up
from ci.errors import Trouble
from ci.terraform.credentials import Credentials
from infra.settings import load_all
from infra.workspace.launch import Running
from tests.support.clone import ROOT, Clone, run
from tests.support.deployment import QUIET, git_url, inventory
from tests.support.issuer import Issuer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

GITHUB = "https://token.actions.githubusercontent.com"
COMMAND = [".venv/bin/python", "-c", "from ci.main import main; main()", "bootstrap"]


class Line:
    """A clone beside an empty workspace."""

    def __init__(self, clone: Clone, workspace: Running) -> None:
        self.clone = clone
        self.workspace = workspace
        self.environment = {**QUIET, "BRANCHLINE_DATA_DIR": str(workspace.data_dir), "BRANCH": ""}
        self.state = clone.path / ".branchline/state"

    def bootstrap(self, *arguments: str, **variables: str) -> str:
        return run([*COMMAND, *arguments, "--yes"], self.clone.path, {**self.environment, **variables}, 300)

    def way(self, **options: bool) -> Way:
        """What the command has made of its options, for what need not be a process of its own."""
        credentials = Credentials(self.workspace.data_dir, environment={})
        return Way(credentials, lambda line: None, lambda line: None, root=self.clone.path, **options)

    def interrupt(self, *arguments: str) -> None:
        """Ctrl-C, as a terminal sends it to the command and all that it started, once Terraform has made something."""
        paths = f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
        with subprocess.Popen(
            [*COMMAND, *arguments, "--yes"],
            cwd=self.clone.path,
            env={**os.environ, "PATH": paths, "CI": "1", **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stderr is not None
            made = next((line for line in process.stderr if "Creation complete" in line), None)
            os.killpg(process.pid, signal.SIGINT)
            process.stderr.read()
        assert made is not None
        assert process.returncode != 0


@pytest.fixture
def line(tmp_path: Path, start_workspace: Callable[..., Running], monkeypatch: pytest.MonkeyPatch) -> Line:
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "TF_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", f"{ROOT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}")
    clone = Clone(tmp_path)
    return Line(clone, start_workspace(repos={git_url(): str(clone.remote)}))


def test_up_interrupted_and_again_logged_in_and_down(line: Line, tmp_path: Path) -> None:
    before = inventory(line.workspace)
    everyone = {name: each.model_copy(update={"copy_of": None}) for name, each in load_all(variables={}).items()}
    dev, prod = everyone["dev"], everyone["prod"]
    dry = Up([prod, dev], line.way(dry_run=True))
    dry.look()
    assert {step.what: step.did for step in dry.run().steps}["dev-admin: 21 create"] == "would make"
    assert (inventory(line.workspace), line.state.exists()) == (before, False)

    line.interrupt("up", "dev", "prod")
    told = tmp_path / "told.json"
    line.bootstrap("up", "dev", "prod", "--json", str(told))
    assert inventory(line.workspace)["principals"] == ["branchline-dev", "branchline-prod"]
    again = line.bootstrap("up", "dev", "prod")
    assert "nothing had to be done" in again
    assert "made " not in again

    log_in_from_github(line, json.loads(told.read_text())["forges"]["github"], tmp_path)
    here = inventory(line.workspace)
    with pytest.raises(Trouble, match="prod still use what dev-admin makes for all"):
        Down([dev], list(everyone.values()), line.way()).look()
    refuse_a_project_and_data(line, Down([dev, prod], list(everyone.values()), line.way()))
    assert inventory(line.workspace) == here

    line.bootstrap("down", "dev", "prod", "--state", DESTROY_DATA="prod")
    assert (inventory(line.workspace), line.state.exists()) == (before, False)


def log_in_from_github(line: Line, forge: dict[str, Any], tmp_path: Path) -> None:
    """With nothing but what the forge was told, and tokens that say what GitHub's say."""
    variables = forge["environments"]["dev"]["variables"]
    assert not [name for name in variables if "SECRET" in name or name.endswith("_TOKEN")]
    github = Issuer(GITHUB)
    trust_keys_of(line, github, variables)
    path = tmp_path / "token"
    config = {
        "host": variables["DATABRICKS_HOST"],
        "client_id": variables["DATABRICKS_CLIENT_ID"],
        "oidc_token_filepath": str(path),
        "auth_type": "file-oidc",
    }
    path.write_text(github.token(forge["environments"]["dev"]["subject"], variables["DATABRICKS_TOKEN_AUDIENCE"]))
    assert WorkspaceClient(config=Config(**config)).current_user.me().display_name == "branchline-dev"
    for stranger in ("repo:stranger/branchline:environment:dev", "repo:branchline-example/branchline:pull_request"):
        path.write_text(github.token(stranger, variables["DATABRICKS_TOKEN_AUDIENCE"]))
        with pytest.raises(ValueError, match="invalid_grant"):
            WorkspaceClient(config=Config(**config)).current_user.me()


def trust_keys_of(line: Line, issuer: Issuer, variables: dict[str, str]) -> None:
    """Stands in for GitHub's own address of its keys; issuer, subject and audience stay as bootstrap wrote them."""
    account = AccountClient(
        config=Config(
            host=line.workspace.url,
            token=line.workspace.token,
            account_id=variables["DATABRICKS_ACCOUNT_ID"],
            auth_type="pat",
        )
    )
    admin = WorkspaceClient(config=Config(host=line.workspace.url, token=line.workspace.token, auth_type="pat"))
    robot = next(iter(admin.service_principals.list(filter='displayName eq "branchline-dev"')))
    account.service_principal_federation_policy.update(
        int(robot.id or 0),
        "branchline-github",
        FederationPolicy(oidc_policy=OidcFederationPolicy(jwks_json=issuer.jwks())),
        update_mask="oidc_policy.jwks_json",
    )


def refuse_a_project_and_data(line: Line, down: Down) -> None:
    """What is in the way is named, and nothing is removed."""
    upload = "/api/2.0/fs/files/Volumes/prod/hrob/landing/births.csv"
    headers = {"Authorization": f"Bearer {line.workspace.token}"}
    assert httpx.put(line.workspace.url + upload, content=b"1", headers=headers).is_success
    state = line.state / "dev.tfstate"
    instance = {"schema_version": 0, "attributes": {"id": "1"}}
    job = {"mode": "managed", "type": "databricks_job", "name": "training", "instances": [instance]}
    job["provider"] = 'provider["registry.terraform.io/databricks/databricks"]'
    lineage = "00000000-0000-0000-0000-000000000001"
    state.write_text(json.dumps({"version": 4, "serial": 1, "lineage": lineage, "resources": [job]}))
    with pytest.raises(Trouble) as refused:
        down.look()
    state.unlink()
    in_prod, in_dev = str(refused.value).splitlines()
    assert in_prod.startswith("prod keeps its data (storage.destroy_data: false): files in volume prod.hrob.landing.")
    assert in_dev.startswith("dev still has a project: databricks_job.training. Destroy it first")
