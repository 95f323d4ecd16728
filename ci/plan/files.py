"""plan.json: a plan with the digests that an approval names."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from ci.errors import Trouble
from ci.plan.model import Plan


def plan_text(plan: Plan) -> str:
    """The file's text; it holds nothing sensitive."""
    digests = {environment: plan.digest(environment) for environment in plan.environments}
    return json.dumps({"digests": digests, "plan": plan.model_dump(mode="json")}, indent=2) + "\n"


def read_plan(path: Path) -> Plan:
    """A plan as it was written; raises Trouble if the file is none, or was changed since."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        plan = Plan.model_validate(content["plan"])
        digests = dict(content["digests"])
    except OSError as error:
        raise Trouble(f"{path} cannot be read ({error.strerror}): 'branchline plan' writes it") from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise Trouble(f"{path} is no plan that 'branchline plan' wrote: {error}") from error
    found = {environment: plan.digest(environment) for environment in plan.environments}
    if found != digests:
        changed = sorted(name for name in {*found, *digests} if found.get(name) != digests.get(name))
        raise Trouble(
            f"{path} was changed after it was written ({', '.join(changed)}): plan again and have it approved"
        )
    return plan
