"""MLflow experiments."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.constructs.part import Part
from infra.constructs.tags import require_tags
from infra.synth.library import cdk, provider
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class ExperimentConfig:
    """An experiment by its workspace path."""

    name: str
    tags: Mapping[str, str]


class Experiment(Part):
    """An MLflow experiment. Outputs: `id`, `name`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: ExperimentConfig) -> None:
        super().__init__(scope, name)
        tags = require_tags(config.tags, f"experiment {config.name}")
        experiment = scope.make(
            self,
            "databricks_mlflow_experiment",
            name,
            name=config.name,
            tags=[provider("mlflow_experiment").MlflowExperimentTags(key=k, value=v) for k, v in sorted(tags.items())],
            # The provider writes tags when it creates an experiment and never again, and the tracking server adds
            # its own: each later difference would be planned for ever.
            lifecycle=cdk.TerraformResourceLifecycle(ignore_changes=["tags"]),
        )
        self.id: str = experiment.id
        self.name = config.name
