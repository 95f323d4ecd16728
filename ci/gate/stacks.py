"""The stacks that a plan was made of."""

from __future__ import annotations

from pathlib import Path

from ci import console
from ci.errors import Trouble
from ci.plan.model import Plan
from ci.terraform.synthesis import Synthesis, SynthesizedStack, default_outdir, read_synthesis, synthesize


def find_synthesis(plan: Plan, folder: Path | None, root: Path) -> Path:
    """Where the plan's stacks lie: in the folder that is named, else where they were planned, else made anew."""
    if folder is not None:
        return folder
    folder = default_outdir(root)
    if (folder / "manifest.json").exists() and not _different(plan, read_synthesis(folder)):
        return folder
    with console.waiting("the plan's stacks are not at hand: synthesizing them"):
        synthesize(plan.environments, folder, root=root)
    return folder


def read_planned(plan: Plan, folder: Path) -> list[SynthesizedStack]:
    """The plan's stacks as they were synthesized; raises Trouble if the folder has others."""
    synthesis = read_synthesis(folder)
    if different := _different(plan, synthesis):
        raise Trouble(
            f"the stacks in {folder} are not those that were planned ({', '.join(different)}): plan again, with the"
            " same BRANCH, or name their folder with --stacks"
        )
    return [synthesis.stacks[stack.stack] for stack in plan.stacks]


def _different(plan: Plan, synthesis: Synthesis) -> list[str]:
    return [
        stack.stack
        for stack in plan.stacks
        if stack.stack not in synthesis.stacks or synthesis.stacks[stack.stack].digest != stack.stack_digest
    ]
