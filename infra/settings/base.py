"""What every settings model has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Frozen, typed without conversion ("3" is no number), and closed: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A name in Unity Catalog: lower-case letters, digits and underscores, at most 64."""

Text = Annotated[str, Field(min_length=1)]

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]

Quartz = Annotated[str, Field(pattern=r"^\S+( \S+){5,6}$")]
"""A Quartz expression: seconds, minutes, hours, day of month, month, day of week and, if wanted, year."""

PinnedPackage = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9.+!-]+$")]
"""A Python package with its exact version, such as mlflow==3.17.2."""
