"""A job's tasks as a picture: columns by depth, arrows along dependencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 168, 44, 56, 18, 8


@dataclass(frozen=True)
class Box:
    """One task; coordinates in pixels from the picture's upper left corner."""

    key: str
    state: str
    x: int
    y: int
    width: int = _WIDTH
    height: int = _HEIGHT


@dataclass(frozen=True)
class Dag:
    boxes: Sequence[Box]
    arrows: Sequence[str]
    width: int
    height: int


def draw(tasks: Sequence[Mapping[str, Any]], states: Mapping[str, str]) -> Dag:
    """Lays out tasks (as the Jobs API lists them); `states` names each task's state, absent where it has none."""
    parents = {task["task_key"]: [parent["task_key"] for parent in task.get("depends_on", [])] for task in tasks}
    columns: dict[int, list[str]] = {}
    for key in parents:
        columns.setdefault(_depth(key, parents), []).append(key)
    boxes: dict[str, Box] = {}
    for column, keys in columns.items():
        for row, key in enumerate(keys):
            x, y = _MARGIN + column * (_WIDTH + _GAP_X), _MARGIN + row * (_HEIGHT + _GAP_Y)
            boxes[key] = Box(key, states.get(key, ""), x, y)
    arrows = [_arrow(boxes[parent], boxes[key]) for key in parents for parent in parents[key] if parent in boxes]
    return Dag(
        list(boxes.values()),
        arrows,
        width=max((box.x + box.width for box in boxes.values()), default=0) + _MARGIN,
        height=max((box.y + box.height for box in boxes.values()), default=0) + _MARGIN,
    )


def _depth(key: str, parents: Mapping[str, Sequence[str]]) -> int:
    return 1 + max((_depth(parent, parents) for parent in parents.get(key, ())), default=-1)


def _arrow(start: Box, end: Box) -> str:
    """An SVG path from the right of one box to the left of another."""
    x1, y1 = start.x + start.width, start.y + start.height // 2
    x2, y2 = end.x - 6, end.y + end.height // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"
