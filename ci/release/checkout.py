"""Another commit checked out as a branch, to be deployed from: stacks read the branch's own steps there."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.repository import ROOT, git
from infra.settings import Settings, load_settings
from infra.settings.backends import LocalState
from infra.settings.hooks import When

_TOOLS = (".venv", "node_modules")
_DAY = 86_400
_TRAINING = "training"
_EVIDENCE = ".branchline/evidence"


@contextmanager
def checked_out(commit: str, settings: Settings, root: Path = ROOT) -> Iterator[Path]:
    """A clone that borrows this one's objects, tools, evidence and local state; gone afterwards.

    A worktree would share the clone's branches, among them an older `release`, and no commit before its push is one.
    """
    home = root / ".branchline" / "checkouts"
    home.mkdir(parents=True, exist_ok=True)
    _forget_old(home)
    path = Path(tempfile.mkdtemp(prefix=f"{commit[:12]}-", dir=home))
    try:
        git(root, "clone", "--quiet", "--shared", "--no-checkout", str(root.absolute()), str(path))
        # git would list links as unknown files: .gitignore names folders.
        (path / ".git/info/exclude").write_text("\n".join([*_TOOLS, ".branchline"]) + "\n")
        git(path, "checkout", "--quiet", "-B", settings.branch, commit)
        for name in [*_TOOLS, _EVIDENCE, *_state_folders(settings)]:
            _link(root / name, path / name)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def settings_at(path: Path, present: Settings) -> Settings:
    """The present settings with the hooks of a checkout: those name its jobs. Who must approve stays as it is now.

    A hook that trains is one for changed code alone, of which a rollback has none: it must not make another champion.
    """
    folder = path / "infra" / "settings"
    then = load_settings(present.environment, branch=present.branch, folder=folder, repository=path)
    hooks = tuple(
        hook.model_copy(update={"when": When.CODE}) if hook.run_job == _TRAINING else hook for hook in then.values.hooks
    )
    return present.model_copy(update={"values": present.values.model_copy(update={"hooks": hooks})})


def _forget_old(home: Path) -> None:
    """A killed command leaves its checkout behind."""
    for path in home.iterdir():
        if path.stat().st_mtime < time.time() - _DAY:
            shutil.rmtree(path, ignore_errors=True)


def _state_folders(settings: Settings) -> list[str]:
    backend = settings.values.backend
    return [backend.directory] if isinstance(backend, LocalState) and not Path(backend.directory).is_absolute() else []


def _link(source: Path, target: Path) -> None:
    if source.exists() and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.resolve())
