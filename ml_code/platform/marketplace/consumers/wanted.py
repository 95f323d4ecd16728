"""What a workspace wants of the marketplace, and what of it the approvals let it have."""

from __future__ import annotations

import datetime
import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ml_code.platform.configuration import Section, parse
from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.governance.approvals import FILE, Approval
from ml_code.platform.marketplace.governance.index import Index, IndexedModel, IndexedVersion


class NotApproved(StepError):
    """A workspace may not have a model, or not that version of it, or not any more."""


def _filled(value: Any) -> Any:
    return None if value == "" else value


class Wanted(Section):
    """One model to bring; without a version the approved champion, without a name called as in the hub."""

    model: Annotated[str, Field(min_length=1)]
    version: Annotated[int | None, BeforeValidator(_filled)] = Field(None, ge=1)
    name: Annotated[str | None, BeforeValidator(_filled)] = None
    deploy: Literal["none", "batch", "endpoint"] = "none"
    """What is made of it: an endpoint is made here, a batch job by the workspace's stack."""


class _List(Section):
    wanted: tuple[Wanted, ...]


@dataclass(frozen=True)
class Choice:
    """A version that may be brought, and by which approvals."""

    model: IndexedModel
    version: IndexedVersion
    approvals: tuple[Approval, ...]


def read_wanted(text: str) -> tuple[Wanted, ...]:
    """The parameter `wanted`, a JSON list. Raises ConfigurationError naming what is wrong in it."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise StepError(f"wanted: not valid JSON ({error.msg}, character {error.pos}): {text[:80]!r}") from None
    return parse(_List, {"wanted": raw}, "parameters").wanted


def choose(index: Index, wanted: Wanted, workspace: str, day: datetime.date) -> Choice:
    """The version to bring. Raises NotApproved, and StepError where the hub does not have what is wanted."""
    model = index.model(wanted.model)
    if model is None:
        near = difflib.get_close_matches(wanted.model, [each.name for each in index.models], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise StepError(f"the marketplace has no model {wanted.model}{hint}")
    approvals = holding(model, workspace, day)
    if wanted.version is None:
        version = _chosen(model, approvals)
    else:
        version = model.version(wanted.version)
        if version is None:
            known = ", ".join(str(each.version) for each in model.versions)
            raise StepError(f"{model.name} has no version {wanted.version} in the marketplace; it has {known}")
    covering = tuple(each for each in approvals if version and covers(each, version, model))
    if version is None or not covering:
        allowed = ", ".join(_words(each) for each in approvals)
        which = f"version {wanted.version}" if wanted.version else "the versions that are approved"
        raise NotApproved(
            f"{model.name}: {workspace} may have {allowed}, not {which}: change the settings, or have the version"
            f" approved in {FILE}"
        )
    return Choice(model, version, covering)


def holding(model: IndexedModel, workspace: str, day: datetime.date) -> Sequence[Approval]:
    """The approvals by which a workspace has the model on a day. Raises NotApproved where there is none."""
    approvals = model.approvals_of(workspace)
    found = [each for each in approvals if each.holds(day)]
    if not found and approvals:
        last = max(each.until for each in approvals)
        raise NotApproved(f"{model.name}: its approval for {workspace} ended on {last}: have it renewed in {FILE}")
    if not found:
        raise NotApproved(f"{model.name} is not approved for {workspace}: have it approved in {FILE}")
    return found


def covers(approval: Approval, version: IndexedVersion, model: IndexedModel) -> bool:
    """Whether an approval is for the version: one of its own, or the champion where it names none."""
    return version.version in approval.versions if approval.versions else version == model.champion


def covers_brought(approval: Approval, hub_version: int) -> bool:
    """Whether an approval is for a version that was brought: a champion that is none any more may be used on."""
    return not approval.versions or hub_version in approval.versions


def _chosen(model: IndexedModel, approvals: Sequence[Approval]) -> IndexedVersion | None:
    """The champion if it is approved, else the newest version that is."""
    allowed = [each for each in model.versions if any(covers(approval, each, model) for approval in approvals)]
    if model.champion in allowed:
        return model.champion
    return max(allowed, key=lambda each: each.version, default=None)


def _words(approval: Approval) -> str:
    if not approval.versions:
        return "the champion"
    return "version " + " or ".join(str(number) for number in approval.versions)
