"""Which versions of libraries a task gets."""

import re
from collections.abc import Iterator

from checkov.common.models.enums import CheckCategories

from infra.policies.check import check
from infra.policies.jobs import tasks
from infra.policies.policy import Severity
from infra.policies.resource import Block, Resource

_PYPI = re.compile(r"^[A-Za-z0-9][\w.-]*(\[[\w,. -]+\])?\s*==\s*[0-9][\w.+!-]*$")
_MAVEN = re.compile(r"^[\w.-]+:[\w.-]+:[0-9][\w.+-]*$")
_BUILT = re.compile(r"-[0-9]+(\.[0-9A-Za-z]+)+[^/]*\.(whl|jar)$")


@check(
    "BRL_DBX_14",
    "Libraries have exact versions",
    kinds=["databricks_job", "databricks_cluster", "databricks_library"],
    severity=Severity.MEDIUM,
    advice="Write name==version (settings: libraries): the same commit must run the same code tomorrow.",
    category=CheckCategories.SUPPLY_CHAIN,
    setting="libraries",
)
def library_pinned(resource: Resource) -> Iterator[str]:
    """Python packages by ==, Maven coordinates with a version, files with a version in their name."""
    if resource.kind == "databricks_job":
        for where, task in tasks(resource):
            for library in task.blocks("library"):
                yield from (f"{where}: {problem}" for problem in _problems(library))
        for environment in resource.blocks("environment"):
            for package in environment.block("spec").values("dependencies"):
                if not _PYPI.match(str(package)):
                    yield f"environment '{environment.value('environment_key')}': {package} has no exact version"
    else:
        for library in [resource] if resource.kind == "databricks_library" else resource.blocks("library"):
            yield from _problems(library)


def _problems(library: Block) -> Iterator[str]:
    for package in library.blocks("pypi"):
        if not _PYPI.match(str(package.value("package"))):
            yield f"{package.value('package')} has no exact version"
    for package in library.blocks("maven"):
        if not _MAVEN.match(str(package.value("coordinates"))):
            yield f"{package.value('coordinates')} has no exact version"
    for package in library.blocks("cran"):
        yield f"{package.value('package')} comes from CRAN, which serves its newest version alone"
    for kind in ("whl", "jar"):
        if (file := library.value(kind)) and not _BUILT.search(str(file)):
            yield f"{file} has no version in its name"
    for kind in ("egg", "requirements"):
        if file := library.value(kind):
            yield f"{file} does not say here which versions it brings"
