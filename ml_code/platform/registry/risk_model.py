"""The model as it is logged: MLflow keeps a copy of this very file beside the booster and runs it to load the model.

So an old version loads with its own code, whatever the checkout looks like by then. It imports nothing of ours for that
reason. Input: the features by name, unimputed. Output: the probability of the outcome, one a row.
"""

import json
from pathlib import Path
from typing import Any

import lightgbm
import mlflow
import numpy as np
import pandas as pd


class RiskModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # mlflow is not followed by the type checker
    """A LightGBM booster and the preparation that it was fitted with."""

    booster: lightgbm.Booster
    booster_text: str
    preparation: dict[str, Any]

    def load_context(self, context: Any) -> None:
        """Read the artifacts."""
        self.booster_text = Path(context.artifacts["booster"]).read_text(encoding="utf-8")
        self.booster = lightgbm.Booster(model_str=self.booster_text)
        self.preparation = json.loads(Path(context.artifacts["preparation"]).read_text(encoding="utf-8"))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Probability of the outcome by row."""
        columns = model_input[self.preparation["features"]]
        matrix = columns.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
        for position, name in enumerate(self.preparation["features"]):
            if name in self.preparation["fill"]:
                column = matrix[:, position]
                column[np.isnan(column)] = self.preparation["fill"][name]
        return self.booster.predict(matrix)


mlflow.models.set_model(RiskModel())
