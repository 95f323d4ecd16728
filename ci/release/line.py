"""Which branches and environments a release joins: the last environment's, and those of the one that precedes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ci.errors import Trouble
from infra.settings import Settings, load_project, load_settings
from infra.settings.loader import FOLDER


@dataclass(frozen=True)
class Line:
    """Every environment in the order of project.yaml; the last is where releases run."""

    environments: tuple[Settings, ...]

    @property
    def proven(self) -> Settings:
        """The environment in which main runs before it is released."""
        return self.environments[-2]

    @property
    def target(self) -> Settings:
        """The environment in which releases run."""
        return self.environments[-1]

    @property
    def main(self) -> str:
        """The branch that releases are cut from."""
        return self.proven.branch

    @property
    def release(self) -> str:
        """The branch that releases are cut to."""
        return self.target.branch

    @property
    def branches(self) -> tuple[str, ...]:
        """Of all environments, each once."""
        return tuple(dict.fromkeys(settings.branch for settings in self.environments))

    @property
    def by_name(self) -> dict[str, Settings]:
        """Every environment by its name."""
        return {settings.environment: settings for settings in self.environments}

    def find(self, environment: str) -> Settings:
        """Raises Trouble for an environment that there is not."""
        known = self.by_name
        if environment not in known:
            raise Trouble(f"no environment {environment!r}; there are {', '.join(known)}")
        return known[environment]


def load_line(folder: Path = FOLDER) -> Line:
    """From the settings; none is a feature branch's copy. Raises SettingsError, or Trouble with one environment."""
    names = load_project(folder).environments
    if len(names) < 2:
        raise Trouble(f"project.yaml has the environment {names[0]} only: a release goes from one to another")
    pinned = load_settings(names[-1], folder=folder).values.branch
    return Line(tuple(load_settings(name, branch=pinned, folder=folder) for name in names))
