"""Synthesizes a marketplace of so many workspaces, for `marketplace-synth`: `many_workspaces COUNT FOLDER`.

Each is an entry of three lines; one in ten uses a model of the hub. Prints seconds and both processes' peak of memory.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]


def main(count: int, folder: Path) -> None:
    started = time.perf_counter()
    from infra.synth.bytecode import keep_bytecode

    keep_bytecode(ROOT / ".branchline" / "bytecode")
    from stacks.marketplace.compose import compose
    from stacks.marketplace.plan import plan

    shutil.rmtree(folder / "out", ignore_errors=True)
    planned = plan(folder=_settings(count, folder), variables=os.environ)
    app = compose(planned, folder / "out", root=ROOT)
    app.synth()
    expected = len(planned.workspaces) + (planned.hub is not None)
    written = len(list((folder / "out/stacks").glob("marketplace-*/cdk.tf.json")))
    if written != expected:
        sys.exit(f"{written} stacks written, {expected} expected")
    spent = time.perf_counter() - started
    own, node = resource.getrusage(resource.RUSAGE_SELF), _node()
    found = {"seconds": spent, "cpu_seconds": own.ru_utime + own.ru_stime + _cpu(node)}
    print(json.dumps({**found, "python_mib": round(own.ru_maxrss / 1024), "node_mib": round(_peak(node.pid))}))


def _settings(count: int, folder: Path) -> Path:
    """The settings of this checkout with so many workspaces."""
    import yaml

    target = folder / "settings"
    target.mkdir(parents=True, exist_ok=True)
    source = ROOT / "infra/settings"
    for name in ("project.yaml", "marketplace.yaml"):
        shutil.copy(source / name, target)
    values = yaml.safe_load((target / "marketplace.yaml").read_text())
    wanted = [{"model": "ward-0__readmission", "name": "readmission"}]
    values["workspaces"] = [
        {
            "name": f"ward-{number}",
            "host": f"https://ward-{number}.example.com",
            "grants": ["prod"],
            **({"wanted": wanted} if number % 10 == 0 else {}),
        }
        for number in range(count)
    ]
    (target / "marketplace.yaml").write_text(yaml.safe_dump(values))
    return target


def _node() -> psutil.Process:
    """Node, which jsii keeps running: of the children the one that has worked most."""
    return max(psutil.Process().children(recursive=True), key=_cpu)


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _peak(pid: int) -> float:
    """MiB of memory at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
