"""One file for each family of resource types: how their state maps to Databricks' REST API."""

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Imports every family, which declares its types."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
