"""What a workspace needs on this machine, and what names one."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ci.doctor.check import Check, output_of
from ci.errors import Trouble
from ci.target import find_target
from infra.settings import SettingsError, load_all
from infra.workspace import launch

_CALL_SECONDS = 10
# Its path is the workspace's own business; it tells it, and ci does not import its rooms.
_TEMPLATE = "from infra.workspace.tracking.template import template_path as p; print(p() if p().exists() else '')"


def settings() -> Check:
    try:
        loaded = load_all()
    except SettingsError as error:
        problems = "; ".join(str(problem) for problem in error.problems)
        return Check("settings", problems, "correct the files in infra/settings")
    return Check("settings", ", ".join(f"{name} from {each.branch}" for name, each in loaded.items()))


def data_folder(data_dir: Path) -> Check:
    """Whether the workspace could write its data; the nearest folder that exists is tried."""
    existing = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"x" * 65_536)
    except OSError as error:
        return Check("data folder", f"{existing}: {error.strerror}", "make it writable, or choose one with --data-dir")
    return Check("data folder", str(data_dir))


def ports(data_dir: Path) -> Check:
    """Whether the workspace's usual ports are free, or its own."""
    running = launch.find(data_dir)
    if running is not None:
        return Check("ports", f"a workspace runs at {running.url}")
    taken = [port for port in (launch.DEFAULT_PORT, launch.DEFAULT_PROVIDER_PORT) if _taken(port)]
    if taken:
        named = " and ".join(map(str, taken))
        return Check("ports", f"{named} in use", "branchline workspace up --port 0 picks free ones", must=False)
    return Check("ports", f"{launch.DEFAULT_PORT} and {launch.DEFAULT_PROVIDER_PORT} are free")


def mlflow_template() -> Check:
    found = output_of([sys.executable, "-c", _TEMPLATE])
    if not found or not found.strip():
        return Check("MLflow database", "no template", "make setup (else the first start makes it)", must=False)
    return Check("MLflow database", found.strip())


def credentials(data_dir: Path, variables: Mapping[str, str] = os.environ) -> Check:
    """Which workspace commands would talk to, and as whom; only asked, nothing is changed there."""
    try:
        target = find_target(data_dir, variables=variables)
        client = target.client(_CALL_SECONDS)
    except Trouble as trouble:
        return Check("workspace", "none named, none running", str(trouble), must=False)
    from databricks.sdk.errors.base import DatabricksError

    try:
        user = client.current_user.me().user_name
    except (DatabricksError, TimeoutError, ConnectionError, OSError) as error:
        return Check("workspace", f"{target.host}: {error}", "check the address and the credentials", must=False)
    return Check("workspace", f"{target.host} as {user}")


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
