"""Step `marketplace.export`: the workspace's production models into the archive, once."""

from importlib.metadata import version
from typing import Any

from ml_code.context import Context
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.access import options_of
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.export.choice import Choice, patterns_of, versions_of
from ml_code.platform.marketplace.export.export import Order, export, preview
from ml_code.platform.marketplace.export.outcome import Report, in_bytes
from ml_code.platform.marketplace.export.pace import Pace
from ml_code.platform.marketplace.export.permissions import permissions_at
from ml_code.platform.marketplace.manifest import Origin
from ml_code.platform.marketplace.registry.reading import Registry


def run(context: Context, **parameters: Any) -> Report | None:
    """Exports what is in production and not exported yet. Raises StepError where any of it failed."""
    kind, concurrency = parameters["registry"], parameters["concurrency"]
    registry = Registry.connect(registry=kind, connections=2 * concurrency)
    order = Order(
        origin=_origin(context, parameters["workspace"], kind),
        day=context.date,
        run_id=context.run_id,
        patterns=patterns_of(parameters["models"]),
        versions=versions_of(parameters["versions"]),
    )
    pace = Pace(concurrency)
    if parameters["dry_run"]:
        for line in _lines(preview(registry, order, pace)):
            context.say(line)
        return None
    archive = Archive.open(parameters["archive"], options_of(context, parameters["archive_secret"]), create=True)
    permissions = permissions_at(context.workspace, kind)
    report = export(registry, archive, order, pace, permissions=permissions, say=context.say)
    context.say(f"{order.origin.workspace}: {report.sentence()}")
    if report.failures:
        count = len(report.failures)
        raise StepError(f"{count} of {len(report.outcomes)} models need a look:\n" + "\n".join(report.failures))
    return report


def _origin(context: Context, name: str, registry: str) -> Origin:
    workspace = context.workspace
    return Origin(
        workspace=name,
        workspace_id=str(workspace.get_workspace_id()),
        host=str(workspace.config.host),
        registry=registry,
        mlflow=version("mlflow"),
    )


def _lines(previewed: list[tuple[Choice, int, int]]) -> list[str]:
    lines = []
    for choice, files, size in previewed:
        number = f" v{choice.version.version}" if choice.version else ""
        what = f"left: {choice.skipped}" if choice.skipped else f"would be exported: {files} files, {in_bytes(size)}"
        lines.append(f"{choice.model.name}{number} {what}")
    moved = [size for choice, _, size in previewed if not choice.skipped]
    return [*lines, f"dry run: {len(moved)} of {len(previewed)} would be exported, {in_bytes(sum(moved))}; nothing was"]
