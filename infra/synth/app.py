"""The app that stacks are put into."""

from pathlib import Path

from infra.synth.library import cdk


def make_app(outdir: Path | None = None) -> cdk.App:
    """An app that writes to `outdir`, or where cdktf says (CDKTF_OUTDIR, else cdktf.out).

    Paths of the machine and stack traces stay out of what it writes: the same commit synthesizes to the same bytes.
    """
    return cdk.App(
        outdir=str(outdir) if outdir else None,
        stack_traces=False,
        # cdktf looks for terraform's init of remote backends otherwise; plan and apply do that themselves.
        skip_backend_validation=True,
    )
