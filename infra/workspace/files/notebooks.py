"""What an import is, a notebook or a file, and how notebooks are written out again."""

from __future__ import annotations

from dataclasses import dataclass

from infra.workspace.gateway.errors import BadRequest, NotSupported

_LANGUAGES = {".py": "PYTHON", ".sql": "SQL", ".scala": "SCALA", ".r": "R"}
_HEADERS = {
    "PYTHON": b"# Databricks notebook source",
    "SQL": b"-- Databricks notebook source",
    "SCALA": b"// Databricks notebook source",
    "R": b"# Databricks notebook source",
}


@dataclass(frozen=True)
class Import:
    """What to store, and where: `AUTO` takes a notebook's extension off its path."""

    path: str
    object_type: str
    language: str | None
    format: str | None


def classify(path: str, data: bytes, format: str, language: str | None) -> Import:
    """Decides as Databricks does; raises NotSupported for archives, BadRequest where a language is missing."""
    extension = _extension(path)
    known = _LANGUAGES.get(extension)
    if format == "RAW":
        return Import(path, "FILE", None, None)
    if format == "AUTO":
        if path.lower().endswith(".lvdash.json"):
            raise NotSupported(f"workspace/import of the dashboard {path}: make it by /api/2.0/lakeview/dashboards")
        if extension == ".ipynb":
            return Import(path[: -len(extension)], "NOTEBOOK", language or "PYTHON", "JUPYTER")
        if known and data.startswith(_HEADERS[known]):
            return Import(path[: -len(extension)], "NOTEBOOK", known, "SOURCE")
        return Import(path, "FILE", None, None)
    if format == "JUPYTER":
        return Import(path, "NOTEBOOK", language or "PYTHON", "JUPYTER")
    if format != "SOURCE":
        raise NotSupported(
            f"workspace/import of format {format}: the local workspace takes SOURCE, JUPYTER, AUTO and RAW"
        )
    if not (language or known):
        raise BadRequest("The language of a notebook is needed to import it in SOURCE format")
    if language and language not in _HEADERS:
        raise BadRequest(f"language must be one of {', '.join(_HEADERS)}, not {language}")
    return Import(path, "NOTEBOOK", language or known, "SOURCE")


def exported(data: bytes, language: str | None, stored: str | None, format: str) -> bytes:
    """A notebook's text; a source notebook begins with the line by which an import knows it again."""
    if format not in ("SOURCE", "AUTO", "JUPYTER", "RAW"):
        raise NotSupported(f"workspace/export in format {format}: the local workspace writes SOURCE, JUPYTER and AUTO")
    if format not in ("AUTO", "RAW", stored):
        raise NotSupported(f"workspace/export in format {format} of a notebook that was imported as {stored}")
    header = _HEADERS.get(language or "", b"")
    if stored == "SOURCE" and not data.startswith(header):
        return header + b"\n" + data
    return data


def file_type(language: str | None, stored: str | None) -> str:
    """The extension that an export announces."""
    if stored == "JUPYTER":
        return "ipynb"
    return next((extension[1:] for extension, name in _LANGUAGES.items() if name == language), "")


def _extension(path: str) -> str:
    name = path.rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return f".{extension.lower()}" if dot and stem else ""
