"""The cluster policy of jobs, and the job clusters that fit it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.constructs.part import Part
from infra.constructs.tags import require_tags
from infra.settings.environment import Size
from infra.synth.library import provider
from infra.synth.stack import WorkspaceStack


@dataclass(frozen=True)
class ClusterPolicyConfig:
    """What clusters of jobs may be: one runtime, some machine types, a bound on workers, fixed tags."""

    name: str
    runtime: str
    node_types: Sequence[str]
    max_workers: int
    tags: Mapping[str, str]

    def definition(self) -> dict[str, dict[str, Any]]:
        """The policy in Databricks' policy language: job clusters of a single user, and nothing else."""
        workers = {"type": "range", "minValue": 0, "maxValue": self.max_workers}
        rules: dict[str, dict[str, Any]] = {
            "cluster_type": {"type": "fixed", "value": "job"},
            "data_security_mode": {"type": "fixed", "value": "SINGLE_USER"},
            "spark_version": {"type": "fixed", "value": self.runtime},
            "node_type_id": {"type": "allowlist", "values": list(self.node_types)},
            "num_workers": {**workers, "isOptional": True},
            "autoscale.max_workers": {**workers, "isOptional": True},
        }
        for key, value in sorted(require_tags(self.tags, f"cluster policy {self.name}").items()):
            if key not in ("branch", "expires"):  # differ between the copies that share the policy
                rules[f"custom_tags.{key}"] = {"type": "fixed", "value": value}
        return rules


class ClusterPolicy(Part):
    """A cluster policy. Outputs: `id`, `name`."""

    def __init__(self, scope: WorkspaceStack, name: str, config: ClusterPolicyConfig) -> None:
        super().__init__(scope, name)
        definition = json.dumps(config.definition(), sort_keys=True)
        policy = scope.make(self, "databricks_cluster_policy", name, name=config.name, definition=definition)
        self.id: str = policy.id
        self.name = config.name


@dataclass(frozen=True)
class JobClusterConfig:
    """The cluster of a job: of one user, under a policy, gone with the run."""

    runtime: str
    size: Size
    policy_id: str
    single_user: str
    """Application id of the service principal that the job runs as."""
    tags: Mapping[str, str]

    def block(self) -> Any:
        """The new_cluster block of a job cluster."""
        module = provider("job")
        arguments: dict[str, Any] = {
            "spark_version": self.runtime,
            "node_type_id": self.size.node_type,
            "policy_id": self.policy_id,
            "data_security_mode": "SINGLE_USER",
            "single_user_name": self.single_user,
        }
        tags = require_tags(self.tags, "job cluster")
        if self.size.max_workers is not None:
            arguments["autoscale"] = module.JobJobClusterNewClusterAutoscale(
                min_workers=self.size.workers, max_workers=self.size.max_workers
            )
        else:
            arguments["num_workers"] = self.size.workers
        if self.size.most_workers == 0:
            # One machine: Databricks wants this said together with num_workers 0.
            arguments["spark_conf"] = {"spark.databricks.cluster.profile": "singleNode", "spark.master": "local[*]"}
            tags["ResourceClass"] = "SingleNode"
        return module.JobJobClusterNewCluster(custom_tags=tags, **arguments)
