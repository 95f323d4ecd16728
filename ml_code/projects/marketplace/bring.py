"""Step marketplace.bring: approved models of the marketplace become models of this workspace."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.access import options_of
from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.consumers.bring import FAILED, REFUSED, Consumer, Outcome, Transfer, bring
from ml_code.platform.marketplace.consumers.wanted import read_wanted
from ml_code.platform.marketplace.governance.apply import require_no_failure
from ml_code.platform.marketplace.governance.grants import grants_of
from ml_code.platform.marketplace.hub.bring import bring_version
from ml_code.platform.marketplace.manifest import Manifest
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.registry.registering import Models
from ml_code.platform.registry.versions import CHAMPION

if TYPE_CHECKING:
    from ml_code.context import Context

_PRODUCTION = "Production"


def run(
    context: Context,
    *,
    workspace: str,
    archive: str,
    archive_secret: str,
    registry: str,
    wanted: str,
    dry_run: bool,
    **_: Any,
) -> list[Outcome]:
    """Bring what is wanted and approved, grant it, and take the grants back where an approval has ended."""
    asked = read_wanted(wanted)
    store = Archive.open(archive, options_of(context, archive_secret))
    target = Registry.connect(registry=registry)
    place = f"{context.catalog}.{context.schema}" if target.kind == "unity_catalog" else None
    consumer = Consumer(workspace, str(context.workspace.current_user.me().user_name), place)
    grants = grants_of(context.workspace, registry)
    outcomes, applied = bring(store, consumer, asked, grants, _transfer(store, target), context.date, dry_run=dry_run)
    for each in outcomes:
        version = f" version {each.hub_version}" if each.hub_version else ""
        context.say(f"{each.model}{version} as {each.name}: {each.status} {each.reason}".rstrip())
    for line in applied:
        context.say(f"{line.model}: {line.principal} {line.state} ({line.reason})")
    counted = Counter(each.status for each in outcomes)
    told = ", ".join(f"{number} {status}" for status, number in sorted(counted.items())) or "nothing is wanted"
    context.say(f"{'dry run: ' if dry_run else ''}{told}")
    wrong = [f"{each.model}: {each.reason}" for each in outcomes if each.status in (REFUSED, FAILED)]
    if wrong:
        raise StepError("\n".join([f"{len(wrong)} of {len(outcomes)} wanted models were not brought:", *wrong]))
    require_no_failure(applied)
    return outcomes


def _transfer(archive: Archive, registry: Registry) -> Transfer:
    """What is brought leads here: the alias champion, or the stage Production, points to it."""
    models = Models(registry)

    def transfer(manifest: Manifest, name: str) -> int:
        version = bring_version(archive, manifest, registry, name).version
        if registry.kind == "unity_catalog":
            if registry.model(name).aliases.get(CHAMPION) != version:
                models.set_alias(name, CHAMPION, version)
        elif registry.version(name, version).stage != _PRODUCTION:
            models.set_stage(name, version, _PRODUCTION)
        return version

    return transfer
