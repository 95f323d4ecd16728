"""The last of the end-to-end tests: taking everything down leaves the workspace as it was."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Deployed
from tests.support.clone import CommandFailed
from tests.support.deployment import inventory

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_prod_keeps_its_data(deployed: Deployed) -> None:
    """A destroy stops at prod's schema while that holds tables."""
    ingested = deployed.run_job("prod-hrob-training")
    assert ingested.states()["ingest"] == "SUCCESS", ingested
    deployed.clone.cdktf("destroy", "prod", environment=deployed.environment("branchline-prod"))
    with pytest.raises(CommandFailed, match="not empty"):
        deployed.clone.cdktf("destroy", "prod-admin", environment=deployed.environment())


def test_destroy_leaves_the_workspace_as_it_was(deployed: Deployed) -> None:
    for name in ("dev", "staging"):
        deployed.clone.cdktf("destroy", name, environment=deployed.environment(f"branchline-{name}"))
    # Prod's data goes by name only: a deployment marks what holds it.
    meant = {**deployed.environment(), "DESTROY_DATA": "prod"}
    deployed.clone.cdktf("deploy", "prod-admin", environment=meant)
    # dev-admin holds what all environments share: it goes last.
    for name in ("prod", "staging", "dev"):
        deployed.clone.cdktf("destroy", f"{name}-admin", environment=meant)
    assert inventory(deployed.workspace) == deployed.before
