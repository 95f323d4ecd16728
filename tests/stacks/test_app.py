"""The app as cdktf runs it, and objects that exist already."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.settings import SettingsError
from infra.settings.loader import REPOSITORY

Synthesize = Callable[..., dict[str, dict[str, Any]]]


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BRANCH": "dev", **variables}
    command = [sys.executable, "-m", "stacks"]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)


def test_the_app_writes_what_it_is_asked_for_and_says_nothing(tmp_path: Path) -> None:
    done = run(CDKTF_OUTDIR=str(tmp_path), ENVIRONMENTS="staging")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path.name for path in (tmp_path / "stacks").iterdir()} == {"staging", "staging-admin"}


def test_a_mistake_ends_the_app_in_words(tmp_path: Path) -> None:
    done = run(CDKTF_OUTDIR=str(tmp_path), BRANCH="feature/not-there")
    assert done.returncode == 1
    assert "branch 'feature/not-there' is neither in this clone nor at origin" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def add_adoptions(folder: Path, *lines: str) -> None:
    with (folder / "staging.yaml").open("a") as file:
        file.write("".join([f"{line}\n" for line in ("adopt:", *(f"  {line}" for line in lines))]))


def test_existing_objects_are_imported_by_the_stack_that_has_them(
    clone: Path, folder: Path, synthesized: Synthesize
) -> None:
    add_adoptions(folder, "databricks_catalog.catalog: staging", 'databricks_job.training: "42"')
    found = synthesized(clone, folder, ENVIRONMENTS="staging")
    assert found["staging-admin"]["import"] == [{"to": "databricks_catalog.catalog", "id": "staging"}]
    assert found["staging"]["import"] == [{"to": "databricks_job.training", "id": "42"}]


def test_an_address_that_no_stack_has_is_refused(clone: Path, folder: Path, synthesized: Synthesize) -> None:
    add_adoptions(folder, "databricks_catalog.catalogue: staging")
    with pytest.raises(SettingsError, match=r"no such resource; did you mean 'databricks_catalog\.catalog'"):
        synthesized(clone, folder, ENVIRONMENTS="staging")


def test_a_credential_is_made_in_the_stack_of_its_owner(clone: Path, folder: Path, synthesized: Synthesize) -> None:
    project = folder / "project.yaml"
    text = project.read_text().replace("provider: gitHub", "provider: azureDevOpsServices")
    for owner, stack, other in (("admin", "prod-admin", "prod"), ("service_principal", "prod", "prod-admin")):
        project.write_text(text.replace("credential: null", f"credential: {{method: entra, owner: {owner}}}"))
        found = synthesized(clone, folder, ENVIRONMENTS="prod")
        credential = found[stack]["resource"]["databricks_git_credential"]["git"]
        assert credential["git_provider"] == "azureDevOpsServicesAad"
        assert "databricks_git_credential" not in found[other]["resource"]
        assert {j["git_source"]["provider"] for j in found["prod"]["resource"]["databricks_job"].values()} == {
            "azureDevOpsServices"
        }
