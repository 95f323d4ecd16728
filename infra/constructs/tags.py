"""The tags that everything which costs money or holds data must carry."""

from collections.abc import Mapping

REQUIRED = ("project", "environment", "branch", "owner", "cost_center", "data_class")


class MissingTags(ValueError):
    """A resource was to be made without tags that it must have."""


def require_tags(tags: Mapping[str, str], resource: str) -> dict[str, str]:
    """The tags, if none of REQUIRED is missing or empty; raises MissingTags naming the resource and what it lacks."""
    missing = [name for name in REQUIRED if not tags.get(name, "").strip()]
    if missing:
        raise MissingTags(f"{resource}: missing tags {', '.join(missing)} (settings: tags of project and environment)")
    return dict(tags)
