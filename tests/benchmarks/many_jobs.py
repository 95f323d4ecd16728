"""Synthesizes one stack with so many jobs, for the benchmark `synth`: `many_jobs COUNT FOLDER`.

The jobs are the project's own three in turn (one, five and three tasks, with cluster, schedule, parameters
and tags).
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main(count: int, folder: Path) -> None:
    from infra.synth.bytecode import keep_bytecode

    keep_bytecode(ROOT / ".branchline" / "bytecode")
    from dataclasses import replace

    from infra.constructs.steps import Manifest
    from infra.settings import load_settings
    from infra.synth.app import make_app
    from stacks.jobs import define_jobs
    from stacks.project import ProjectStack

    settings = load_settings("prod")
    manifest = Manifest.parse((ROOT / "ml_code/steps.yaml").read_text())
    kinds = define_jobs(settings, manifest)
    jobs = [replace(kinds[i % len(kinds)], name=f"{kinds[i % len(kinds)].name}-{i}") for i in range(count)]
    app = make_app(folder)
    ProjectStack(app, settings, manifest, jobs, root=ROOT)
    app.synth()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
