"""A real browser for tests: Debian's chromium without a window, logged in to a workspace as a person would be."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from infra.workspace.launch import Running

_SECONDS = 180  # a machine that does other things as well may take a minute
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # tests run as root in containers, where chromium's own sandbox has no user to drop to
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    # No page may reach another machine, whatever stands in it.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class Opened:
    """What the browser made of a page: its document as HTML after loading, and a picture (PNG)."""

    document: str
    picture: Path

    def colours(self) -> int:
        """How many colours the picture has: a page that was not drawn has few."""
        import numpy as np
        from matplotlib.image import imread

        pixels = imread(self.picture)
        return len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0))


class Browser:
    """Opens pages of one workspace; each opening is a new browser that has logged in by a one-time link."""

    def __init__(self, workspace: Running, folder: Path, token: str | None = None) -> None:
        self._url = workspace.url
        self._token = token or workspace.token
        self._folder = folder
        _executable()

    def open(self, path: str, width: int = 1400, height: int = 2000) -> Opened:
        """The page at a path of the workspace, as the owner of the token sees it."""
        name = re.sub(r"[^\w.-]+", "-", path).strip("-") or "home"
        picture = self._folder / f"{name}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        return open_address(self._address(path), picture, width, height)

    def _address(self, path: str) -> str:
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = httpx.post(f"{self._url}/api/2.0/local/login-codes", headers=headers, timeout=60)
        answer.raise_for_status()
        return f"{self._url}/login?code={answer.json()['code']}&next={quote(path, safe='')}"


def open_address(address: str, picture: Path, width: int = 1400, height: int = 2000) -> Opened:
    """The page at an address, which may be a file's, in a new browser; the picture is put where it says."""
    with tempfile.TemporaryDirectory(prefix="chromium-") as profile:
        done = subprocess.run(
            [
                _executable(),
                *_ARGUMENTS,
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--screenshot={picture}",
                "--dump-dom",
                address,
            ],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    assert done.returncode == 0, f"chromium failed at {address}: {done.stderr[-2000:]}"
    assert picture.exists(), f"chromium made no picture of {address}: {done.stderr[-2000:]}"
    return Opened(done.stdout, picture)


def _executable() -> str:
    """Skips the test where there is no browser."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("chromium is missing: apt-get install chromium")
    return found
