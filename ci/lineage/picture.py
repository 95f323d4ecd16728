"""A trail as a picture: one SVG file that needs nothing else and follows the reader's light or dark theme."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

from ci.lineage.layout import Box, Layout, Point, arrange
from ci.lineage.trail import Edge, Kind, Node, State, Trail

_WIDTH, _BETWEEN, _MARGIN, _HEAD = 232.0, (26.0, 62.0), 28.0, 64.0
_LINE, _PAD = 16.0, 12.0
_LETTERS = 31  # of the facts' size that surely fit a card
_TITLE_LETTERS = 24
_FACTS = 3
_REASON_LINES = 4
_STAGGER = (0.52, 0.78, 0.3)  # where along links into one card the words stand, one beside the other
_CONTROL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML cannot hold

_HUES = {
    Kind.PULL_REQUEST: "code",
    Kind.COMMIT: "code",
    Kind.PLAN: "release",
    Kind.DEPLOYMENT: "release",
    Kind.JOB_RUN: "work",
    Kind.JOB: "work",
    Kind.RUN: "work",
    Kind.FILE: "data",
    Kind.TABLE: "data",
    Kind.FEATURES: "data",
    Kind.DATA: "data",
    Kind.MODEL: "model",
    Kind.ENDPOINT: "model",
    Kind.PREDICTION: "result",
    Kind.PREDICTIONS: "result",
}

_STYLE = """
svg { --page: #ffffff; --card: #fbfbfd; --line: #d5d8e0; --text: #1c2030; --soft: #626a7e; --link: #a4abbd;
  --code: #6d4bc4; --release: #b0489a; --work: #b25a1d; --data: #1a7f6b; --model: #2563c9; --result: #c0392f;
  --gap: #d1242f; --gap-card: #fff3f2; }
@media (prefers-color-scheme: dark) { svg { --page: #12151d; --card: #1b1f2a; --line: #343b4d; --text: #e8ebf3;
  --soft: #9aa3b8; --link: #566078; --code: #a58bf0; --release: #e58ad0; --work: #eea066; --data: #4fc7ad;
  --model: #7aa8f7; --result: #f28b82; --gap: #ff7b72; --gap-card: #2b1a1e; } }
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--text); }
.page { fill: var(--page); } .heading { font-size: 19px; font-weight: 650; }
.about { font-size: 12px; fill: var(--soft); }
.card { fill: var(--card); stroke: var(--line); } .subject .card { stroke: var(--hue); stroke-width: 2.5; }
.kind { font-size: 10px; font-weight: 650; letter-spacing: .07em; fill: var(--hue); }
.title { font-size: 13px; font-weight: 600; } .fact { font-size: 11px; fill: var(--soft); } .bar { fill: var(--hue); }
.gap .card { fill: var(--gap-card); stroke: var(--gap); stroke-dasharray: 5 4; }
.gap .fact { fill: var(--gap); } .none { opacity: .72; } .none .card { stroke-dasharray: 2 4; }
.link { fill: none; stroke: var(--link); stroke-width: 1.5; } .broken { stroke: var(--gap); stroke-dasharray: 5 4; }
.relation { font-size: 10px; fill: var(--soft); paint-order: stroke; stroke: var(--page); stroke-width: 4px; }
#arrow path { fill: var(--link); }
""" + "".join(f".{hue} {{ --hue: var(--{hue}); }}\n" for hue in [*sorted(set(_HUES.values())), "gap"])


def picture(trail: Trail) -> str:
    """The SVG's text. Everything that comes from elsewhere is escaped; it holds no script and loads nothing."""
    lines = {node.id: _lines(node) for node in trail.nodes}
    heights = {node.id: 2 * _PAD + (1 + len(_title(node)) + len(lines[node.id])) * _LINE for node in trail.nodes}
    layout = arrange(trail, heights, _WIDTH, _BETWEEN)
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN + _HEAD
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img">',
        f"<title>{_text(_heading(trail))}</title><style>{_STYLE}</style>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        f'<rect class="page" width="{width:.0f}" height="{height:.0f}"/>',
        f'<text class="heading" x="{_MARGIN}" y="40">{_text(_heading(trail))}</text>',
        f'<text class="about" x="{_MARGIN}" y="60">{_text(_about(trail))}</text>',
        f'<g transform="translate({_MARGIN} {_MARGIN + _HEAD})">',
        *_links(trail, layout),
        *(_card(node, layout.boxes[node.id], lines[node.id], node.id == trail.subject) for node in trail.nodes),
        "</g></svg>",
    ]
    return "\n".join(parts) + "\n"


