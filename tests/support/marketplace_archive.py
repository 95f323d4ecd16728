"""Exported versions without an export: small real models put into an archive with a manifest."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ml_code.platform.marketplace.archive.archive import Archive, Committed
from ml_code.platform.marketplace.manifest import Manifest, Origin, Version


def exported(archive: Archive, model: str, version: int, *, workspace: str = "east", slope: float = 2.0) -> Committed:
    """A version whose prediction is `slope` times x, as `workspace` would have exported it."""
    folder = _saved(slope)
    files = tuple(
        archive.put(path.relative_to(folder).as_posix(), [path.read_bytes()])
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
    return archive.commit(
        Manifest(
            origin=Origin(workspace, "1", f"https://{workspace}.example.com", "unity_catalog", "3.17.0"),
            version=Version(
                model=model,
                version=version,
                description=f"slope {slope}",
                model_description="a line",
                model_tags={},
                tags={"team": "wards"},
                aliases=(),
                stage=None,
                created=1_770_000_000_000 + version,
                run_id=None,
                model_id=None,
            ),
            run=None,
            logged_model=None,
            model_files=files,
            artifacts=(),
            signature=None,
            flavors=("python_function", "sklearn"),
            lineage={},
            permissions=(),
        )
    )


def marks(model: str, version: int, committed: Committed, workspace: str = "east") -> dict[str, str]:
    """The tags that the hub's import gives a version."""
    return {
        "marketplace.workspace": workspace,
        "marketplace.model": model,
        "marketplace.version": str(version),
        "marketplace.manifest": committed.sha256,
        "marketplace.content": hashlib.sha256(committed.path.encode()).hexdigest(),
        "marketplace.origin": "{}",
    }


def imported(client: Any, name: str, model: str, version: int, committed: Committed, workspace: str = "east") -> int:
    """A version in the hub's registry with the tags of an import, and nothing in it."""
    from mlflow.exceptions import MlflowException

    tags = marks(model, version, committed, workspace)
    try:
        client.get_registered_model(name)
    except MlflowException:
        client.create_registered_model(name, {key: tags[key] for key in list(tags)[:2]}, "a line")
    path = f"/Shared/{name}"
    known = client.get_experiment_by_name(path) or client.get_experiment(client.create_experiment(path))
    made = client.create_model_version(name, f"{known.artifact_location}/model", tags=tags)
    return int(made.version)


@cache
def _saved(slope: float) -> Path:
    import mlflow
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    folder = Path(mkdtemp(prefix="line-")) / "model"
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    line = LinearRegression().fit(rows, rows["x"] * slope)
    mlflow.sklearn.save_model(line, folder, pip_requirements=["scikit-learn"])
    return folder
