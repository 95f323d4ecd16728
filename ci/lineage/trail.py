"""A trail: what came from what, as nodes and edges that read in the order of cause and effect."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from pydantic import Field, model_validator

from ci.plan.model import Frozen

COMPLETE, HAS_GAPS = 0, 3
"""Exit codes: the trail is whole; something of it is missing."""


class Kind(StrEnum):
    """What a node is; the value is how people call it."""

    PULL_REQUEST = "pull request"
    COMMIT = "commit"
    PLAN = "plan"
    DEPLOYMENT = "deployment"
    JOB_RUN = "job run"
    FILE = "landed file"
    TABLE = "table"
    FEATURES = "features"
    DATA = "data version"
    RUN = "MLflow run"
    MODEL = "model version"
    PREDICTION = "prediction"
    PREDICTIONS = "predictions"
    JOB = "job"
    ENDPOINT = "serving endpoint"


class State(StrEnum):
    """Whether a node is there."""

    FOUND = "found"
    GAP = "gap"
    """It should be there and is not, or cannot be seen: the trail is not whole."""
    NONE = "none"
    """There is none, and nothing is wrong with that."""


class Node(Frozen):
    """One thing on the trail. `id` is the same whenever the same thing is looked at."""

    id: str
    kind: Kind
    title: str
    state: State = State.FOUND
    reason: str = Field("", description="why it is a gap, or why there is none")
    facts: dict[str, str] = Field(default_factory=dict, description="in the order in which they are told")


class Edge(Frozen):
    """`source` came first; `relation` reads from it to `target`, such as `trained`."""

    source: str
    target: str
    relation: str


class Trail(Frozen):
    """A directed graph without cycles; ValueError for anything else."""

    subject: str = Field(description="id of the node that was asked about")
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @model_validator(mode="after")
    def _is_a_graph_without_cycles(self) -> Trail:
        known = [node.id for node in self.nodes]
        if len(set(known)) < len(known):
            raise ValueError("two nodes have the same id")
        named = {self.subject, *(end for edge in self.edges for end in (edge.source, edge.target))}
        if unknown := sorted(named - set(known)):
            raise ValueError(f"no node has the id {unknown[0]!r}")
        try:
            self.in_order()
        except CycleError as error:
            raise ValueError(f"a thing cannot have come from itself: {' → '.join(error.args[1])}") from error
        return self

    @property
    def gaps(self) -> tuple[Node, ...]:
        """What is missing."""
        return tuple(node for node in self.nodes if node.state is State.GAP)

    @property
    def exit_code(self) -> int:
        """COMPLETE, or HAS_GAPS."""
        return HAS_GAPS if self.gaps else COMPLETE

    def node(self, id: str) -> Node:
        """Raises KeyError if there is none."""
        return {node.id: node for node in self.nodes}[id]

    def into(self, id: str) -> list[Edge]:
        """What it came from."""
        return [edge for edge in self.edges if edge.target == id]

    def out_of(self, id: str) -> list[Edge]:
        """What came from it."""
        return [edge for edge in self.edges if edge.source == id]

    def in_order(self) -> list[str]:
        """Ids, causes before their effects."""
        sorter = TopologicalSorter({node.id: () for node in self.nodes})
        for edge in self.edges:
            sorter.add(edge.target, edge.source)
        return list(sorter.static_order())


class Tracing:
    """A trail under way. What is told of a thing again adds to it; a gap is closed by finding the thing."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._edges: dict[tuple[str, str], Edge] = {}

    def __contains__(self, id: str) -> bool:
        return id in self._nodes

    def add(self, node: Node, *, into: str | None = None, relation: str = "") -> str:
        """Adds it, and an edge from it to `into`; returns its id."""
        known = self._nodes.get(node.id)
        if known is None or (known.state is not State.FOUND and node.state is State.FOUND):
            self._nodes[node.id] = node
        elif node.state is State.FOUND:
            self._nodes[node.id] = known.model_copy(update={"facts": {**known.facts, **node.facts}})
        if into is not None:
            self.link(node.id, into, relation)
        return node.id

    def gap(self, kind: Kind, of: str, title: str, reason: str, relation: str) -> str:
        """Something that should lead to `of` and is missing."""
        node = Node(id=f"gap:{kind}:{of}", kind=kind, title=title, state=State.GAP, reason=reason)
        return self.add(node, into=of, relation=relation)

    def link(self, source: str, target: str, relation: str) -> None:
        """An edge; one between two nodes is enough."""
        self._edges.setdefault((source, target), Edge(source=source, target=target, relation=relation))

    def trail(self, subject: str) -> Trail:
        """What was found."""
        return Trail(subject=subject, nodes=tuple(self._nodes.values()), edges=tuple(self._edges.values()))


def facts(pairs: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Pairs that say something, as text."""
    return {name: str(value) for name, value in pairs if value not in (None, "")}
