"""Step marketplace.import: exported versions become versions of the hub's registry, verified, each once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.archive.access import options_of
from ml_code.platform.marketplace.archive.archive import Archive, Leased
from ml_code.platform.marketplace.hub.choice import Chosen, choose, matching, with_earlier
from ml_code.platform.marketplace.hub.importing import Imported, Rules, import_versions
from ml_code.platform.marketplace.hub.naming import check_template
from ml_code.platform.marketplace.hub.outcome import Progress, before, require_all, sentence, write_rows
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.schema import IMPORTS_TABLE

if TYPE_CHECKING:
    from ml_code.context import Context

LEASE_SECONDS = 60.0


def run(
    context: Context,
    *,
    archive: str,
    archive_secret: str,
    registry: str,
    since: str,
    workspaces: str,
    naming: str,
    concurrency: int,
    dry_run: bool,
    **_: Any,
) -> list[Imported]:
    """Import the rows of the days, write what became of each; fails where a version was refused or failed."""
    check_template(naming)
    if concurrency < 1:
        raise StepError(f"concurrency {concurrency}: expected 1 or more")
    first = _first(since, context.date)
    store = Archive.open(archive, options_of(context, archive_secret))
    hub = Registry.connect(registry=registry, connections=2 * concurrency)
    place = f"{context.catalog}.{context.schema}" if registry == "unity_catalog" else None
    names = matching(store.workspaces(), workspaces)
    chosen = choose(store, names, first, context.date) if first else _since_last(context, store, names)
    context.say(f"{len(chosen)} exported versions of {len(names)} workspaces")
    rules = Rules(naming, place, concurrency, dry_run)
    progress, began = Progress(len(chosen), context.say), time.monotonic()
    if dry_run:
        results = import_versions(store, hub, chosen, rules, progress.result)
        for each in results:
            context.say(f"dry run: {each.chosen.label} would be {each.status} as {each.hub_model} ({each.reason})")
    else:
        with _lease(store, f"import-{context.catalog}.{context.schema}"):
            results = import_versions(store, hub, chosen, rules, progress.result)
            write_rows(context.spark, context.table(IMPORTS_TABLE), results, context.date, context.run_id)
    context.say(sentence(results, hub.rest.requests, time.monotonic() - began))
    require_all(results)
    return results


@contextmanager
def _lease(store: Archive, name: str) -> Iterator[None]:
    """One import of a hub at a time. One that was killed a moment ago is waited for until its lease has run out."""
    deadline = time.monotonic() + LEASE_SECONDS * 1.5
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(store.lease(name, LEASE_SECONDS))
                break
            except Leased:
                if time.monotonic() > deadline:
                    raise
                time.sleep(LEASE_SECONDS / 20)
        yield


def _since_last(context: Context, store: Archive, workspaces: Sequence[str]) -> list[Chosen]:
    """The day's exports, and those that no import has dealt with yet."""
    past = before(context.spark, context.table(IMPORTS_TABLE), context.date)
    today = choose(store, workspaces, context.date, context.date)
    if past.first == context.date:
        return today
    earlier = choose(store, workspaces, past.first, context.date - timedelta(days=1))
    return with_earlier(today, earlier, past.manifests)


def _first(since: str, through: date) -> date | None:
    if not since:
        return None
    try:
        first = date.fromisoformat(since)
    except ValueError:
        raise StepError(f"since {since!r}: expected a date like 2026-01-31, or nothing") from None
    if first > through:
        raise StepError(f"since {first} is after the date {through}: there is no day to import")
    return first
