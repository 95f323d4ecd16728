"""The app that stacks are put into."""

import os
from pathlib import Path

from infra.synth.library import cdk


def make_app(outdir: Path | None = None) -> cdk.App:
    """An app that writes to `outdir`, else where cdktf says (CDKTF_OUTDIR), else to cdktf.out.

    Stack traces stay out of what it writes: the same commit synthesizes to the same bytes.
    """
    folder = outdir or Path(os.environ.get("CDKTF_OUTDIR") or "cdktf.out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # cdktf would look for credentials of remote backends; terraform does that itself.
    return cdk.App(outdir=str(folder), stack_traces=False, skip_backend_validation=True)
