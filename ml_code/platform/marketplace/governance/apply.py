"""The hub's grants brought to what the approvals say: a model is used by whom one names, and by nobody else."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.governance.approvals import FILE, Approval
from ml_code.platform.marketplace.governance.grants import Grants

GRANTED, KEPT, REVOKED, FAILED = "granted", "kept", "revoked", "failed"
_AT_ONCE = 8


@dataclass(frozen=True)
class Applied:
    """What was done, or with a dry run would be done, for one principal and one model."""

    model: str
    principal: str
    state: str
    """granted, kept, revoked or failed."""
    until: datetime.date | None = None
    approved_by: str | None = None
    reason: str | None = None


def apply_approvals(
    approvals: Sequence[Approval],
    models: Mapping[str, str],
    grants: Grants,
    day: datetime.date,
    *,
    dry_run: bool = False,
) -> list[Applied]:
    """Grants what holds on `day` and takes everything else back; `models` are the hub's, short names to full ones.

    What fails for one principal or model is told in its line and stops no other. The grants themselves are the state:
    after a kill the next run finds what is missing.
    """
    by_model: dict[str, list[Approval]] = {name: [] for name in models}
    for approval in approvals:
        by_model.setdefault(approval.model, []).append(approval)

    def one(name: str) -> list[Applied]:
        if name not in models:
            return list(_unknown(by_model[name], day))
        return list(_of_model(name, models[name], by_model[name], grants, day, dry_run))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [line for lines in pool.map(one, sorted(by_model)) for line in lines]


def require_no_failure(applied: Sequence[Applied]) -> None:
    """Raises StepError naming what could not be applied."""
    failed = [line for line in applied if line.state == FAILED]
    if failed:
        shown = [f"{line.model} for {line.principal or 'everybody'}: {line.reason}" for line in failed]
        raise StepError("\n".join([f"{len(failed)} of {len(applied)} could not be applied, the rest is:", *shown]))


def _unknown(approvals: Sequence[Approval], day: datetime.date) -> Iterator[Applied]:
    for approval in approvals:
        for principal in approval.principals if approval.holds(day) else ():
            reason = f"the hub has no model {approval.model}: correct {FILE}, or wait until it is imported"
            yield _line(approval, principal, FAILED, reason)


def _of_model(
    name: str, full_name: str, approvals: Sequence[Approval], grants: Grants, day: datetime.date, dry_run: bool
) -> Iterator[Applied]:
    """Takes back before it gives."""
    holding = {principal: each for each in approvals if each.holds(day) for principal in each.principals}
    ended = {principal: each for each in approvals if not each.holds(day) for principal in each.principals}
    try:
        held = grants.users(full_name)
    except _errors() as error:
        for principal in sorted(holding) or ["*"]:
            yield Applied(name, principal, FAILED, reason=_told(error))
        return
    for principal in sorted(held - holding.keys()):
        over = ended.get(principal)
        reason = f"approval ended on {over.until}" if over else f"no approval in {FILE}"
        error_told = None if dry_run else _tried(grants.take, full_name, principal)
        yield _line(over, principal, FAILED if error_told else REVOKED, error_told or reason, name)
    for principal, approval in sorted(holding.items(), key=lambda item: item[0]):
        if principal in held:
            yield _line(approval, principal, KEPT, approval.reason)
            continue
        error_told = None if dry_run else _tried(grants.give, full_name, principal)
        yield _line(approval, principal, FAILED if error_told else GRANTED, error_told or approval.reason)


def _tried(call: Callable[[str, str], None], model: str, principal: str) -> str | None:
    """What went wrong, for people; None: nothing."""
    try:
        call(model, principal)
    except _errors() as error:
        return _told(error)
    return None


def _errors() -> tuple[type[Exception], ...]:
    """What a call of the workspace fails with; broken connections are errors of the operating system."""
    from databricks.sdk.errors.base import DatabricksError

    return (DatabricksError, StepError, OSError)


def _told(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _line(approval: Approval | None, principal: str, state: str, reason: str, model: str = "") -> Applied:
    if approval is None:
        return Applied(model, principal, state, reason=reason)
    return Applied(approval.model, principal, state, approval.until, approval.approved_by, reason)
