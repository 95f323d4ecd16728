"""The process in which MLflow's server runs: started by the workspace, gone when the workspace is.

It listens on a Unix socket that only this user can open; whoever gets through is the workspace, which has checked the
caller. It has no secrets of the workspace's in its environment.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
import warnings
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--descriptor", type=int, required=True)
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    os.environ.update(environment(folder))
    warnings.filterwarnings("ignore", message="starlette.middleware.wsgi is deprecated")
    _serve(folder, socket.socket(fileno=arguments.descriptor))


def environment(folder: Path) -> dict[str, str]:
    """The settings of MLflow's server; it reads them while it is imported."""
    return {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder / 'mlflow.db'}",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": (folder / "artifacts").as_uri(),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        # The workspace checks hosts and origins itself, and for all of its pages alike.
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_ASSISTANT_SANDBOX": "false",
        "MLFLOW_ENABLE_REMOTE_ASSISTANT": "false",
    }


def _serve(folder: Path, listener: socket.socket) -> None:
    import uvicorn

    from infra.workspace.tracking.template import create_database

    create_database(folder / "mlflow.db")
    from mlflow.server.fastapi_app import app

    # The first caller should not be the one who waits for the stores to open.
    threading.Thread(target=_open_stores, daemon=True).start()
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", server_header=False)
    uvicorn.Server(config).run(sockets=[listener])


def _open_stores() -> None:
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores()


def _leave_with_parent() -> None:
    """The workspace holds the other end of standard input; its end, however it comes, is ours."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
