"""What was made from what: data version, environment and code of a training run as its tags, the reads of a scoring."""

import datetime
import hashlib
import platform
import sys
from dataclasses import astuple, dataclass
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path

_CODE = {".py", ".yml", ".yaml"}


@dataclass(frozen=True)
class DataVersion:
    """Which data a model saw: Delta versions of its tables, a hash of the rows' content, and their number."""

    tables: dict[str, int]
    digest: str
    rows: int
    source: str

    def tags(self) -> dict[str, str]:
        """As tags of a run or a model version."""
        versions = ", ".join(f"{name}@v{number}" for name, number in self.tables.items())
        return {
            "data_tables": versions,
            "data_digest": self.digest,
            "data_rows": str(self.rows),
            "data_source": self.source,
        }


@dataclass(frozen=True)
class ScoringRun:
    """What a scoring read: who scores which day with which version, from which Delta version of the feature table."""

    run_id: str
    date: datetime.date
    commit: str
    model: str
    model_version: int
    features_table: str
    features_version: int
    features_table_id: str | None

    def row(self) -> tuple[str | int | datetime.date | None, ...]:
        """As a row of the table of scorings."""
        return astuple(self)


def code_digest(root: str | Path) -> str:
    """SHA-256 (its first 32 digits) of the ML code: the content of its Python and YAML files with their paths.

    The same on every machine: neither line ends, file times nor compiled files count.
    """
    folder = Path(root) / "ml_code"
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.suffix in _CODE and path.is_file():
            content = path.read_bytes().replace(b"\r\n", b"\n")
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]


def environment_tags() -> dict[str, str]:
    """Python and the packages that decide a model's numbers."""
    packages = ("lightgbm", "numpy", "pandas", "optuna", "mlflow")
    return {"python_version": platform.python_version(), "platform": sys.platform} | {
        f"package_{name}": version(name) for name in packages
    }


@cache
def installed_packages() -> str:
    """Every installed package with its version, as a requirements file."""
    names = {(item.metadata["Name"] or "").lower(): item.version for item in distributions()}
    return "\n".join(f"{name}=={number}" for name, number in sorted(names.items()) if name) + "\n"


def model_requirements() -> list[str]:
    """What the logged model needs to be loaded; given to MLflow, which spends 10 s on finding out by itself."""
    return [f"{name}=={version(name)}" for name in ("mlflow", "lightgbm", "numpy", "pandas")]
