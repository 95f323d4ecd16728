"""Exported versions without an export: small real models put into an archive with a manifest."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from ml_code.platform.marketplace.archive.archive import Archive, Committed
from ml_code.platform.marketplace.hub.bring import bring_version
from ml_code.platform.marketplace.manifest import Manifest, Origin, Version
from ml_code.platform.marketplace.registry.reading import Registry


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


def imported(archive: Archive, committed: Committed, name: str) -> int:
    """The version in the registry that MLflow has here, as an import makes it; its number."""
    manifest = archive.manifest(committed.path, committed.sha256)
    registry = "unity_catalog" if name.count(".") == 2 else "workspace"
    return bring_version(archive, manifest, Registry.connect(registry=registry), name).version


@cache
def _saved(slope: float) -> Path:
    import mlflow
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    folder = Path(mkdtemp(prefix="line-")) / "model"
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0]})
    line = LinearRegression().fit(rows, rows["x"] * slope)
    signature = mlflow.models.infer_signature(rows, line.predict(rows))
    mlflow.sklearn.save_model(line, folder, signature=signature, pip_requirements=["scikit-learn"])
    return folder
