"""What cdktf runs (cdktf.json): writes every stack to cdktf.out, or says in words why it cannot."""

import sys

from infra.constructs.steps import StepError
from infra.constructs.tags import MissingTags
from infra.settings import SettingsError


def main() -> int:
    """Synthesizes; the exit code is 1 where settings, steps or tags are wrong."""
    from stacks.compose import compose  # starts Node: not before the cheap imports have worked

    try:
        compose(say=lambda text: print(text, file=sys.stderr)).synth()
    except (SettingsError, StepError, MissingTags) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
