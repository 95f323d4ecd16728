"""The seam to the CDK for Terraform; each case in a process of its own, for imports happen once."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BRANCH": "dev", **variables}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_only_the_modules_that_are_used_are_loaded() -> None:
    done = run(
        "import sys; from infra.synth.library import resource_class; resource_class('databricks_catalog');"
        "print(sum(name.startswith('cdktf_cdktf_provider_databricks.') for name in sys.modules))"
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 5, "the generated package has 252 modules"


def test_node_is_quiet_about_its_age() -> None:
    assert run("from infra.synth.library import cdk; cdk.App()").stderr == ""


def test_an_unknown_library_is_refused_by_name() -> None:
    done = run("import infra.synth.library", BRANCHLINE_CDK="pulumi")
    assert "expected one of cdktf, cdktn, found 'pulumi'" in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("cdktn") is not None, reason="cdktn is installed")
def test_a_library_that_is_not_installed_is_named() -> None:
    done = run("import infra.synth.library", BRANCHLINE_CDK="cdktn")
    assert "BRANCHLINE_CDK=cdktn: the package cdktn is not installed" in done.stderr


@pytest.mark.skipif(
    importlib.util.find_spec("cdktn") is None or importlib.util.find_spec("cdktn_provider_databricks") is None,
    reason="cdktn and cdktn-provider-databricks are not installed",
)
def test_the_fork_synthesizes_the_same_stacks(tmp_path: Path) -> None:
    for library in ("cdktf", "cdktn"):
        done = run(
            "from stacks.__main__ import main; raise SystemExit(main())",
            BRANCHLINE_CDK=library,
            CDKTF_OUTDIR=str(tmp_path / library),
        )
        assert done.returncode == 0, done.stderr
    for file in sorted((tmp_path / "cdktf" / "stacks").glob("*/cdk.tf.json")):
        ours, fork = (
            json.loads((tmp_path / lib / "stacks" / file.parent.name / file.name).read_text())
            for lib in ("cdktf", "cdktn")
        )
        for part in ("resource", "data", "variable", "provider"):
            assert ours[part] == fork[part]
