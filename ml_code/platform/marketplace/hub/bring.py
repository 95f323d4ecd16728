"""One exported version into one registry: prepared beside others, registered in its turn."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ml_code.platform.marketplace.archive.archive import Archive
from ml_code.platform.marketplace.hub import marks
from ml_code.platform.marketplace.hub.again import again
from ml_code.platform.marketplace.hub.errors import Unfit
from ml_code.platform.marketplace.hub.files import ModelFiles, Source, read_model_file
from ml_code.platform.marketplace.hub.runs import Runs
from ml_code.platform.marketplace.hub.target import Target, Uploads
from ml_code.platform.marketplace.manifest import Manifest
from ml_code.platform.marketplace.registry.reading import Registry
from ml_code.platform.marketplace.registry.records import RegisteredModel

CHAMPION = "champion"
_PRODUCTION = "Production"
_STAGES = (_PRODUCTION, "Staging", "Archived")


@dataclass(frozen=True)
class Brought:
    """A version that is in the registry now; `notes` says what the hub may not be able to do with it."""

    status: str
    """imported, or skipped: the same content was there."""
    version: int
    notes: tuple[str, ...] = ()


@dataclass
class ModelState:
    """A registered model of the target, as it is and as the import changes it."""

    name: str
    there: bool
    versions: dict[str, int]
    """By content."""
    exported: dict[int, str]
    """When a version's origin was last seen, ISO, by version."""
    aliases: dict[str, int]
    stages: dict[int, str]


@dataclass(frozen=True)
class Prepared:
    """A version whose files are in place."""

    source: Source
    tags: Mapping[str, str]
    notes: tuple[str, ...] = field(default=())


def bring_version(
    archive: Archive, manifest: Manifest, registry: Registry, name: str, *, exported: str = "", concurrency: int = 8
) -> Brought:
    """Registers a version under a full name of the target's registry, unless it is there; aliases and stage follow.

    `exported` is when the origin was seen as the manifest tells it, ISO and UTC; aliases never move back in that time.
    Raises Damaged, NewerFormat, Unfit, and what the server says. Whoever calls sees to it that nobody else brings
    versions of the same model at the same time.
    """
    with ThreadPoolExecutor(concurrency) as pool:
        bringer = Bringer(archive, Target.of(registry), pool)
        state = bringer.state(name, manifest)
        known = state.versions.get(manifest.content)
        if known is None:
            try:
                prepared = bringer.prepare(manifest, exported)
            except Exception:
                bringer.runs.drop_unused()
                raise
            brought = bringer.register(state, manifest, prepared)
        else:
            brought = Brought("skipped", known)
        bringer.point(state, manifest, brought.version, exported)
        return brought


