"""Turns a bare interpreter (`python -I -S`) into one that has third-party packages and nothing of the workspace's.

`-S` keeps `.pth` files out, and with them editable installs: a task must see its branch's code, not the code that
the workspace was started from. A package of ours that is really installed in site-packages is hidden by name.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.abc
import importlib.machinery
import os
import site
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any


class HiddenPackages(importlib.abc.MetaPathFinder):
    """Finds the named top-level packages anywhere but in site-packages."""

    def __init__(self, names: frozenset[str], site_folders: frozenset[str]) -> None:
        self._names = names
        self._site_folders = site_folders

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._names:
            return None
        visible = [entry for entry in sys.path if entry not in self._site_folders]
        found = importlib.machinery.PathFinder.find_spec(fullname, visible, target)
        if found is None:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return found


class QuickExit:
    """Ends the process once all exit handlers have run, without taking its modules apart.

    With the usual packages loaded, that takes an interpreter a second or more, and nothing is left to gain by it.
    Exit handlers run last in, first out: this one has to be registered before any other.
    """

    def __init__(self) -> None:
        self._task: tuple[int, int] | None = None
        atexit.register(self._end)

    def expect(self, status: int) -> None:
        """From here on this process, and no child that it forks, ends with `status`."""
        self._task = (os.getpid(), status)

    def _end(self) -> None:
        if self._task is not None and self._task[0] == os.getpid():
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(self._task[1])


quick_exit = QuickExit()


def prepare_interpreter(interpreter: Mapping[str, Any]) -> None:
    """Adds site-packages and this folder's runtime modules; `interpreter` is what the workspace knows of its own.

    Keys: `site` (site-packages folders), `prefix` (of the virtual environment), `hidden` (names of our packages).
    """
    folders = [str(folder) for folder in interpreter["site"]]
    runtime = str(Path(__file__).resolve().parents[1])
    sys.path[:] = [entry for entry in sys.path if entry and entry != runtime and entry not in folders]
    sys.path += [*folders, runtime]
    sys.prefix = sys.exec_prefix = str(interpreter["prefix"])
    sys.meta_path.insert(0, HiddenPackages(frozenset(interpreter["hidden"]), frozenset(folders)))
    site.setquit()
    site.setcopyright()
    site.sethelper()
