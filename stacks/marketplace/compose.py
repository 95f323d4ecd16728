"""The marketplace's stacks, as one app."""

from pathlib import Path

from infra.settings import Problem, SettingsError
from infra.settings.errors import did_you_mean
from infra.settings.loader import REPOSITORY
from infra.synth.app import make_app
from infra.synth.library import cdk
from stacks.marketplace.base import MarketplaceStack
from stacks.marketplace.hub import HubStack
from stacks.marketplace.plan import MarketplacePlan
from stacks.marketplace.workspace import MarketplaceWorkspaceStack


def compose(plan: MarketplacePlan, outdir: Path | None = None, *, root: Path = REPOSITORY) -> cdk.App:
    """The app with `marketplace-hub` and a stack for every workspace; `root` is where local state is counted from.

    Raises SettingsError where an object is to be adopted for an address that its stack does not have.
    """
    app = make_app(outdir)
    problems: list[Problem] = []
    if plan.hub is not None:
        hub = HubStack(app, plan.settings, plan.hub, root=root)
        problems += _wrong_adoptions(hub, plan.settings.hub.adopt, "hub.adopt")
    for source, jobs in plan.workspaces:
        stack = MarketplaceWorkspaceStack(app, plan.settings, source, jobs, root=root)
        problems += _wrong_adoptions(stack, source.adopt, f"workspaces.{source.name}.adopt")
    if problems:
        raise SettingsError(problems)
    return app


def _wrong_adoptions(stack: MarketplaceStack, adopt: dict[str, str], key: str) -> list[Problem]:
    """An address to adopt that no stack has would be ignored in silence."""
    return [
        Problem(
            "infra/settings/marketplace.yaml",
            f"no such resource{did_you_mean(address, stack.addresses)}",
            f"{key}.{address}",
        )
        for address in adopt
        if address not in stack.addresses
    ]
