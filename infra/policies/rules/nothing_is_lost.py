"""Destroys and replacements that take data, models or history along."""

from collections.abc import Iterator

from infra.policies.environments import is_protected
from infra.policies.rule import Situation, Violation, rule

KEPT = frozenset(
    {
        "databricks_catalog",
        "databricks_directory",
        "databricks_external_location",
        "databricks_lakehouse_monitor",
        "databricks_metastore",
        "databricks_mlflow_experiment",
        "databricks_mlflow_model",
        "databricks_online_table",
        "databricks_quality_monitor",
        "databricks_registered_model",
        "databricks_schema",
        "databricks_secret_scope",
        "databricks_sql_table",
        "databricks_storage_credential",
        "databricks_vector_search_index",
        "databricks_volume",
    }
)
"""Kinds that hold what cannot be made again from code, or lead to it."""

_LOSING = {"destroy": "be destroyed", "replace": "be destroyed and made anew"}


@rule(
    "BRL_PLAN_2",
    "Staging and prod lose nothing that is not named",
    advice="Keep the object (its name and place decide whether Terraform replaces it), or name the loss in a commit of "
    "the change, in a line of its own: 'Destroys: <environment> <address>', once for each object.",
)
def nothing_is_lost(situation: Situation) -> Iterator[Violation]:
    """Objects of KEPT are neither destroyed nor replaced outside of dev, unless a commit of the change names them."""
    named = {(each.environment, each.address) for each in situation.declared}
    for stack in situation.stacks:
        if not is_protected(stack.environment):
            continue
        for change in stack.changes:
            losing = _LOSING.get(change.action)
            if losing and change.type in KEPT and (stack.environment, change.address) not in named:
                yield Violation(f"would {losing}, with all that is in it", stack.stack, change.address)
