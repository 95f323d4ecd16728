"""What cdktf runs (cdktf.json): writes every stack to cdktf.out, or says in words why it cannot."""

import sys
from pathlib import Path

from infra.synth.bytecode import keep_bytecode

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Synthesizes; the exit code is 1 where settings, steps or tags are wrong."""
    keep_bytecode(ROOT / ".branchline" / "bytecode")
    # The imports take most of the time: only now do they find and keep their bytecode.
    from infra.constructs.steps import StepError
    from infra.constructs.tags import MissingTags
    from infra.settings import SettingsError
    from infra.synth.workdirs import forget_moved_backends
    from stacks.plan import plan

    try:
        plans = plan(say=lambda text: print(text, file=sys.stderr))
        from stacks.compose import compose  # starts Node: not before everything else has been found right

        app = compose(plans)
        app.synth()
        forget_moved_backends(Path(app.outdir))
    except (SettingsError, StepError, MissingTags) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
