"""git itself, as a subprocess that never asks, never follows this user's configuration and cannot hang."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.workspace.gateway.errors import BadRequest

_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Login:
    """What a remote asks for; kept out of arguments and addresses, which other processes can read."""

    username: str
    token: str

    def header(self) -> str:
        return "Authorization: Basic " + base64.b64encode(f"{self.username}:{self.token}".encode()).decode()


class Git:
    """Runs git; `repos` maps the addresses of remotes to local repositories that stand for them (insteadOf)."""

    def __init__(self, repos: Mapping[str, str]) -> None:
        self._settings = [(f"url.{local}.insteadOf", url) for url, local in repos.items()]

    def run(self, *arguments: str, folder: Path | None = None, login: Login | None = None) -> str:
        """Standard output, stripped; raises BadRequest with git's own last words."""
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=folder,
                env=self._environment(login),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BadRequest(f"git {arguments[0]} did not end within {_TIMEOUT_SECONDS} s", "GIT_ERROR") from None
        if done.returncode != 0:
            words = done.stderr.strip().splitlines() or ["it said nothing"]
            raise BadRequest(f"git {arguments[0]}: {words[-1]}", "GIT_ERROR")
        return done.stdout.strip()

    def _environment(self, login: Login | None) -> dict[str, str]:
        settings = list(self._settings)
        if login is not None:
            settings.append(("http.extraHeader", login.header()))
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.devnull,
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for index, (key, value) in enumerate(settings):
            environment |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
        return environment
