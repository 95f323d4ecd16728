"""MLmodel files: what MLflow would do on loading is read from them, so what they may say is a short list."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ml_code.platform.configuration import read_yaml
from ml_code.platform.errors import ConfigurationError
from ml_code.platform.marketplace.intake.findings import Rejected
from ml_code.platform.marketplace.intake.kinds import unsafe_path
from ml_code.platform.marketplace.intake.pickle_names import allowed_names

FILE = "MLmodel"

_LOADERS = frozenset(f"mlflow.{name}" for name in ("sklearn", "lightgbm", "transformers"))
_FLAVORS = frozenset(("python_function", "sklearn", "lightgbm", "transformers"))
# Keys of flavours that hold code, or the addresses of other places that loading would fetch from.
_CODE = frozenset(
    (
        *("code", "model_code_path", "model_config_path", "artifacts", "peft_adaptor"),
        *("source_model_revision", "local_base_model_path"),
    )
)
_PATHS = frozenset(("pickled_model", "data", "model_path", "model_binary", "env", "conda", "virtualenv"))
# `pickled_model` of scikit-learn must be what was checked as such, not a text that was not.
_DATA = {"sklearn": ("pickled_model", {"pickle", "skops"}), "lightgbm": ("data", {"text"})}
_ENVIRONMENTS = ("requirements.txt", "conda.yaml", "python_env.yaml")
_PINNED = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?\s*([=<>!~]=?=?[^@;#/\\:$]*)?(;[^@/\\:$]*)?$")
_PYTHON_KEYS = {"python", "build_dependencies", "dependencies"}
_CONDA_KEYS = {"name", "channels", "dependencies"}
_CHANNELS = {"conda-forge", "defaults"}


def check_mlmodel(folder: Path, kinds: Mapping[str, str]) -> None:
    """Raises Rejected where loading the model in the folder would do more than read its checked files.

    `kinds`: what its files are, by path.
    """
    found = _read(folder / FILE, "mlmodel")
    flavors = found.get("flavors") if isinstance(found, dict) else None
    if not isinstance(flavors, dict) or not flavors or not all(isinstance(each, dict) for each in flavors.values()):
        raise Rejected("mlmodel", "it names no flavour", FILE)
    if unknown := sorted(set(flavors) - _FLAVORS):
        raise Rejected("mlmodel", f"flavour {', '.join(unknown)}: taken in are {', '.join(sorted(_FLAVORS))}", FILE)
    for name, flavor in flavors.items():
        _check_flavor(str(name), flavor, kinds)
    if "python_function" in flavors:
        _check_python(flavors["python_function"], flavors)
    for name in _ENVIRONMENTS:
        if (folder / name).exists():
            _check_environment(folder / name)


def describe(folder: Path) -> tuple[tuple[str, ...], dict[str, Any] | None]:
    """Flavours, and the signature as MLmodel has it; None where there is none."""
    found = read_yaml(folder / FILE)
    signature = found.get("signature")
    return tuple(sorted(found["flavors"])), signature if isinstance(signature, dict) else None


def _check_flavor(name: str, flavor: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    for key in sorted(_CODE & flavor.keys()):
        if flavor[key]:
            raise Rejected("code", f"{name}.{key} names code, or another place to fetch from", FILE)
    for key, value in _walk(flavor):
        if key in _PATHS and isinstance(value, str):
            unsafe_path(value, FILE)
    if untrusted := sorted(set(map(str, flavor.get("skops_trusted_types") or ())) - allowed_names()):
        raise Rejected("pickle", f"skops_trusted_types has {', '.join(untrusted[:5])}, not known to be harmless", FILE)
    if name in _DATA:
        _check_data(name, flavor, kinds, *_DATA[name])


def _check_python(python: Mapping[str, Any], flavors: Mapping[str, Mapping[str, Any]]) -> None:
    """What MLflow loads as a function must be the very model of the flavour that does the loading."""
    loader, function = python.get("loader_module"), str(python.get("predict_fn", "predict"))
    if loader not in _LOADERS:
        told = f"loader_module {loader!r} is run on loading; known are {', '.join(sorted(_LOADERS))}"
        raise Rejected("mlmodel", told, FILE)
    name = str(loader).removeprefix("mlflow.")
    if name not in flavors:
        raise Rejected("mlmodel", f"python_function loads {name}, which is none of its flavours", FILE)
    own = flavors[name].get(_DATA[name][0]) if name in _DATA else None
    for key in ("data", "model_path"):
        if key in python and python[key] != own:
            raise Rejected("mlmodel", f"python_function.{key} is {python[key]!r}, and not {name}'s {own!r}", FILE)
    if not function.isidentifier() or function.startswith("_"):
        raise Rejected("mlmodel", f"python_function.predict_fn {function!r} is no public function", FILE)


def _check_data(
    name: str, flavor: Mapping[str, Any], kinds: Mapping[str, str], key: str, wanted: Collection[str]
) -> None:
    kind = kinds.get(str(flavor.get(key)))
    if kind not in wanted:
        told = f"{name}.{key} is {flavor.get(key)!r}: {kind or 'no file of it'}, not {' or '.join(sorted(wanted))}"
        raise Rejected("mlmodel", told, FILE)
    if name == "lightgbm" and flavor.get("model_class", "lightgbm.basic.Booster") != "lightgbm.basic.Booster":
        raise Rejected("pickle", "lightgbm.model_class is loaded from a pickle: save the booster itself", FILE)
    if name == "sklearn" and (kind == "skops") != (flavor.get("serialization_format") == "skops"):
        raise Rejected("mlmodel", f"sklearn.serialization_format does not fit its file, which is {kind}", FILE)


def _read(path: Path, rule: str) -> Any:
    """The parsed file; without aliases, by which a short one becomes larger than any memory. Raises Rejected."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(path.read_text(encoding="utf-8"))):
            raise Rejected(rule, "it refers to parts of itself, which a model's files never do", path.name)
        return read_yaml(path)
    except (ConfigurationError, yaml.YAMLError, OSError) as error:
        raise Rejected(rule, str(error), path.name) from None


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield str(key), each
            yield from _walk(each)


def _check_environment(path: Path) -> None:
    """Raises Rejected unless its packages are named, by names and versions alone: no addresses and no options."""
    if path.suffix == ".txt":
        _check_packages(path.read_text(encoding="utf-8").splitlines(), path.name)
        return
    found = _read(path, "requirements")
    known = _CONDA_KEYS if path.name == "conda.yaml" else _PYTHON_KEYS
    if not isinstance(found, dict) or not set(found) <= known:
        raise Rejected("requirements", f"expected {', '.join(sorted(known))} and nothing else", path.name)
    if channels := set(map(str, found.get("channels") or ())) - _CHANNELS:
        raise Rejected("requirements", f"channel {', '.join(sorted(channels))}: not one of conda's own", path.name)
    for key in ("dependencies", "build_dependencies"):
        listed: list[Any] = []
        for each in found.get(key) or ():
            listed += each.get("pip") or () if isinstance(each, dict) else [each]
        _check_packages(map(str, listed), path.name)


def _check_packages(lines: Collection[str] | Iterator[str], name: str) -> None:
    for line in lines:
        text = line.strip()
        if not text or text.startswith("#") or text == "-r requirements.txt":
            continue
        if not _PINNED.match(text):
            raise Rejected("requirements", f"{text[:120]!r} is more than a package's name and version", name)
