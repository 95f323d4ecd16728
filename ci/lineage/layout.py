"""A layered layout: causes above, effects below, links that go around cards instead of through them.

After Sugiyama, Tagawa and Toda (1981): rows by the longest way to an effect, invisible bends where a link crosses rows,
order within a row by the mean position of neighbours, then places as near to them as the order allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ci.lineage.trail import Trail

_SWEEPS = 10
_BEND_WIDTH = 18.0
_PORTS = 0.62  # the share of a card's edge along which links end

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Where a card stands; x and y are its upper left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """Boxes of nodes by id, the points of each edge from its cause downwards, and the size of it all."""

    boxes: Mapping[str, Box]
    ways: Sequence[Sequence[Point]]
    width: float
    height: float


def arrange(trail: Trail, heights: Mapping[str, float], width: float, between: tuple[float, float]) -> Layout:
    """Places cards of one width; `between` is the space between cards of a row, and between rows."""
    rows, chains = _rows(trail)
    links = [pair for chain in chains for pair in pairwise(chain)]
    _order(rows, links)
    wide = {id: width if id in heights else _BEND_WIDTH for row in rows for id in row}
    lefts = _places(rows, links, wide, between[0])
    boxes: dict[str, Box] = {}
    below = 0.0
    for row in rows:
        height = max(heights.get(id, 0.0) for id in row)
        boxes |= {id: Box(lefts[id], below, wide[id], heights.get(id, height)) for id in row}
        below += height + between[1]
    shown = {node.id: boxes[node.id] for node in trail.nodes}
    right = max(box.x + box.width for box in boxes.values())
    return Layout(shown, _ways(chains, boxes), right, below - between[1])


def _rows(trail: Trail) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of ids from above, bends among them, and for each edge the ids that it passes."""
    distance: dict[str, int] = {}
    for id in reversed(trail.in_order()):
        distance[id] = max((distance[edge.target] + 1 for edge in trail.out_of(id)), default=0)
    last = max(distance.values())
    rows: list[list[str]] = [[] for _ in range(last + 1)]
    for node in trail.nodes:
        rows[last - distance[node.id]].append(node.id)
    chains = []
    for number, edge in enumerate(trail.edges):
        first, end = last - distance[edge.source], last - distance[edge.target]
        bends = [(row, f"\0bend {number} {row}") for row in range(first + 1, end)]
        for row, bend in bends:
            rows[row].append(bend)
        chains.append([edge.source, *(bend for _, bend in bends), edge.target])
    return rows, chains


def _order(rows: list[list[str]], links: Sequence[tuple[str, str]]) -> None:
    """Sorts each row by the mean rank of the neighbours, alternately of those below and of those above."""
    above, below = _neighbours(rows, links)
    for sweep in range(_SWEEPS):
        rank = {id: (number + 0.5) / len(row) for row in rows for number, id in enumerate(row)}
        near = above if sweep % 2 else below
        for row in rows if sweep % 2 else reversed(rows):
            mean = {id: sum(rank[each] for each in near[id]) / len(near[id]) if near[id] else rank[id] for id in row}
            row.sort(key=mean.__getitem__)
            rank |= {id: (number + 0.5) / len(row) for number, id in enumerate(row)}


def _places(
    rows: list[list[str]], links: Sequence[tuple[str, str]], wide: Mapping[str, float], gap: float
) -> dict[str, float]:
    """Left edges that bring neighbours together and keep order and distance; the least is 0."""
    lefts: dict[str, float] = {}
    for row in rows:
        lefts |= dict(zip(row, _spread([0.0] * len(row), [wide[id] for id in row], gap), strict=True))
    above, below = _neighbours(rows, links)
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            wanted = [_drawn(id, [*above[id], *below[id]], lefts, wide) for id in row]
            lefts |= dict(zip(row, _spread(wanted, [wide[id] for id in row], gap), strict=True))
    least = min(lefts.values())
    return {id: left - least for id, left in lefts.items()}


def _drawn(id: str, neighbours: Sequence[str], lefts: Mapping[str, float], wide: Mapping[str, float]) -> float:
    if not neighbours:
        return lefts[id]
    return sum(lefts[near] + wide[near] / 2 for near in neighbours) / len(neighbours) - wide[id] / 2


def _spread(wanted: Sequence[float], wide: Sequence[float], gap: float) -> list[float]:
    """The left edges nearest to those wanted, in their order and without overlap: what overlaps moves as one block."""
    blocks: list[tuple[float, float, int]] = []  # sum over its cards of the edge they want for its first, width, cards
    for left, width in zip(wanted, wide, strict=True):
        block = (left, width + gap, 1)
        while blocks and blocks[-1][0] / blocks[-1][2] + blocks[-1][1] > block[0] / block[2]:
            before = blocks.pop()
            block = (before[0] + block[0] - before[1] * block[2], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    lefts: list[float] = []
    widths = iter(wide)
    for total, _, count in blocks:
        left = total / count
        for _ in range(count):
            lefts.append(left)
            left += next(widths) + gap
    return lefts


def _neighbours(
    rows: list[list[str]], links: Sequence[tuple[str, str]]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = {id: [] for row in rows for id in row}
    below: dict[str, list[str]] = {id: [] for row in rows for id in row}
    for source, target in links:
        above[target].append(source)
        below[source].append(target)
    return above, below


def _ways(chains: Sequence[Sequence[str]], boxes: Mapping[str, Box]) -> list[list[Point]]:
    """From the lower edge of a cause to the upper edge of an effect; links share an edge side by side."""
    leaving = _ports([(chain[0], chain[1]) for chain in chains], boxes)
    entering = _ports([(chain[-1], chain[-2]) for chain in chains], boxes)
    ways = []
    for chain, start, end in zip(chains, leaving, entering, strict=True):
        first, last = boxes[chain[0]], boxes[chain[-1]]
        points = [(start, first.y + first.height)]
        for bend in (boxes[id] for id in chain[1:-1]):
            middle = bend.x + bend.width / 2
            points += [(middle, bend.y), (middle, bend.y + bend.height)]
        ways.append([*points, (end, last.y)])
    return ways


def _ports(ends: Sequence[tuple[str, str]], boxes: Mapping[str, Box]) -> list[float]:
    """Where each link ends at its card (first), in the order of where it comes from (second)."""
    places = [0.0] * len(ends)
    for card in {card for card, _ in ends}:
        box = boxes[card]
        at = sorted((number for number, end in enumerate(ends) if end[0] == card), key=lambda n: boxes[ends[n][1]].x)
        for position, number in enumerate(at):
            places[number] = box.x + box.width * (0.5 + _PORTS * ((position + 0.5) / len(at) - 0.5))
    return places
