"""Step hrob.halt: end the run as failed, with the reasons of the data gate."""

from typing import TYPE_CHECKING, Any, NoReturn

from ml_code.platform.errors import StepError

if TYPE_CHECKING:
    from ml_code.context import Context


def run(context: "Context", **_: Any) -> NoReturn:
    """Raises StepError: what the gate found, and what to do."""
    reasons = context.task_value("gate", "reasons") or "the gate told no reasons"
    raise StepError(
        f"the training set is not to be trusted, nothing was trained: {reasons}. Repair the data and run again; if the "
        "change is meant, loosen the limit in the environment's settings (data_gate.limits)"
    )
