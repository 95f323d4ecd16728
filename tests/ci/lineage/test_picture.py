from __future__ import annotations

import re
from xml.dom import minidom

from hypothesis import given, settings
from hypothesis import strategies as st

from ci.lineage.layout import arrange
from ci.lineage.picture import picture
from ci.lineage.trail import Kind, Node, State, Tracing, Trail

HOSTILE = '</text><script>alert("1")</script>&amp;<image href="http://evil.example/x"/>\x00\x1b]\ud800'


def trail_of(count: int, links: set[tuple[int, int]], title: str = "table") -> Trail:
    tracing = Tracing()
    states = (State.FOUND, State.GAP, State.NONE)
    for number in range(count):
        state = states[number % 3]
        reason = "" if state is State.FOUND else title
        kind = list(Kind)[number % len(Kind)]
        tracing.add(Node(id=f"n:{number}", kind=kind, title=title, state=state, reason=reason, facts={title: title}))
    for a, b in links:
        tracing.link(f"n:{min(a, b)}", f"n:{max(a, b)}", title)
    return tracing.trail(f"n:{count - 1}")


graphs = st.integers(1, 9).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.sets(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] != pair[1]),
            max_size=14,
        ),
    )
)


@given(graphs)
@settings(max_examples=50, deadline=None)
def test_cards_do_not_overlap_and_links_go_down(graph: tuple[int, set[tuple[int, int]]]) -> None:
    trail = trail_of(*graph)
    layout = arrange(trail, {node.id: 60.0 + 10 * len(node.id) for node in trail.nodes}, 200.0, (20.0, 40.0))
    boxes = list(layout.boxes.values())
    for number, a in enumerate(boxes):
        assert 0 <= a.x <= layout.width - a.width + 1e-6
        assert 0 <= a.y <= layout.height - a.height + 1e-6
        for b in boxes[number + 1 :]:
            apart = abs(a.x - b.x) >= 200 + 20 - 1e-6 or a.y + a.height <= b.y or b.y + b.height <= a.y
            assert apart, (a, b)
    for edge, way in zip(trail.edges, layout.ways, strict=True):
        source, target = layout.boxes[edge.source], layout.boxes[edge.target]
        assert source.x <= way[0][0] <= source.x + source.width
        assert target.x <= way[-1][0] <= target.x + target.width
        assert [y for _, y in way] == sorted(y for _, y in way)
        assert (way[0][1], way[-1][1]) == (source.y + source.height, target.y)


def test_links_pass_beside_the_cards_of_rows_between() -> None:
    trail = trail_of(4, {(0, 1), (1, 2), (2, 3), (0, 3)})
    layout = arrange(trail, {node.id: 80.0 for node in trail.nodes}, 200.0, (20.0, 40.0))
    around = next(
        way for edge, way in zip(trail.edges, layout.ways, strict=True) if (edge.source, edge.target) == ("n:0", "n:3")
    )
    assert len(around) == 6, "two points at each of the rows between"
    for x, y in around[1:-1]:
        assert not any(
            box.x < x < box.x + box.width and box.y < y < box.y + box.height for box in layout.boxes.values()
        )


@given(st.text(max_size=60) | st.just(HOSTILE))
@settings(max_examples=60, deadline=None)
def test_nothing_that_is_drawn_can_run_or_load(title: str) -> None:
    drawn = picture(trail_of(3, {(0, 1), (1, 2)}, title))
    found = minidom.parseString(drawn.encode())  # noqa: S318  # well-formed or it raises
    names = {element.tagName for element in found.getElementsByTagName("*")}
    assert names <= {"svg", "title", "style", "defs", "marker", "path", "rect", "text", "g"}
    attributes = {name for element in found.getElementsByTagName("*") for name in dict(element.attributes.items())}
    assert not {name for name in attributes if name.startswith("on") or "href" in name}


def test_a_picture_needs_no_other_file_and_follows_the_theme() -> None:
    drawn = picture(trail_of(3, {(0, 1)}))
    assert not re.findall(r"url\((?!#)|@import|https?://(?!www\.w3\.org/2000/svg)", drawn)
    assert "prefers-color-scheme: dark" in drawn
    assert drawn.count("GAP · ") == 1
