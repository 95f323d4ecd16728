"""The last of the end-to-end tests: taking everything down leaves the workspace as it was."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Deployed
from tests.support.clone import CommandFailed
from tests.support.deployment import inventory

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_prod_keeps_its_data(deployed: Deployed) -> None:
    """Settings keep prod's schema while it holds data; whoever means it removes the data first."""
    deployed.clone.cdktf("destroy", "prod", environment=deployed.environment("branchline-prod"))
    with pytest.raises(CommandFailed, match="not empty"):
        deployed.clone.cdktf("destroy", "prod-admin", environment=deployed.environment())


def test_destroy_leaves_the_workspace_as_it_was(deployed: Deployed) -> None:
    for name in ("dev", "staging"):
        deployed.clone.cdktf("destroy", name, environment=deployed.environment(f"branchline-{name}"))
    catalog = "/api/2.1/unity-catalog"
    tables = deployed.workspace.call(
        "GET", f"{catalog}/tables", params={"catalog_name": "prod", "schema_name": "hrob"}
    )["tables"]
    for table in tables:
        deployed.workspace.call("DELETE", f"{catalog}/tables/{table['full_name']}")
    # dev-admin holds what all environments share: it goes last.
    for name in ("prod", "staging", "dev"):
        deployed.clone.cdktf("destroy", f"{name}-admin", environment=deployed.environment())
    assert inventory(deployed.workspace) == deployed.before
