"""The marketplace's own app: `cdktf deploy --app ".venv/bin/python -O -m stacks.marketplace" marketplace-hub …`."""

import sys
from pathlib import Path

from infra.synth.bytecode import keep_bytecode

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Synthesizes the hub and every workspace, or those that MARKETPLACE names; exit code 1 if something is wrong."""
    keep_bytecode(ROOT / ".branchline" / "bytecode")
    # As in stacks: these imports take most of the time.
    from infra.constructs.steps import StepError
    from infra.constructs.tags import MissingTags
    from infra.settings import SettingsError
    from infra.synth.workdirs import forget_moved_backends
    from stacks.marketplace.plan import plan

    try:
        planned = plan()
        from stacks.marketplace.compose import compose

        app = compose(planned)
        app.synth()
        forget_moved_backends(Path(app.outdir))
    except (SettingsError, StepError, MissingTags) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
