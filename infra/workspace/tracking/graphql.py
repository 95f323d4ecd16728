"""GraphQL requests of MLflow's pages: which root fields they ask for, with which arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.workspace.gateway.errors import BadRequest, NotSupported

# A run's model versions may belong to models that the caller may not see; the answer is searched for this key.
_VERSIONS = "modelVersions"


def root_fields(request: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each root field of the request with its `input` argument; raises BadRequest for what cannot be read safely."""
    from graphql import GraphQLSyntaxError, parse
    from graphql.language import FieldNode, OperationDefinitionNode, Visitor, visit
    from graphql.utilities import value_from_ast_untyped

    class Unaliased(Visitor):
        def enter_field(self, node: FieldNode, *rest: object) -> None:
            if node.name.value == _VERSIONS and node.alias is not None:
                raise BadRequest(f"{_VERSIONS} cannot be given another name")

    try:
        document = parse(str(request.get("query") or ""))
    except GraphQLSyntaxError as error:
        raise BadRequest(f"the GraphQL query cannot be read: {error.message}") from error
    visit(document, Unaliased())
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1:
        raise BadRequest("a GraphQL request must hold exactly one operation")
    variables = request.get("variables") or {}
    for selection in operations[0].selection_set.selections:
        if not isinstance(selection, FieldNode):
            raise NotSupported("GraphQL fragments at the root of a query")
        arguments = {item.name.value: value_from_ast_untyped(item.value, variables) for item in selection.arguments}
        given = arguments.get("input")
        yield selection.name.value, given if isinstance(given, Mapping) else {}


def without(answer: dict[str, Any], sees: Callable[[str], bool]) -> dict[str, Any]:
    """The answer without the model versions of models that `sees` denies, and those that do not tell their model."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, list):
            return [cleaned(item) for item in value]
        if not isinstance(value, dict):
            return value
        result = {key: cleaned(item) for key, item in value.items()}
        if isinstance(result.get(_VERSIONS), list):
            versions = [item for item in result[_VERSIONS] if isinstance(item, dict)]
            result[_VERSIONS] = [item for item in versions if sees(str(item.get("name", "")))]
        return result

    cleaned_answer: dict[str, Any] = cleaned(answer)
    return cleaned_answer
