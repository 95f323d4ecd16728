"""Serving endpoints of brought models: made, kept at the brought version, opened to whom it is approved for, ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, TypeVar

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.governance.grants import named

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.serving import AiGatewayConfig, ServedEntityInput, ServingEndpointDetailed

Done = TypeVar("Done")

_LONGEST = 63
_TAG = "marketplace_model"
_SERVED = "brought"


def endpoint_name(model: str) -> str:
    """The endpoint of a brought model: its name without catalog and schema, as far as endpoints' names may have it."""
    short = re.sub(r"[^A-Za-z0-9_-]+", "-", model.rpartition(".")[2]).strip("-_")
    return f"marketplace-{short}"[:_LONGEST].rstrip("-_")


def payload_table(model: str) -> str:
    """The table that the endpoint's requests are kept in, beside the model in Unity Catalog."""
    place = model.rpartition(".")[0]
    return f"{place}.{endpoint_name(model).replace('-', '_')}_payload"


class DatabricksEndpoints:
    """Endpoints of a workspace; what it refuses is a StepError."""

    def __init__(self, workspace: WorkspaceClient) -> None:
        self._workspace = workspace

    def serve(self, model: str, version: int, principals: Collection[str]) -> str:
        """As `serve`, for people."""
        done = self._asked(lambda: serve(self._workspace, model, version, principals))
        return f"endpoint {endpoint_name(model)} {done}"

    def end(self, model: str) -> str:
        """As `end`, for people."""
        ended = self._asked(lambda: end(self._workspace, model))
        return f"endpoint {endpoint_name(model)} {'removed: its approval has ended' if ended else 'is gone already'}"

    def _asked(self, call: Callable[[], Done]) -> Done:
        from databricks.sdk.errors.base import DatabricksError

        try:
            return call()
        except DatabricksError as error:
            raise StepError(f"serving endpoints of this workspace: {error}") from None


def serve(workspace: WorkspaceClient, model: str, version: int, principals: Collection[str]) -> str:
    """Makes the endpoint, or brings it to the version, and lets `principals` query it, and nobody else.

    Returns what was done: made, moved or kept. It is not waited for: an endpoint takes minutes to come up.
    Raises StepError where another's endpoint has the name, and databricks-sdk's errors.
    """
    from databricks.sdk.errors.platform import NotFound
    from databricks.sdk.service.serving import EndpointCoreConfigInput, EndpointTag

    name, served = endpoint_name(model), _served(model, version)
    try:
        found, done = workspace.serving_endpoints.get(name), "kept"
    except NotFound:
        config = EndpointCoreConfigInput(name=name, served_entities=[served])
        tags = [EndpointTag(_TAG, model)]
        workspace.serving_endpoints.create(name, config=config, tags=tags, ai_gateway=_gateway(model))
        found, done = workspace.serving_endpoints.get(name), "made"
    if not _is_of(found, model):
        raise StepError(f"the endpoint {name} is not of {model}: give the model another name in the settings")
    if str(version) not in _versions(found):
        workspace.serving_endpoints.update_config(name, served_entities=[served])
        done = "moved"
    _open(workspace, found, principals)
    return done


def end(workspace: WorkspaceClient, model: str) -> bool:
    """Removes the endpoint of a brought model; False where there is none of ours. Raises databricks-sdk's errors."""
    from databricks.sdk.errors.platform import NotFound

    name = endpoint_name(model)
    try:
        found = workspace.serving_endpoints.get(name)
    except NotFound:
        return False
    if not _is_of(found, model):
        return False
    workspace.serving_endpoints.delete(name)
    return True


def _is_of(endpoint: ServingEndpointDetailed, model: str) -> bool:
    return any(tag.key == _TAG and tag.value == model for tag in endpoint.tags or [])


def _served(model: str, version: int) -> ServedEntityInput:
    from databricks.sdk.service.serving import ServedEntityInput

    return ServedEntityInput(
        name=_SERVED,
        entity_name=model,
        entity_version=str(version),
        scale_to_zero_enabled=True,
        workload_size="Small",
    )


def _gateway(model: str) -> AiGatewayConfig | None:
    """Requests are kept in Unity Catalog, where they are counted as uses; other registries have no place for them."""
    from databricks.sdk.service.serving import AiGatewayConfig, AiGatewayInferenceTableConfig

    if model.count(".") != 2:
        return None
    catalog, schema, table = payload_table(model).split(".")
    prefix = table.removesuffix("_payload")
    kept = AiGatewayInferenceTableConfig(
        catalog_name=catalog, schema_name=schema, table_name_prefix=prefix, enabled=True
    )
    return AiGatewayConfig(inference_table_config=kept)


def _versions(endpoint: ServingEndpointDetailed) -> set[str | None]:
    """The versions that it serves, or is on its way to serve."""
    configs = (endpoint.pending_config, endpoint.config)
    newest = next((each for each in configs if each and each.served_entities), None)
    return {each.entity_version for each in (newest.served_entities if newest else None) or []}


def _open(workspace: WorkspaceClient, endpoint: ServingEndpointDetailed, principals: Collection[str]) -> None:
    """Entries of other levels, such as who manages it, stay."""
    from databricks.sdk.service.serving import ServingEndpointAccessControlRequest as Request
    from databricks.sdk.service.serving import ServingEndpointPermissionLevel

    query = ServingEndpointPermissionLevel.CAN_QUERY
    entries = [Request(**named(each), permission_level=query) for each in sorted(principals)]
    known = workspace.serving_endpoints.get_permissions(endpoint.id or "").access_control_list or []
    for each in known:
        level = next((own.permission_level for own in each.all_permissions or [] if not own.inherited), None)
        if level and level is not query:
            entries.append(
                Request(
                    group_name=each.group_name,
                    user_name=each.user_name,
                    service_principal_name=each.service_principal_name,
                    permission_level=level,
                )
            )
    workspace.serving_endpoints.set_permissions(endpoint.id or "", access_control_list=entries)
