"""approvals.yaml told as JSON, for those who may not import this code: `python -m …check <root>`.

{"problems": [text, …], "approvals": [{…, "first_line": 1, "last_line": 9}, …]}; lines are counted from 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.governance.approvals import FILE, read_approvals


def told(root: Path) -> dict[str, Any]:
    """The approvals and where they stand in the file, or all that is wrong with it."""
    try:
        approvals = read_approvals(root)
    except StepError as error:
        return {"problems": str(error).splitlines(), "approvals": []}
    lines = _lines((root / FILE).read_text(encoding="utf-8"))
    return {
        "problems": [],
        "approvals": [
            {**approval.model_dump(mode="json"), "first_line": first, "last_line": last}
            for approval, (first, last) in zip(approvals, lines, strict=True)
        ],
    }


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """The lines of each entry, comments after its last value not counted."""
    tree: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    entries = next(value for key, value in tree.value if key.value == "approvals")
    for entry in entries.value:
        last = max(_end(value) for _, value in entry.value)
        yield entry.start_mark.line + 1, last + 1


def _end(node: yaml.Node) -> int:
    """Index of a value's last line. Text and lists in blocks end where what follows begins."""
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return max(_end(each) for each in node.value)
    mark = node.end_mark
    return int(mark.line) - (1 if mark.column == 0 else 0)


if __name__ == "__main__":
    print(json.dumps(told(Path(sys.argv[1]))))
