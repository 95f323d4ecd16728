"""Start, stop and find a local workspace: the only door for others."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.workspace.record import Record, read_admin_token, read_record

DEFAULT_PORT = 8765
DEFAULT_PROVIDER_PORT = 8766
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


class LaunchError(Exception):
    """The workspace could not be started, stopped or reached; the message says what to do."""


@dataclass(frozen=True)
class Running:
    """A workspace that answers."""

    data_dir: Path
    record: Record
    token: str

    @property
    def url(self) -> str:
        return self.record.url

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One REST call as the workspace's first admin; raises LaunchError with the workspace's own message."""
        import httpx  # as long to import as the rest of this module: start and stop do without

        response = httpx.request(
            method, self.url + path, headers={"Authorization": f"Bearer {self.token}"}, timeout=60, **options
        )
        if response.is_error:
            raise LaunchError(f"{method} {path}: {response.status_code} {response.text}")
        return response.json() if response.content else None


def start(
    data_dir: Path,
    port: int | None = None,
    provider_port: int | None = None,
    repos: Mapping[str, str] | None = None,
) -> Running:
    """Starts a workspace on a data folder, or finds the one that runs there; returns once it answers.

    Ports are kept from the folder's last run unless given; 0 picks free ones. `repos` maps git URLs, as the stacks name
    them, to local repositories. Raises LaunchError where the port is in use or the folder cannot be written.
    """
    running = find(data_dir)
    if running is not None:
        return _same_or_refuse(running, port, repos)
    data_dir = data_dir.absolute()
    _require_writable(data_dir)
    log = data_dir / "workspace.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            _command(data_dir, port, provider_port, repos),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LaunchError(f"the workspace did not start: {_last_words(log)} (the whole log: {log})")
        running = find(data_dir)
        if running is not None:
            return running
        time.sleep(0.02)
    process.kill()
    raise LaunchError(f"the workspace did not answer within {_START_SECONDS:.0f} s; its log: {log}")


def find(data_dir: Path) -> Running | None:
    """The workspace that runs on this folder and answers, if there is one."""
    record, token = read_record(data_dir), read_admin_token(data_dir)
    if record is None or token is None or not record.alive:
        return None
    return Running(data_dir.absolute(), record, token) if _answers(record, token) else None


def require(data_dir: Path) -> Running:
    running = find(data_dir)
    if running is None:
        raise LaunchError(f"no workspace runs on {data_dir}: start it with 'branchline workspace up'")
    return running


def stop(data_dir: Path) -> bool:
    """Stops the workspace and all that it started; False if none ran."""
    record = read_record(data_dir)
    if record is None or not record.alive:
        return False
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while record.alive:
        if time.monotonic() > deadline:
            os.kill(record.pid, signal.SIGKILL)
        time.sleep(0.02)
    return True


def reset(data_dir: Path) -> None:
    """Stops the workspace and deletes all of its data; the next start is that of a new workspace."""
    record = read_record(data_dir)
    if data_dir.exists() and any(data_dir.iterdir()) and record is None:
        raise LaunchError(f"{data_dir} is not a workspace's data folder; it is left as it is")
    stop(data_dir)
    shutil.rmtree(data_dir, ignore_errors=False) if data_dir.exists() else None


def environment(
    running: Running, principal: str | None = None, lifetime_seconds: int = 86_400, watched_pid: int | None = None
) -> dict[str, str]:
    """The variables that point Terraform, databricks-sdk and mlflow at the workspace.

    As its first admin, or as the service principal with that display name (a token of its own, which expires).
    Terraform gives a provider up whose process has gone, even where another listens by then at its address: with
    `watched_pid`, a process that outlives the commands, the variables stay good over a restart of the workspace.
    By default that is the caller's own.
    """
    pid = os.getpid() if watched_pid is None else watched_pid
    reattach = {source: {**entry, "Pid": pid} for source, entry in running.record.reattach.items()}
    token = running.token if principal is None else service_principal_token(running, principal, lifetime_seconds)
    return {
        "DATABRICKS_HOST": running.url,
        "DATABRICKS_TOKEN": token,
        "TF_VAR_databricks_host": running.url,
        "TF_VAR_databricks_token": token,
        "TF_REATTACH_PROVIDERS": json.dumps(reattach, separators=(",", ":")),
        "MLFLOW_TRACKING_URI": running.url,
        "MLFLOW_TRACKING_TOKEN": token,
    }


def service_principal_token(running: Running, display_name: str, lifetime_seconds: int) -> str:
    found = running.call(
        "GET",
        "/api/2.0/preview/scim/v2/ServicePrincipals",
        params={"filter": f"displayName eq {json.dumps(display_name)}"},
    ).get("Resources", [])
    if not found:
        raise LaunchError(f"the workspace has no service principal {display_name!r}: deploy its admin stack first")
    answer = running.call(
        "POST",
        "/api/2.0/token-management/on-behalf-of/tokens",
        json={
            "application_id": found[0]["applicationId"],
            "lifetime_seconds": lifetime_seconds,
            "comment": "branchline workspace env",
        },
    )
    return str(answer["token_value"])


def _command(data_dir: Path, port: int | None, provider_port: int | None, repos: Mapping[str, str] | None) -> list[str]:
    last = read_record(data_dir)
    port = port if port is not None else (last.port if last else DEFAULT_PORT)
    if provider_port is None:
        provider_port = 0 if port == 0 else (last.provider_port if last else DEFAULT_PROVIDER_PORT)
    mapping = dict(repos if repos is not None else (last.repos if last else {}))
    return [
        sys.executable, "-m", "infra.workspace.server",
        "--data-dir", str(data_dir), "--port", str(port), "--provider-port", str(provider_port),
        "--repos", json.dumps(mapping),
    ]  # fmt: skip


def _answers(record: Record, token: str) -> bool:
    """Whether the workspace answers its admin; with the standard library, for whose import nobody waits."""
    connection = http.client.HTTPConnection("127.0.0.1", record.port, timeout=60)
    try:
        connection.request("GET", "/api/2.0/local/status", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    if response.status >= http.HTTPStatus.BAD_REQUEST:
        raise LaunchError(f"the workspace at {record.url} does not answer as one: {response.status} {text}")
    return True


def _same_or_refuse(running: Running, port: int | None, repos: Mapping[str, str] | None) -> Running:
    if port not in (None, 0, running.record.port):
        raise LaunchError(f"a workspace runs on {running.data_dir} at {running.url} already, not on port {port}")
    if repos is not None and dict(repos) != running.record.repos:
        raise LaunchError(f"the workspace at {running.url} maps other repositories: stop it first ('workspace down')")
    return running


def _require_writable(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data_dir / ".probe"
        probe.write_bytes(b"x" * 65_536)
        probe.unlink()
    except OSError as error:
        raise LaunchError(f"the data folder {data_dir} cannot be written: {error.strerror}; choose another") from error


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