class Bringer:
    """What the versions of one import share."""

    def __init__(self, archive: Archive, target: Target, pool: ThreadPoolExecutor) -> None:
        uploads = Uploads(archive, target, pool)
        self._archive = archive
        self._target = target
        self.runs = Runs(target, uploads)
        self._files = ModelFiles(target, uploads, self.runs)

    def state(self, name: str, manifest: Manifest) -> ModelState:
        """The registered model; its first version makes it. Raises Unfit where the name is another model's."""
        models = self._target.models
        found = models.get(name)
        if found is None:
            return ModelState(name, False, {}, {}, {}, {})
        _check_owner(found, manifest)
        known = models.versions(name)
        return ModelState(
            name,
            there=True,
            versions={each.tags[marks.CONTENT]: each.version for each in known if marks.CONTENT in each.tags},
            exported={each.version: each.tags.get(marks.EXPORTED, "") for each in known},
            aliases=dict(found.aliases),
            stages={each.version: each.stage for each in known if each.stage and each.stage in _STAGES},
        )

    def prepare(self, manifest: Manifest, exported: str) -> Prepared:
        """Everything but the version itself; calls of several versions may run at once."""
        model_file = read_model_file(self._archive, manifest)
        document = hashlib.sha256(manifest.to_json()).hexdigest()
        tags, notes = self._tags(manifest, document, exported)
        landing = self.runs.land(manifest, model_file)
        source = self._files.land(manifest, model_file, landing, marks.of_version(manifest, document))
        return Prepared(source, tags, (*manifest.notes, *model_file.notes(self._target.mlflow), *notes))

    def register(self, state: ModelState, manifest: Manifest, prepared: Prepared) -> Brought:
        """The version, after those that came before it."""
        models, content = self._target.models, manifest.content
        if not state.there:
            self._make_model(state, manifest, prepared)

        def make() -> int:
            return state.versions.get(content) or models.create_version(
                state.name,
                source=prepared.source.uri,
                run_id=prepared.source.run_id if manifest.run else None,
                model_id=prepared.source.model_id,
                description=manifest.version.description,
                tags=prepared.tags,
            )

        def look() -> None:
            for each in models.versions(state.name):
                if each.tags.get(marks.CONTENT) == content:
                    state.versions[content] = each.version

        version = again(make, look)
        self.runs.keep(manifest)
        state.versions[content] = version
        state.exported[version] = prepared.tags.get(marks.EXPORTED, "")
        return Brought("imported", version, prepared.notes)

    def _make_model(self, state: ModelState, manifest: Manifest, prepared: Prepared) -> None:
        version, models = manifest.version, self._target.models
        tags = {**marks.without_ours(dict(version.model_tags)), **marks.of_model(manifest)}
        if not models.create(state.name, version.model_description, tags) and (found := models.get(state.name)):
            try:
                _check_owner(found, manifest)
            except Unfit:
                if prepared.source.model_id:
                    self._target.tracking.delete_logged_model(prepared.source.model_id)
                raise
        state.there = True

    def point(self, state: ModelState, manifest: Manifest, version: int, exported: str) -> None:
        """Aliases and stage as the origin had them, unless the hub has heard of a later time."""
        origin, models = manifest.version, self._target.models
        stage = origin.stage if origin.stage in _STAGES else None
        aliases = set(origin.aliases)
        if self._target.in_catalog and stage == _PRODUCTION:
            aliases.add(CHAMPION)  # Unity Catalog has no stages
        for alias in sorted(aliases):
            holder = state.aliases.get(alias)
            if holder != version and state.exported.get(holder or 0, "") <= exported:
                models.set_alias(state.name, alias, version)
                state.aliases[alias] = version
        if stage and not self._target.in_catalog and state.stages.get(version) != stage:
            holders = [each for each, has in state.stages.items() if has == stage == _PRODUCTION]
            if all(state.exported.get(each, "") <= exported for each in holders):
                models.set_stage(state.name, version, stage)
                state.stages = {each: has for each, has in state.stages.items() if each not in holders}
                state.stages[version] = stage
        if exported > state.exported.get(version, ""):
            models.tag_version(state.name, version, marks.EXPORTED, exported)
            state.exported[version] = exported

    def _tags(self, manifest: Manifest, document: str, exported: str) -> tuple[dict[str, str], list[str]]:
        own = marks.without_ours(dict(manifest.version.tags))
        longest = self._target.longest_tag
        long = sorted(key for key, value in own.items() if len(value) > longest)
        own |= {key: f"{own[key][: longest - 2]} …" for key in long}
        notes = [f"tag {key} is cut to {longest} characters" for key in long]
        when = {marks.EXPORTED: exported} if exported else {}
        return {**own, **marks.of_version(manifest, document), **when}, notes


def _check_owner(found: RegisteredModel, manifest: Manifest) -> None:
    owner = (found.tags.get(marks.WORKSPACE), found.tags.get(marks.MODEL))
    mine = (manifest.origin.workspace, manifest.version.model)
    if owner == (None, None):
        raise Unfit(f"{found.name} exists already and is not a model of the marketplace: change the naming rule")
    if owner != mine:
        raise Unfit(f"{found.name} takes the versions of {owner[0]}'s {owner[1]} already: change the naming rule")
