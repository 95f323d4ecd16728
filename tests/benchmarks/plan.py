"""`branchline plan dev staging prod`, side by side; the peer is plain `cdktf diff` of the same six stacks in turn.

Everything is deployed, so that both find no change, and both have planned once before the clock runs. Each plan of
ours is the whole command, as a user types it: start, synthesis, six plans, summary and evidence.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from infra.workspace import launch
from tests.benchmarks.harness import Row, alternate, at_least, seconds
from tests.support.clone import Clone, run
from tests.support.deployment import ENVIRONMENTS, QUIET, Deployment, git_url

_GOAL = 6.0
_PER = 60.0
_COMMAND = "import sys; sys.path.insert(0, '.'); from ci.main import main; main()"


def measure() -> Row:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone = Clone(folder)
        running = launch.start(folder / "workspace", port=0, repos={git_url(): str(clone.remote)})
        try:
            Deployment(clone, running).deploy_all()
            variables = {**QUIET, "BRANCH": "dev", "BRANCHLINE_DATA_DIR": str(folder / "workspace")}
            command = [sys.executable, "-c", _COMMAND, "plan", *ENVIRONMENTS]
            admin = {**launch.environment(running), **QUIET, "BRANCH": "dev"}
            stacks = [f"{environment}{kind}" for environment in ENVIRONMENTS for kind in ("-admin", "")]

            def ours() -> float:
                output = ""

                def plan() -> None:
                    nonlocal output
                    output = run(command, clone.path, variables)

                taken = seconds(plan)
                assert output.count(": no changes") == len(stacks), output
                return _PER / taken

            def peer() -> float:
                return _PER / seconds(lambda: [clone.cdktf("diff", stack, environment=admin) for stack in stacks])

            ours(), peer()
            mine, theirs = alternate(ours, peer)
        finally:
            launch.stop(folder / "workspace")
    return at_least(
        "plan", _GOAL, "plans/min", mine, theirs,
        seconds=round(_PER / statistics.median(mine), 2), peer_seconds=round(_PER / statistics.median(theirs), 2),
    )  # fmt: skip
