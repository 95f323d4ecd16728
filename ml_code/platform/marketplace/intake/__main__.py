"""`python -m ml_code.platform.marketplace.intake <root> <answer> [request …]`: the check of a pull request.

Writes the reports as a JSON list to the file `answer`; progress goes to stderr. Exit codes: 0 all were checked,
whatever came of it; 1 the requests or the policy cannot be read.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ml_code.platform.errors import StepError
from ml_code.platform.marketplace.intake.check import check
from ml_code.platform.marketplace.intake.policy import Policy, read_policy
from ml_code.platform.marketplace.intake.request import NamedRequest, read_requests


def main(root: str, answer: str, *names: str) -> int:
    """Checks the requests of the checkout at root, all or those that are named."""
    try:
        policy, requests = read_policy(root), read_requests(root, names)
    except StepError as error:
        print(error, file=sys.stderr)
        return 1
    reports = [_checked(named, policy) for named in requests]
    Path(answer).write_text(json.dumps(reports, ensure_ascii=False), encoding="utf-8")
    return 0


def _checked(named: NamedRequest, policy: Policy) -> dict[str, Any]:
    """The report, or what kept it from being made."""
    with tempfile.TemporaryDirectory(prefix="intake-") as work:
        try:
            return check(named, policy, Path(work), _say).report.to_document()
        except StepError as error:
            return {
                "request": named.name,
                "model": named.request.model,
                "version": named.request.version,
                "source": named.request.source.address,
                "revision": named.request.source.revision,
                "licence": named.request.licence,
                "verdict": "failed",
                "findings": [{"rule": "source", "level": "refused", "told": str(error), "file": ""}],
                "files": [],
            }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
