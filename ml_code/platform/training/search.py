"""The hyperparameter search: seeded, so that the same rows and trials find the same parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna

from ml_code.platform.evaluation.metrics import METRICS, Floats
from ml_code.platform.training.booster import Fitted, Rows, fit

# Whether more of it is better.
_RISES = {"auc": True, "average_precision": True, "log_loss": False}


@dataclass(frozen=True)
class Plan:
    """What to search by; see configs.yml."""

    metric: str
    trials: int
    rounds: int
    seed: int
    threads: int


@dataclass(frozen=True)
class Trial:
    """One fitted attempt and how it did on the validation rows."""

    number: int
    parameters: dict[str, Any]
    fitted: Fitted
    predicted: Floats
    metrics: dict[str, float]


def search(
    features: tuple[str, ...], training: Rows, validation: Rows, plan: Plan, on_trial: Callable[[Trial], None]
) -> Trial:
    """Try `plan.trials` parameter sets; `on_trial` sees each, the best by `plan.metric` is returned."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    direction = "maximize" if _RISES[plan.metric] else "minimize"
    study = optuna.create_study(direction=direction, sampler=optuna.samplers.TPESampler(seed=plan.seed))
    best: Trial | None = None
    for number in range(plan.trials):
        asked = study.ask()
        rounds, parameters = _suggest(asked, plan.rounds)
        trial = _try(number, rounds, parameters, features, training, validation, plan)
        study.tell(asked, trial.metrics[plan.metric])
        on_trial(trial)
        if study.best_trial.number == number:
            best = trial
    if best is None:
        raise ValueError("expected at least one trial")
    return best


def _try(
    number: int,
    rounds: int,
    parameters: dict[str, Any],
    features: tuple[str, ...],
    training: Rows,
    validation: Rows,
    plan: Plan,
) -> Trial:
    fitted = fit(features, training, parameters, rounds=rounds, seed=plan.seed, threads=plan.threads)
    predicted = fitted.predict(validation.matrix)
    metrics = {name: metric(validation.outcome, predicted, None) for name, metric in METRICS.items()}
    finite = {name: value for name, value in metrics.items() if np.isfinite(value)}
    return Trial(number, parameters, fitted, predicted, finite)


def _suggest(trial: optuna.Trial, most_rounds: int) -> tuple[int, dict[str, Any]]:
    """Rounds are searched like the rest: stopping early on few outcomes often stops after one or two trees."""
    rounds = trial.suggest_int("rounds", min(20, most_rounds), most_rounds, log=True)
    return rounds, {
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.15, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 3, 31, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 80, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "bagging_freq": 1,
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-2, 30.0, log=True),
    }
