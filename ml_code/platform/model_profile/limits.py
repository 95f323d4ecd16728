"""Limits of the model profile as the settings have them: `{"latency_ms_32": 50, "memory_mb": 500}`."""

from collections.abc import Iterable, Mapping

from ml_code.platform.limits import numbers, read_object
from ml_code.platform.model_profile.measure import BATCHES, ModelProfile
from ml_code.platform.registry.findings import Finding, at_most

LIMITS = (*(f"latency_ms_{rows}" for rows in BATCHES), "memory_mb", "size_mb", "load_seconds")

_WORDS = {"memory_mb": "memory to load and predict (MB)", "size_mb": "size (MB)", "load_seconds": "time to load (s)"}


def read_limits(text: str, where: str = "--model_limits") -> dict[str, float]:
    """Upper limits by name from JSON. Raises StepError naming the key and what was expected."""
    return numbers(read_object(text, where), LIMITS, where)


def findings(limits: Mapping[str, float], profile: ModelProfile) -> Iterable[Finding]:
    """One finding a limit."""
    measured = profile.numbers()
    for name, limit in limits.items():
        rows = name.removeprefix("latency_ms_")
        words = _WORDS.get(name, f"median latency of {rows} rows (ms)")
        yield at_most(f"profile.{name}", measured[name], limit, words)
