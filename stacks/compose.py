"""All stacks of all environments, as one app."""

from collections.abc import Iterable
from pathlib import Path

from infra.settings import Problem, Settings, SettingsError
from infra.settings.errors import did_you_mean
from infra.settings.loader import REPOSITORY
from infra.synth.app import make_app
from infra.synth.library import cdk
from stacks.admin import AdminStack
from stacks.plan import EnvironmentPlan
from stacks.project import ProjectStack


def compose(plans: Iterable[EnvironmentPlan], outdir: Path | None = None, *, root: Path = REPOSITORY) -> cdk.App:
    """The app with `<env>-admin` and `<env>` of every environment; `root` is where local state is counted from.

    Raises SettingsError where an object is to be adopted for an address that no stack has.
    """
    app = make_app(outdir)
    for plan in plans:
        admin = AdminStack(app, plan.settings, root=root)
        project = ProjectStack(app, plan, root=root)
        _check_adoptions(plan.settings, admin.addresses | project.addresses)
    return app


def _check_adoptions(settings: Settings, addresses: set[str]) -> None:
    """An address to adopt that no stack has would be ignored in silence."""
    unknown = [address for address in settings.values.adopt if address not in addresses]
    if unknown:
        file = f"infra/settings/{settings.environment}.yaml"
        raise SettingsError(
            Problem(file, f"no such resource{did_you_mean(address, addresses)}", f"adopt.{address}")
            for address in unknown
        )