def _card(node: Node, box: Box, lines: Sequence[str], subject: bool) -> str:
    classes = " ".join([_HUES[node.kind], node.state, *(["subject"] if subject else [])])
    mark = "GAP · " if node.state is State.GAP else ""
    details = "\n".join([node.title, node.reason, *(f"{name}: {value}" for name, value in node.facts.items())])
    texts = [("title", line) for line in _title(node)] + [("fact", line) for line in lines]
    shown = "".join(
        f'<text class="{style}" x="16" y="{39 + number * _LINE:.0f}">{_text(line)}</text>'
        for number, (style, line) in enumerate(texts)
    )
    return (
        f'<g class="{classes}" transform="translate({box.x:.1f} {box.y:.1f})"><title>{_text(details)}</title>'
        f'<rect class="card" width="{box.width:.0f}" height="{box.height:.0f}" rx="9"/>'
        f'<rect class="bar" x="0" y="10" width="3.5" height="{box.height - 20:.0f}" rx="1.7"/>'
        f'<text class="kind" x="16" y="21">{_text(mark + node.kind.upper())}</text>'
        f"{shown}</g>"
    )


def _links(trail: Trail, layout: Layout) -> list[str]:
    """All lines, then all words, so that no line crosses a word."""
    lines, words = [], []
    arriving: dict[str, int] = {}
    for edge, points in sorted(zip(trail.edges, layout.ways, strict=True), key=lambda pair: pair[1][-1]):
        broken = State.GAP in (trail.node(edge.source).state, trail.node(edge.target).state)
        style = "link broken" if broken else "link"
        lines.append(f'<path class="{style}" d="{_curve(points)}" marker-end="url(#arrow)"/>')
        number = arriving[edge.target] = arriving.get(edge.target, -1) + 1
        words.append(_words(edge, points, _STAGGER[number % len(_STAGGER)]))
    return [*lines, *words]


def _words(edge: Edge, points: Sequence[Point], share: float) -> str:
    """What the link says, some way down its last stretch: there, links from one thing have parted."""
    (x, y), (end, below) = points[-2:]
    bent = share * share * (3 - 2 * share)  # how far across the curve is by then
    return (
        f'<text class="relation" text-anchor="middle" x="{x + (end - x) * bent:.1f}" '
        f'y="{y + (below - y) * share + 3:.1f}">{_text(edge.relation)}</text>'
    )


def _curve(points: Sequence[Point]) -> str:
    """Upright at every point; straight past the rows that it passes."""
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for number, ((x, y), (end, below)) in enumerate(pairwise(points)):
        if number % 2:
            path += f" L{end:.1f} {below:.1f}"
            continue
        middle = (y + below) / 2
        path += f" C{x:.1f} {middle:.1f} {end:.1f} {middle:.1f} {end:.1f} {below:.1f}"
    return path


def _lines(node: Node) -> list[str]:
    """What a card says beside kind and title."""
    if node.reason:
        return textwrap.wrap(node.reason, _LETTERS, max_lines=_REASON_LINES, placeholder=" …")
    return [_cut(f"{name}: {value}", _LETTERS) for name, value in list(node.facts.items())[:_FACTS]]


def _title(node: Node) -> list[str]:
    return textwrap.wrap(node.title, _TITLE_LETTERS, max_lines=2, placeholder=" …") or [""]


def _heading(trail: Trail) -> str:
    subject = trail.node(trail.subject)
    return f"Audit trail of {subject.kind} {subject.title}"


def _about(trail: Trail) -> str:
    gaps = len(trail.gaps)
    told = "whole" if not gaps else f"{gaps} {'gap' if gaps == 1 else 'gaps'}"
    return f"{len(trail.nodes)} things, {len(trail.edges)} links, {told}. Rest on a card for all that is known of it."


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


def _text(text: str) -> str:
    return escape(_CONTROL.sub("\ufffd", text))
