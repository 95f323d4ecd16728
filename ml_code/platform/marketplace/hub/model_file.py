"""MLmodel, the file that says what a model's folder is: read, judged, and made to name the hub's own run and model."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from typing import Any

import yaml

from ml_code.platform.marketplace.hub.errors import Unfit

PATH = "MLmodel"
_FLAVOR = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ALWAYS = ("python_function",)


@dataclass(frozen=True)
class ModelFile:
    """The file as it came, and what it says."""

    content: bytes
    fields: dict[str, Any]

    @classmethod
    def read(cls, content: bytes) -> ModelFile:
        """Raises Unfit where it is not what MLflow writes."""
        try:
            fields = _loaded(content.decode())
        except (UnicodeDecodeError, RecursionError) as error:
            raise Unfit(f"{PATH} cannot be read: {error}") from None
        if fields is None:
            raise Unfit(f"{PATH} cannot be read: it is not YAML of plain values")
        if not isinstance(fields, dict) or not isinstance(fields.get("flavors"), dict) or not fields["flavors"]:
            raise Unfit(f"{PATH} names no flavour: it is not a model that MLflow can load")
        return cls(content, fields)

    @property
    def artifact_path(self) -> str:
        """The model's folder below its run's artifacts, as MLflow 2 writes it; "model" where it is not such a path."""
        path = str(self.fields.get("artifact_path") or "")
        inside = path and "://" not in path and ":/" not in path and ".." not in path.split("/")
        return path.strip("/") if inside and path.strip("/") else "model"

    def notes(self, mlflow: str) -> list[str]:
        """What a hub with this version of MLflow may not be able to do with it."""
        unknown = [name for name in self.fields["flavors"] if not _known(str(name))]
        found = [f"flavour {name} is not known to MLflow {mlflow}" for name in unknown]
        written = str(self.fields.get("mlflow_version") or "")
        if _release(written) > _release(mlflow):
            found.append(f"written by MLflow {written}, newer than the hub's {mlflow}")
        return found

    def naming(self, *, run_id: str | None, model_id: str | None, location: str) -> bytes:
        """The file with these in place of the origin's; all other lines stay as they are, byte by byte."""
        wanted, text = dict(self.fields), self.content.decode()
        for key, value in (("run_id", run_id), ("model_id", model_id), ("artifact_path", location)):
            if value and (key in wanted or key != "run_id"):
                wanted[key] = value
                text = _with(text, key, value)
            elif key == "model_id" and wanted.pop(key, None):
                text = _without(text, key)
        if _loaded(text) != wanted:  # written in a way that MLflow does not write
            text = yaml.safe_dump(wanted, sort_keys=False)
        return text.encode()


def _loaded(text: str | bytes) -> Any:
    """None where it is no YAML."""
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe
    except yaml.YAMLError:
        return None


def _known(flavor: str) -> bool:
    if flavor in _ALWAYS:
        return True
    return bool(_FLAVOR.fullmatch(flavor)) and importlib.util.find_spec(f"mlflow.{flavor}") is not None


def _release(version: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def _with(text: str, key: str, value: str) -> str:
    line = f"{key}: {value}"
    changed, count = re.subn(_line(key), lambda _: line, text, count=1)
    return changed if count else f"{text.rstrip()}\n{line}\n"


def _without(text: str, key: str) -> str:
    return re.sub(_line(key) + r"\n?", "", text, count=1)


def _line(key: str) -> str:
    # A top-level key's line; a long value goes on in indented lines below it.
    return rf"(?m)^{key}:.*(?:\n[ \t]+\S.*)*"
