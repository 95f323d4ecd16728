"""A copy's stack with nothing in it: applied, it removes all that the copy's state holds.

It needs neither the branch nor its steps, so a copy can be removed after its branch is gone.
"""

import sys

from infra.settings import SettingsError
from infra.settings.copies import names_of_copy
from infra.settings.loader import REPOSITORY


def main(branch: str) -> int:
    """Synthesizes to CDKTF_OUTDIR; exit code 1 where the settings are wrong."""
    try:
        settings = names_of_copy(branch)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    from infra.synth.app import make_app  # starts Node: not before the settings have been found right
    from infra.synth.stack import EnvironmentStack

    app = make_app()
    EnvironmentStack(app, settings.environment, settings, root=REPOSITORY)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
