"""A trail as a tree that people read: from what was asked about to where it came from, then to where it went."""

from __future__ import annotations

import textwrap
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.text import Text

from ci.lineage.trail import Edge, Node, State, Trail

_STYLES = {State.FOUND: "bold", State.GAP: "bold red", State.NONE: "dim"}
_FACT = "dim"


@dataclass(frozen=True)
class _Direction:
    """How to walk: the edges of a node, the end of an edge to go on to, and how the edge is told from where one is."""

    edges: Callable[[str], list[Edge]]
    next: Callable[[Edge], str]
    tell: Callable[[Edge], str]


def tree(trail: Trail, width: int) -> Iterator[Text]:
    """The lines; each thing is described once, where it is nearest to what was asked about."""
    back = _Direction(trail.into, lambda edge: edge.source, lambda edge: f"{edge.relation} it: ")
    forth = _Direction(trail.out_of, lambda edge: edge.target, lambda edge: f"it {edge.relation}: ")
    ways = [way for way in (back, forth) if way.edges(trail.subject)]
    subject = trail.node(trail.subject)
    yield from _described(subject, "", "", "│  " if ways else "   ", width)
    for number, way in enumerate(ways):
        yield from _Branches(trail, way, width).below(trail.subject, "", last=number == len(ways) - 1)
    yield Text(_summary(trail), style="red" if trail.gaps else "green")


class _Branches:
    def __init__(self, trail: Trail, way: _Direction, width: int) -> None:
        self._trail = trail
        self._way = way
        self._width = width
        self._home = _nearest(trail.subject, way)

    def below(self, id: str, indent: str, last: bool = True) -> Iterator[Text]:
        """The branches of a node; `last` says that nothing follows them at their own level."""
        edges = self._way.edges(id)
        for number, edge in enumerate(edges):
            ends = last and number == len(edges) - 1
            node = self._trail.node(self._way.next(edge))
            yield Text(f"{indent}│", style=_FACT)
            head = f"{indent}{'└─ ' if ends else '├─ '}"
            deeper = indent + ("   " if ends else "│  ")
            if self._home[node.id] != id:
                yield Text.assemble((head, _FACT), self._way.tell(edge), _named(node), (" …", _FACT))
                continue
            more = "│  " if self._way.edges(node.id) else "   "
            yield from _described(node, head, self._way.tell(edge), deeper + more, self._width)
            yield from self.below(node.id, deeper)


def _nearest(subject: str, way: _Direction) -> dict[str, str]:
    """For each node the neighbour under which it is described: on a shortest way from the subject."""
    home = {subject: ""}
    queue = deque([subject])
    while queue:
        id = queue.popleft()
        for edge in way.edges(id):
            if way.next(edge) not in home:
                home[way.next(edge)] = id
                queue.append(way.next(edge))
    return home


def _described(node: Node, head: str, told: str, indent: str, width: int) -> Iterator[Text]:
    mark = "GAP: " if node.state is State.GAP else ""
    style = _STYLES[node.state]
    yield Text.assemble((head, _FACT), told, (f"{mark}{_named(node)}", style))
    longest = max((len(name) for name in node.facts), default=0)
    if node.reason:
        yield from _wrapped(node.reason, indent, "", width, "red" if node.state is State.GAP else _FACT)
    for name, value in node.facts.items():
        yield from _wrapped(value, indent, f"{name:<{longest}}  ", width, _FACT)


def _named(node: Node) -> str:
    return str(node.kind) if node.title == node.kind else f"{node.kind} {node.title}"


def _wrapped(value: str, indent: str, name: str, width: int, style: str) -> Iterator[Text]:
    room = max(width - len(indent) - len(name), 30)
    lines = textwrap.wrap(value, room, break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        yield Text.assemble((indent, _FACT), (name if number == 0 else " " * len(name), _FACT), (line, style))


def _summary(trail: Trail) -> str:
    gaps = trail.gaps
    if not gaps:
        return f"The trail is whole: {len(trail.nodes)} things, {len(trail.edges)} links."
    named = ", ".join(sorted({str(gap.kind) for gap in gaps}))
    return f"The trail has {len(gaps)} {'gap' if len(gaps) == 1 else 'gaps'}: {named}."
