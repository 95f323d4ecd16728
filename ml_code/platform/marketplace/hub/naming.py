"""What a model of another workspace is called in the hub, and whether the hub may call it so."""

from __future__ import annotations

import re
import string

from ml_code.platform.errors import ConfigurationError
from ml_code.platform.marketplace.hub.errors import Unfit

_FIELDS = ("workspace", "catalog", "schema", "model")
_LONGEST = 255
# Unity Catalog: no dots, spaces, slashes or control characters in an object's name. MLflow: no slash, no colon.
_NOT_IN_CATALOG = re.compile(r"[.\s/\x00-\x1f\x7f]")
_NOT_IN_MLFLOW = re.compile(r"[/:\x00-\x1f\x7f]")


def check_template(template: str) -> None:
    """Raises ConfigurationError where the naming rule of the settings is none."""
    try:
        found = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
    except ValueError as error:
        raise ConfigurationError(f"naming {template!r}: {error}") from None
    if unknown := sorted(found - set(_FIELDS)):
        raise ConfigurationError(f"naming {template!r}: unknown {', '.join(unknown)}; expected {', '.join(_FIELDS)}")
    if "model" not in found:
        raise ConfigurationError(f"naming {template!r}: without {{model}} all models would have one name")


def hub_name(template: str, workspace: str, model: str, place: str | None) -> str:
    """The registered model's name in the hub, in full.

    `place` is the catalog and schema, "main.marketplace"; None where the registry has neither. {catalog} and {schema}
    are empty for a model of a registry without them. Raises Unfit with the rule that the name breaks.
    """
    catalog, schema, short = _parts(model)
    name = template.format(workspace=workspace, catalog=catalog, schema=schema, model=short)
    rule = _broken(name, _NOT_IN_CATALOG if place else _NOT_IN_MLFLOW)
    if rule:
        where = f"{place} of Unity Catalog" if place else "the hub's registry"
        raise Unfit(f"{workspace}'s {model} would be {name!r} in {where}: {rule}; rename it or change the naming rule")
    # Unity Catalog keeps names in lower case: so do we, or one model would be looked for under two names.
    return f"{place}.{name}".lower() if place else name


def _parts(model: str) -> tuple[str, str, str]:
    parts = model.split(".")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 and all(parts) else ("", "", model)


def _broken(name: str, forbidden: re.Pattern[str]) -> str:
    if not name.strip():
        return "a name cannot be empty"
    if len(name) > _LONGEST:
        return f"a name has at most {_LONGEST} characters, this one {len(name)}"
    found = forbidden.search(name)
    return f"a name cannot contain {found.group()!r}" if found else ""
